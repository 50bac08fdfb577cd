/// A numbered invoice for one share, or the credit note that cancels one; neither is ever changed.
public struct Invoice: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Invoice>

    public struct Line: Codable, Hashable, Sendable {
        public var tax: Earning.Tax
        public var text: String
        /// The VAT rate in hundredths of a percent.
        public var rate: Int
        /// The amount of the line in minor units, VAT included.
        public var amount: Int64

        public init(_ tax: Earning.Tax, _ text: String, rate: Int, amount: Int64) {
            self.tax = tax
            self.text = text
            self.rate = rate
            self.amount = amount
        }
    }

    /// The VAT of all lines with one rate; tourist tax has no VAT.
    public struct VAT: Codable, Hashable, Sendable {
        /// The VAT rate in hundredths of a percent; 2100 is 21 %.
        public var rate: Int
        /// The amount without VAT, in minor units; net and VAT together are the sum of the lines with the rate.
        public var net: Int64
        public var vat: Int64

        public init(rate: Int, net: Int64, vat: Int64) {
            self.rate = rate
            self.net = net
            self.vat = vat
        }
    }

    public var id: ID
    public var shareId: Share.ID
    /// The number, without gaps for each park and year, such as `DE-EIKEN-2027-000012`.
    public var number: String
    /// The number of the invoice that this credit note cancels; nil for an invoice.
    public var credits: String?
    /// The park-local day of the invoice.
    public var day: LocalDate
    public var content: Content

    /// The contents of the invoice, as they were true on its day.
    public struct Content: Codable, Hashable, Sendable {
        public var language: Language
        public var seller: HouseRules.Seller
        /// The recipient; may have several lines.
        public var recipient: String
        public var park: String
        public var bookingNumber: String
        public var stay: Stay
        public var lines: [Line]
        public var vat: [VAT]
        public var total: Money

        public init(
            language: Language,
            seller: HouseRules.Seller,
            recipient: String,
            park: String,
            bookingNumber: String,
            stay: Stay,
            lines: [Line],
            currency: String
        ) {
            self.language = language
            self.seller = seller
            self.recipient = recipient
            self.park = park
            self.bookingNumber = bookingNumber
            self.stay = stay
            self.lines = lines
            vat = Dictionary(grouping: lines.filter { $0.tax != .touristTax && $0.rate > 0 }, by: \.rate)
                .sorted { $0.key < $1.key }
                .map { rate, lines in
                    let parts = Earned.parts(of: lines.reduce(0) { $0 + $1.amount }, rate: rate)
                    return VAT(rate: rate, net: parts.net, vat: parts.vat)
                }
            total = Money(lines.reduce(0) { $0 + $1.amount }, currency)
        }

        /// The contents of the credit note that cancels this invoice.
        public var reversal: Content {
            var content = self
            content.total.amount = -total.amount
            for index in content.lines.indices { content.lines[index].amount = -lines[index].amount }
            for index in content.vat.indices {
                content.vat[index] = VAT(rate: vat[index].rate, net: -vat[index].net, vat: -vat[index].vat)
            }
            return content
        }
    }

    public init(id: ID, shareId: Share.ID, number: String, credits: String?, day: LocalDate, content: Content) {
        self.id = id
        self.shareId = shareId
        self.number = number
        self.credits = credits
        self.day = day
        self.content = content
    }
}

extension Bill {
    /// Divides a household's share by tax class; the parts add up to the share.
    ///
    /// A household's own lines, such as its extras and its tourist tax, are on its own invoice as far as its share pays
    /// for them. The rest of a share has the same mixture as the rest of the price. That rest is the common lines, and
    /// own lines that another household pays.
    ///
    /// - Parameters:
    ///   - shares: the shares of all households, minor units.
    ///   - whole: the whole price.
    public func composition(
        of shares: [Household.ID: Int64],
        for household: Household.ID,
        _ whole: Earned
    ) -> [Earned.Class: Int64] {
        let share = shares[household] ?? 0
        var own = ownParts(as: whole)
        var left = whole.amounts
        for (owner, made) in own {
            let paid = Swift.min(Swift.max(shares[owner] ?? 0, 0), made.total)
            let parts = paid == made.total ? made.amounts : paid.divided(by: made.amounts) ?? [:]
            own[owner]?.amounts = parts
            for (key, amount) in parts { left[key, default: 0] -= amount }
        }
        var made = own[household] ?? Earned()
        let rest = share - made.total
        for (key, amount) in rest.divided(by: left) ?? [Earned.Class(.none, rate: 0): rest] {
            made.amounts[key, default: 0] += amount
        }
        return made.amounts.filter { $0.value != 0 }
    }

    /// The own lines of each household, less the goodwill it was given.
    private func ownParts(as whole: Earned) -> [Household.ID: Earned] {
        let homes = Dictionary(travellers.map { ($0.id, $0.householdId) }) { first, _ in first }
        var own: [Household.ID: Earned] = [:]
        var goodwill: [Household.ID: Int64] = [:]
        for line in lines {
            guard let owner = line.householdId ?? line.travellerId.flatMap({ homes[$0] }) else { continue }
            let tax = line.kind.tax
            guard tax != .goodwill else {
                goodwill[owner, default: 0] += line.amount
                continue
            }
            let classes = whole.amounts.filter { $0.key.tax == tax }
            for (key, part) in line.amount.divided(by: classes) ?? [Earned.Class(tax, rate: 0): line.amount] {
                own[owner, default: Earned()].amounts[key, default: 0] += part
            }
        }
        for (owner, amount) in goodwill {
            // Goodwill reduces the household's own lines first; the rest reduces the common lines.
            let made = own[owner] ?? Earned()
            own[owner]?.subtract(Swift.max(amount, made.touristTax - made.total), off: made)
        }
        return own
    }
}

extension Int64 {
    /// Divides by the largest remainder; nil when no weight is above 0.
    fileprivate func divided(by weights: [Earned.Class: Int64]) -> [Earned.Class: Int64]? {
        let classes = weights.filter { $0.value > 0 }.keys.sorted()
        guard let parts = divided(by: classes.map { weights[$0] ?? 0 }), !parts.isEmpty else { return nil }
        return Dictionary(zip(classes, parts)) { first, _ in first }.filter { $0.value != 0 }
    }
}

/// Asks for the invoice of a share.
public struct InvoiceRequest: Codable, Sendable, Checked {
    /// The recipient's name and address on the invoice; when nil, the household's name.
    public var recipient: String?

    public init(recipient: String? = nil) {
        self.recipient = recipient
    }

    public func check(_ check: inout Check) {
        check.text(recipient, "/recipient", length: 1...300, hasLines: true)
        let lines = recipient?.split(separator: "\n", omittingEmptySubsequences: false) ?? ["-"]
        check.require(lines.count <= 8, "/recipient", "must have at most 8 lines")
        check.require(
            lines.first?.contains { !$0.isWhitespace } ?? false,
            "/recipient",
            "must not begin with a blank line"
        )
    }
}

extension Refusal {
    /// The park's house rules have no `seller`, so no invoice can be made.
    public static let noSeller = Refusal(
        .conflict,
        "no_seller",
        en: "The park does not send invoices here.",
        nl: "Het park verstuurt hier geen facturen.",
        de: "Der Park stellt hier keine Rechnungen aus."
    )

    /// A guest asked for another invoice of a share that has 20, not counting credits.
    public static let tooManyInvoices = Refusal(
        .conflict,
        "too_many_invoices",
        en: "This share has had many invoices; ask the desk for another.",
        nl: "Voor dit deel zijn al veel facturen gemaakt; vraag de receptie om een nieuwe.",
        de: "Für diesen Anteil gab es schon viele Rechnungen; frag die Rezeption nach einer neuen."
    )

    /// The share's amount is 0, and no earlier invoice stands to be credited.
    public static let nothingToInvoice = Refusal(
        .conflict,
        "nothing_to_invoice",
        en: "There is nothing to invoice.",
        nl: "Er is niets te factureren.",
        de: "Es gibt nichts in Rechnung zu stellen."
    )
}
