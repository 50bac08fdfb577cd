/// The payment provider's limits: methods for each currency, and the least and most at a time.
///
/// The source is Stripe's documentation of 2026, "Supported currencies" and "Payment method support".
public enum ProviderLimits {
    /// The least amount of one payment by currency, in minor units of ISO 4217.
    private static let least: [String: Int64] = [
        "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
        "GBP": 30,
        "HKD": 400, "HUF": 17_500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200,
        "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
    ]

    /// The least amount of one payment; for a currency without a known least amount, half of its unit.
    public static func least(in currency: String) -> Int64 {
        if let known = least[currency] { return known }
        switch Currency.decimals(of: currency) {
        case 0: return 1
        case 3: return 500
        default: return 50
        }
    }

    /// The most that one payment can be: eight digits in the provider's own units.
    public static func most(in currency: String) -> Int64 {
        let (factor, divisor) = units(of: currency)
        return 99_999_999 / factor * divisor
    }

    /// The provider's smallest coin: every amount must be a multiple of it.
    public static func step(in currency: String) -> Int64 {
        switch currency {
        // The provider counts this currency in whole units.
        case "MGA": 100
        // The provider counts these in thousandths; the last digit must be 0.
        case "BHD", "JOD", "KWD", "OMR", "TND": 10
        default: 1
        }
    }

    /// The conversion from minor units to the provider's units: multiply by `factor`, then divide by `divisor`.
    ///
    /// Iceland's and Uganda's currencies lost their hundredths, but the provider still counts in them.
    public static func units(of currency: String) -> (factor: Int64, divisor: Int64) {
        switch currency {
        case "ISK", "UGX": (100, 1)
        case "MGA": (1, 100)
        default: (1, 1)
        }
    }

    /// Checks that `amount` can be paid when `open` is owed; both in minor units.
    ///
    /// - Throws: `amountTooSmall`, `amountTooLarge`, `amountNotPayable` for an amount that ends below the
    ///   provider's smallest coin, and `leavesTooLittle` where the rest would be too small to be paid.
    public static func allow(_ amount: Int64, of open: Int64, in currency: String) throws(Refusal) {
        guard amount >= least(in: currency) else { throw .amountTooSmall }
        guard amount <= most(in: currency) else { throw .amountTooLarge }
        guard amount % step(in: currency) == 0 else { throw .amountNotPayable }
        let rest = open - amount
        guard rest <= 0 || rest < step(in: currency) || rest >= least(in: currency) else { throw .leavesTooLittle }
    }

    /// The amount proposed for an open sum: as much of it as the provider takes at a time.
    public static func usual(of open: Int64, in currency: String) -> Int64 {
        let all = open - open % step(in: currency)
        guard all > most(in: currency) else { return all }
        // The rest must be payable too.
        let part = most(in: currency) - least(in: currency)
        return part - part % step(in: currency)
    }
}

extension Attempt.Method {
    /// True if the method takes that currency.
    ///
    /// iDEAL and SEPA exist in euro alone.
    public func isTaken(in currency: String) -> Bool {
        switch self {
        case .card: true
        case .ideal, .sepaDebit: currency == "EUR"
        }
    }
}

extension Refusal {
    /// `amount` is below the provider's least amount in the booking's currency, such as 0.50 EUR.
    public static let amountTooSmall = Refusal(
        .conflict,
        "amount_too_small",
        en: "That is less than can be paid online; the desk takes it.",
        nl: "Dat is minder dan online kan worden betaald; de receptie neemt het aan.",
        de: "Das ist weniger, als online bezahlt werden kann; die Rezeption nimmt es an."
    )

    /// `amount` has more than the eight digits that the provider takes in one attempt.
    public static let amountTooLarge = Refusal(
        .conflict,
        "amount_too_large",
        en: "That is more than can be paid at a time; pay it in parts.",
        nl: "Dat is meer dan in één keer kan worden betaald; betaal in delen.",
        de: "Das ist mehr, als auf einmal bezahlt werden kann; bezahle in Teilen."
    )

    /// `amount` is no multiple of the provider's smallest coin in the booking's currency.
    public static let amountNotPayable = Refusal(
        .conflict,
        "amount_not_payable",
        en: "That amount ends in a coin that cannot be paid online.",
        nl: "Dat bedrag eindigt op een munt die niet online kan worden betaald.",
        de: "Dieser Betrag endet mit einer Münze, die online nicht bezahlt werden kann."
    )

    /// The rest after `amount` would be above 0 but below the provider's least amount.
    public static let leavesTooLittle = Refusal(
        .conflict,
        "leaves_too_little",
        en: "That would leave less than can be paid online; pay a little less or all of it.",
        nl: "Er blijft dan minder over dan online kan worden betaald; betaal iets minder of alles.",
        de: "Dann bliebe weniger übrig, als online bezahlt werden kann; bezahle etwas weniger oder alles."
    )

    /// The request has another `currency` than the park, which has at least one booking.
    public static let currencyFixed = Refusal(
        .conflict,
        "currency_fixed",
        en: "The park has bookings, so its currency stays.",
        nl: "Het park heeft boekingen, dus de munteenheid blijft.",
        de: "Der Park hat Buchungen, darum bleibt seine Währung."
    )
}
