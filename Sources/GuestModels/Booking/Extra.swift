/// Something that a park offers beside the cottage: a cot, a bicycle, an evening's babysitter, a late check-out.
public struct Extra: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Extra>

    public var id: ID
    public var parkId: Park.ID
    public var code: String
    /// The names by language.
    public var names: [String: String]
    /// Whether the price is for each day, or for the piece regardless of the days.
    public var isDaily: Bool
    /// The price in minor units.
    public var price: Int64
    /// The times of day when the extra is offered; empty when the time does not matter.
    public var slots: [LocalTime]
    /// The number available per date and slot, unless staff have set another number.
    public var stock: Int
    /// The later check-out time on the day of departure, on the park's clock; nil for other extras.
    public var checkOutBy: LocalTime?
    /// The kind of VAT rate that is in the price; nil means the rate for extras.
    public var taxedAs: Taxed?
    /// Whether the extra is offered; orders of a closed extra stay valid.
    public var isOpen: Bool
    public var version: Int

    public enum Taxed: String, Codable, CaseIterable, Sendable {
        /// The extra, such as linen, has the VAT rate for stays.
        case lodging
        case extras
        /// The extra is exempt from VAT.
        case none
    }

    public init(_ request: ExtraRequest, id: ID, parkId: Park.ID, version: Int) {
        self.id = id
        self.parkId = parkId
        code = request.code
        names = request.names
        isDaily = request.isDaily
        price = request.price
        slots = request.slots ?? []
        stock = request.stock
        checkOutBy = request.checkOutBy
        taxedAs = request.taxedAs == .extras ? nil : request.taxedAs
        isOpen = request.isOpen ?? true
        self.version = version
    }
}

public struct ExtraRequest: Codable, Sendable, Checked {
    public var code: String
    public var names: [String: String]
    public var isDaily: Bool
    public var price: Int64
    public var slots: [LocalTime]?
    public var stock: Int
    public var checkOutBy: LocalTime?
    /// The kind of VAT rate; `extras` when nil.
    public var taxedAs: Extra.Taxed?
    public var isOpen: Bool?

    public init(
        code: String,
        names: [String: String],
        isDaily: Bool,
        price: Int64,
        slots: [LocalTime]? = nil,
        stock: Int,
        checkOutBy: LocalTime? = nil,
        taxedAs: Extra.Taxed? = nil,
        isOpen: Bool? = nil
    ) {
        self.code = code
        self.names = names
        self.isDaily = isDaily
        self.price = price
        self.slots = slots
        self.stock = stock
        self.checkOutBy = checkOutBy
        self.taxedAs = taxedAs
        self.isOpen = isOpen
    }

    public func check(_ check: inout Check) {
        check.code(code, "/code")
        check.require(!names.isEmpty, "/names", "must have a name in some language")
        for (language, name) in names.sorted(by: { $0.key < $1.key }) {
            check.require(Language(rawValue: language) != nil, "/names/\(language)", "must be en, nl or de")
            check.text(name, "/names/\(language)", length: 1...100)
        }
        check.range(price, "/price", 0...1_000_000_000)
        check.range(stock, "/stock", 0...100_000)
        let times = slots ?? []
        check.require(
            times.count <= 48 && Set(times).count == times.count,
            "/slots",
            "must be up to 48 different times"
        )
        check.require(checkOutBy == nil || times.isEmpty, "/checkOutBy", "must not come with slots")
    }
}

/// The stock of an extra on a date, and how many are left.
public struct ExtraStock: Codable, Hashable, Sendable {
    public var date: LocalDate
    public var slot: LocalTime?
    public var stock: Int
    public var left: Int

    public init(date: LocalDate, slot: LocalTime?, stock: Int, left: Int) {
        self.date = date
        self.slot = slot
        self.stock = stock
        self.left = left
    }
}

/// Sets the stock of an extra on one date.
public struct StockRequest: Codable, Sendable, Checked {
    public var date: LocalDate
    public var slot: LocalTime?
    public var stock: Int

    public init(date: LocalDate, slot: LocalTime? = nil, stock: Int) {
        self.date = date
        self.slot = slot
        self.stock = stock
    }

    public func check(_ check: inout Check) {
        check.range(stock, "/stock", 0...100_000)
    }
}

/// Orders an extra for a booking.
public struct ExtraOrderRequest: Codable, Sendable, Checked {
    public var id: ExtraOrder.ID?
    public var extraId: Extra.ID
    /// The first date of use, within the stay; the day of departure counts.
    public var from: LocalDate
    /// The last date of use; the first date when nil.
    public var through: LocalDate?
    public var slot: LocalTime?
    public var quantity: Int
    /// The household that gets the extra; nil means the whole group.
    public var householdId: Household.ID?
    /// The cottage of the booking that gets the extra; nil when the cottage does not matter.
    public var cottageId: Cottage.ID?

    public init(
        id: ExtraOrder.ID? = nil,
        extraId: Extra.ID,
        from: LocalDate,
        through: LocalDate? = nil,
        slot: LocalTime? = nil,
        quantity: Int = 1,
        householdId: Household.ID? = nil,
        cottageId: Cottage.ID? = nil
    ) {
        self.id = id
        self.extraId = extraId
        self.from = from
        self.through = through
        self.slot = slot
        self.quantity = quantity
        self.householdId = householdId
        self.cottageId = cottageId
    }

    public func check(_ check: inout Check) {
        check.range(quantity, "/quantity", 1...100)
        check.require((through ?? from) >= from, "/through", "must not be before from")
        check.require(
            (through ?? from).daysSince1970 - from.daysSince1970 < 366,
            "/through",
            "must be within 366 days of from"
        )
    }
}

/// An ordered extra, at the price of the day of the order.
public struct ExtraOrder: Codable, Hashable, Sendable {
    public typealias ID = Identifier<ExtraOrder>

    public var id: ID
    public var bookingId: Booking.ID
    public var extraId: Extra.ID
    public var from: LocalDate
    public var through: LocalDate
    public var slot: LocalTime?
    public var quantity: Int
    public var householdId: Household.ID?
    /// The cottage that gets the extra; nil when none was named, or when the booking has given it up.
    public var cottageId: Cottage.ID?
    /// The time until which the household, or the whole group, may stay on the day of departure.
    public var checkOutBy: LocalTime?
    /// The price in minor units, for the piece or for each day.
    public var unitAmount: Int64
    public var isCancelled: Bool

    public init(
        id: ID,
        bookingId: Booking.ID,
        extraId: Extra.ID,
        from: LocalDate,
        through: LocalDate,
        slot: LocalTime?,
        quantity: Int,
        householdId: Household.ID?,
        cottageId: Cottage.ID? = nil,
        checkOutBy: LocalTime? = nil,
        unitAmount: Int64,
        isCancelled: Bool
    ) {
        self.id = id
        self.bookingId = bookingId
        self.extraId = extraId
        self.from = from
        self.through = through
        self.slot = slot
        self.quantity = quantity
        self.householdId = householdId
        self.cottageId = cottageId
        self.checkOutBy = checkOutBy
        self.unitAmount = unitAmount
        self.isCancelled = isCancelled
    }

    /// The dates on which the extra is used.
    public var dates: [LocalDate] {
        (0...max(0, through.daysSince1970 - from.daysSince1970)).map { from.adding(days: $0) }
    }

    /// Whether the dates of the order lie within a stay.
    ///
    /// The day of departure counts. A late check-out must be on that day alone.
    public func fits(_ stay: Stay) -> Bool {
        checkOutBy == nil
            ? stay.arrival <= from && through <= stay.departure : from == stay.departure && through == from
    }

    /// Whether both orders are late check-outs, for the same household or at least one of them for the whole group.
    public func repeats(_ other: ExtraOrder) -> Bool {
        checkOutBy != nil && other.checkOutBy != nil
            && (householdId == nil || other.householdId == nil || householdId == other.householdId)
    }

    /// The charge line for the order.
    public func line(isDaily: Bool) -> ChargeLine {
        ChargeLine(
            .extra,
            household: householdId,
            extraOrder: id,
            quantity: quantity * (isDaily ? dates.count : 1),
            unitAmount: unitAmount
        )
    }
}

extension Refusal {
    /// The order exceeds the stock left on one of its dates; order a smaller `quantity` or other dates.
    public static let extraSoldOut = Refusal(
        .conflict,
        "extra_sold_out",
        en: "There are not that many left.",
        nl: "Zoveel zijn er niet meer.",
        de: "So viele gibt es nicht mehr."
    )

    /// The extra is closed or of another park, or `slot` is missing or none of its slots.
    public static let extraNotOffered = Refusal(
        .conflict,
        "extra_not_offered",
        en: "The park does not offer that, or not then.",
        nl: "Het park biedt dat niet aan, of niet op dat moment.",
        de: "Das bietet der Park nicht an, oder nicht zu dieser Zeit."
    )

    /// A late check-out has a `quantity` above 1, or overlaps an order for this household or the whole group.
    public static let oneLateCheckOut = Refusal(
        .conflict,
        "one_late_check_out",
        en: "Only one late check-out can be ordered for the same guests.",
        nl: "Voor dezelfde gasten kan maar één late check-out worden besteld.",
        de: "Für dieselben Gäste kann nur eine späte Abreise bestellt werden."
    )

    /// The dates of the extra lie outside the stay, or a late check-out is not on its last day.
    public static let outsideStay = Refusal(
        .conflict,
        "outside_stay",
        en: "That lies outside your stay.",
        nl: "Dat valt buiten je verblijf.",
        de: "Das liegt außerhalb deines Aufenthalts."
    )

    /// `stock` is below what orders have taken for that date and slot.
    public static let stockPromised = Refusal(
        .conflict,
        "stock_promised",
        en: "More than that have been promised already.",
        nl: "Er zijn er al meer toegezegd.",
        de: "Es sind schon mehr zugesagt."
    )
}
