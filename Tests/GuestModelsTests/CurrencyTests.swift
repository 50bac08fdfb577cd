import GuestModels
import Testing

@Suite struct CurrencyTests {
    @Test func `An amount is written with as many decimals as its currency has`() {
        #expect(Money(12050, "EUR").plainText == "EUR 120.50")
        #expect(Money(-5, "EUR").plainText == "EUR -0.05")
        #expect(Money(27037, "JPY").plainText == "JPY 27037")
        #expect(Money(12345, "KWD").plainText == "KWD 12.345")
        #expect(Money(.min, "EUR").plainText == "EUR -92233720368547758.08")
    }

    @Test func `An unknown currency or country code is recognised`() {
        #expect(Currency.isKnown("ISK") && !Currency.isKnown("ZZZ") && !Currency.isKnown("XAU"))
        #expect(Country.isKnown("NL") && !Country.isKnown("QQ"))
    }

    @Test func `An amount outside the provider's limits is refused`() {
        #expect(throws: Refusal.amountTooSmall) { try ProviderLimits.allow(49, of: 49, in: "EUR") }
        #expect(throws: Refusal.amountTooLarge) { try ProviderLimits.allow(100_000_000, of: 200_000_000, in: "EUR") }
        #expect(throws: Refusal.amountNotPayable) { try ProviderLimits.allow(12_345, of: 12_345, in: "KWD") }
        #expect(throws: Never.self) { try ProviderLimits.allow(12_340, of: 12_345, in: "KWD") }
        #expect(ProviderLimits.usual(of: 12_345, in: "KWD") == 12_340)
        #expect(ProviderLimits.most(in: "ISK") == 999_999)
    }

    @Test func `A payment cannot leave a rest too small to pay`() {
        #expect(throws: Refusal.leavesTooLittle) { try ProviderLimits.allow(1_000, of: 1_049, in: "EUR") }
        #expect(throws: Never.self) { try ProviderLimits.allow(1_000, of: 1_050, in: "EUR") }
        #expect(throws: Never.self) { try ProviderLimits.allow(1_049, of: 1_049, in: "EUR") }
    }

    @Test func `iDEAL and direct debits are accepted only in euros`() {
        for method in Attempt.Method.allCases {
            #expect(method.isTaken(in: "EUR"))
            #expect(method.isTaken(in: "GBP") == (method == .card))
        }
    }
}
