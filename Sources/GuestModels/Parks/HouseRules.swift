public import Foundation

/// How a park wants it, as data.
///
/// A booking keeps the rules it was placed under.
public struct HouseRules: Hashable, Codable, Sendable {
    /// From when the cottage is theirs on the day of arrival, and until when on the day of departure.
    public var checkInFrom: LocalTime
    public var checkOutBy: LocalTime
    /// On which days a stay may begin, and for how many nights then.
    ///
    /// Empty: any day, any length.
    public var arrivals: [Arrival]
    public var minimumNights: Int
    public var maximumNights: Int
    /// How many days ahead a stay may begin.
    public var bookableDaysAhead: Int
    public var holdMinutes: Int
    /// By how much a hold may be extended, once.
    public var extensionMinutes: Int
    /// Of the price, 0 to 100: what must be covered before a hold is confirmed.
    public var depositPercent: Int
    /// Minor units per cottage that the guests chose on the map.
    public var chosenCottageFee: Int64
    /// Minor units per pet and night.
    public var petNight: Int64
    public var earlyBooking: EarlyBooking?
    public var touristTax: TouristTax?
    /// What a cancellation costs: the first step whose `days` are still ahead decides; with none left, everything.
    public var cancellation: [CancellationStep]
    /// Who of a group checks in without the desk; the lead, that is the organiser, unless the park says otherwise.
    public var selfCheckIn: SelfCheckIn?
    /// Who sees door code and Wi-Fi of a cottage; everybody of the group unless the park says otherwise.
    public var accessFor: AccessFor?
    /// The guest register the country asks for; none unless the park says so.
    public var register: Register?
    /// How many days before arrival everything is due; 28 unless the park says otherwise.
    public var balanceDays: Int?
    /// Whether guests check themselves in only once everything has been paid; not unless the park says so.
    public var paidCheckIn: Bool?
    /// Minor units that may be given away on one booking without a second person; 5,000 unless the park says otherwise.
    public var goodwillLimit: Int64?
    /// Minor units that one of the staff may give away in a day; four times as much unless the park says otherwise.
    public var goodwillDayLimit: Int64?
    /// The VAT in the park's prices, from which day on; empty for none.
    ///
    /// Until the park says, nothing is written down as earned.
    public var vat: [VATRates]?
    /// Who sends the park's invoices; none are sent unless the park says so.
    public var seller: Seller?
    /// The consequence when a firm stay's deposit is not covered again in time; a task unless the park says otherwise.
    public var depositLapse: DepositLapse?
    /// The most babies in a cottage beside its capacity; two unless the park says otherwise.
    public var maximumBabies: Int?
    /// When phones let guests sleep; from 22:00 until 08:00 unless the park says otherwise.
    public var quietHours: QuietHours?
    /// Hours in which the desk can undo a no-show, a check-out or a change; 24 unless the park says otherwise.
    public var undoHours: Int?
    /// A stay that begins within this many days of its booking asks for all of its lodging as deposit; nil: no such rule.
    public var fullPriceDays: Int?
    /// The steps that follow when shares are unpaid before arrival; nil means a task after 14 days.
    public var overdue: Overdue?
    /// Other rules for some days of arrival and types; the first that fits decides.
    public var seasons: [Season]?

    /// Counted in days from the date since when a share has been overdue.
    ///
    /// Reminders start on the first of them.
    public struct Overdue: Hashable, Codable, Sendable {
        /// The desk gets a task; nil: never.
        public var askAfterDays: Int?
        /// The stay is cancelled, for the fee of that day; nil: never.
        public var cancelAfterDays: Int?

        public init(askAfterDays: Int? = nil, cancelAfterDays: Int? = nil) {
            self.askAfterDays = askAfterDays
            self.cancelAfterDays = cancelAfterDays
        }

        public static let usual = Overdue(askAfterDays: 14)
    }

    public enum DepositLapse: String, Hashable, Codable, Sendable {
        /// The desk gets a task.
        case asks
        /// The stay is cancelled, for the fee of that day.
        case cancels
    }

    public enum SelfCheckIn: String, Hashable, Codable, Sendable {
        case lead, anyone
    }

    public enum AccessFor: String, Hashable, Codable, Sendable {
        case group, household
    }

    /// Adults are entered before check-in, with or without a document, and forgotten `keepDays` after departure.
    public struct Register: Hashable, Codable, Sendable {
        public var documents: Bool
        public var keepDays: Int

        public init(documents: Bool, keepDays: Int) {
            self.documents = documents
            self.keepDays = keepDays
        }
    }

    public struct Arrival: Hashable, Codable, Sendable {
        public var weekday: Weekday
        public var nights: [Int]

        public init(_ weekday: Weekday, nights: [Int]) {
            self.weekday = weekday
            self.nights = nights
        }
    }

    /// A discount on the nights for those who book at least `days` before arrival.
    public struct EarlyBooking: Hashable, Codable, Sendable {
        public var days: Int
        public var percent: Int

        public init(days: Int, percent: Int) {
            self.days = days
            self.percent = percent
        }
    }

    /// The municipality's tax on people from `fromAge` to `toAge`, in years on the day of arrival.
    public struct TouristTax: Hashable, Codable, Sendable {
        /// Minor units per person and night.
        public var personNight: Int64
        public var fromAge: Int
        /// The last age that is taxed, in years; nil: there is none.
        public var toAge: Int?
        /// A share of what the nights cost, in hundredths of a percent (1250 is 12.5 %), divided among all people; nil: none.
        public var rate: Int?
        /// The most nights that are taxed; nil: all.
        public var maximumNights: Int?
        /// The municipality that collects the tax, as the report names it.
        public var municipality: String?

        public init(
            personNight: Int64,
            fromAge: Int,
            toAge: Int? = nil,
            rate: Int? = nil,
            maximumNights: Int? = nil,
            municipality: String? = nil
        ) {
            self.personNight = personNight
            self.fromAge = fromAge
            self.toAge = toAge
            self.rate = rate
            self.maximumNights = maximumNights
            self.municipality = municipality
        }

        /// Whether a person of this age owes the tax.
        public func isOwed(at age: Int) -> Bool { age >= fromAge && age <= toAge ?? .max }
    }

    /// Other rules for the stays that begin in some days, in all cottages or those of some types.
    ///
    /// Rules that a season leaves out are those for all stays.
    public struct Season: Hashable, Codable, Sendable {
        /// The days of arrival, from the first up to, not including, the second.
        public var arriving: Stay
        /// nil: cottages of all types.
        public var typeIds: [CottageType.ID]?
        public var arrivals: [Arrival]?
        public var minimumNights: Int?
        public var maximumNights: Int?
        public var depositPercent: Int?

        public init(
            arriving: Stay,
            typeIds: [CottageType.ID]? = nil,
            arrivals: [Arrival]? = nil,
            minimumNights: Int? = nil,
            maximumNights: Int? = nil,
            depositPercent: Int? = nil
        ) {
            self.arriving = arriving
            self.typeIds = typeIds
            self.arrivals = arrivals
            self.minimumNights = minimumNights
            self.maximumNights = maximumNights
            self.depositPercent = depositPercent
        }
    }

    /// At least `days` before arrival, a cancellation costs `percent` of the price.
    public struct CancellationStep: Hashable, Codable, Sendable {
        public var days: Int
        public var percent: Int

        public init(days: Int, percent: Int) {
            self.days = days
            self.percent = percent
        }
    }

    /// What the country takes of prices that include it, for what is enjoyed from a day on.
    public struct VATRates: Hashable, Codable, Sendable {
        public var from: LocalDate
        /// Hundredths of a percent: 2100 is 21 %.
        public var lodging: Int
        public var extras: Int

        public init(from: LocalDate, lodging: Int, extras: Int) {
            self.from = from
            self.lodging = lodging
            self.extras = extras
        }
    }

    /// Who sells the stays, as the law wants it on an invoice.
    public struct Seller: Hashable, Codable, Sendable {
        public var name: String
        /// Street, postal code and town, country.
        public var address: String
        public var vatNumber: String
        /// The seller's own account at the payment provider, such as `acct_1Nv0FGQ9RKHgCVdK`; nil: guests pay into the
        /// account of the service itself.
        public var account: String?

        public init(name: String, address: String, vatNumber: String, account: String? = nil) {
            self.name = name
            self.address = address
            self.vatNumber = vatNumber
            self.account = account
        }
    }

    public init(
        checkInFrom: LocalTime,
        checkOutBy: LocalTime,
        arrivals: [Arrival] = [],
        minimumNights: Int = 1,
        maximumNights: Int = 28,
        bookableDaysAhead: Int = 540,
        holdMinutes: Int = 20,
        extensionMinutes: Int = 10,
        depositPercent: Int = 30,
        chosenCottageFee: Int64 = 0,
        petNight: Int64 = 0,
        earlyBooking: EarlyBooking? = nil,
        touristTax: TouristTax? = nil,
        cancellation: [CancellationStep] = [],
        selfCheckIn: SelfCheckIn? = nil,
        accessFor: AccessFor? = nil,
        register: Register? = nil,
        balanceDays: Int? = nil,
        paidCheckIn: Bool? = nil,
        goodwillLimit: Int64? = nil,
        vat: [VATRates]? = nil,
        seller: Seller? = nil,
        quietHours: QuietHours? = nil,
        maximumBabies: Int? = nil,
        goodwillDayLimit: Int64? = nil,
        depositLapse: DepositLapse? = nil,
        undoHours: Int? = nil,
        fullPriceDays: Int? = nil,
        overdue: Overdue? = nil,
        seasons: [Season]? = nil
    ) {
        self.checkInFrom = checkInFrom
        self.checkOutBy = checkOutBy
        self.arrivals = arrivals
        self.minimumNights = minimumNights
        self.maximumNights = maximumNights
        self.bookableDaysAhead = bookableDaysAhead
        self.holdMinutes = holdMinutes
        self.extensionMinutes = extensionMinutes
        self.depositPercent = depositPercent
        self.chosenCottageFee = chosenCottageFee
        self.petNight = petNight
        self.earlyBooking = earlyBooking
        self.touristTax = touristTax
        self.cancellation = cancellation
        self.selfCheckIn = selfCheckIn
        self.accessFor = accessFor
        self.register = register
        self.balanceDays = balanceDays
        self.paidCheckIn = paidCheckIn
        self.goodwillLimit = goodwillLimit
        self.vat = vat
        self.seller = seller
        self.quietHours = quietHours
        self.maximumBabies = maximumBabies
        self.goodwillDayLimit = goodwillDayLimit
        self.depositLapse = depositLapse
        self.undoHours = undoHours
        self.fullPriceDays = fullPriceDays
        self.overdue = overdue
        self.seasons = seasons
    }
}

extension HouseRules {
    public var babiesPerCottage: Int { maximumBabies ?? 2 }

    public var overdueRule: Overdue { overdue ?? .usual }

    /// Whether what was done at `then` is too long ago for the desk to undo.
    public func isTooLateToUndo(_ then: Date, at now: Date) -> Bool {
        now.timeIntervalSince(then) > Double(undoHours ?? 24) * 3600
    }

    /// The rules as they are for a stay in a cottage of a type.
    ///
    /// - Parameter type: nil where the type does not matter; rules for some types do not count then.
    public func season(of arrival: LocalDate, _ type: CottageType.ID?) -> HouseRules {
        let found = seasons?.first { season in
            season.arriving.arrival <= arrival && arrival < season.arriving.departure
                && (season.typeIds.map { types in type.map(types.contains) ?? false } ?? true)
        }
        guard let found else { return self }
        var rules = self
        rules.arrivals = found.arrivals ?? arrivals
        rules.minimumNights = found.minimumNights ?? minimumNights
        rules.maximumNights = found.maximumNights ?? maximumNights
        rules.depositPercent = found.depositPercent ?? depositPercent
        return rules
    }

    /// The deposit in percent of the lodging, for a stay booked on the park-local day `today`.
    public func depositPercent(for stay: Stay, today: LocalDate) -> Int {
        let isNear = fullPriceDays.map { stay.arrival.daysSince1970 - today.daysSince1970 < $0 } ?? false
        return isNear ? 100 : depositPercent
    }

    /// The day by which a booking of `today` must have been paid, park-local.
    public func balanceDue(for stay: Stay, today: LocalDate) -> LocalDate {
        max(stay.arrival.adding(days: -(balanceDays ?? 28)), today)
    }

    /// Throws what stands against such a stay whatever the cottage, asked on the park-local day `today`.
    public func allow(_ stay: Stay, today: LocalDate) throws(Refusal) {
        guard stay.arrival >= today else { throw .arrivalPassed }
        guard stay.arrival <= today.adding(days: bookableDaysAhead) else { throw .tooFarAhead }
    }

    /// Throws what stands against the day of arrival and the length of a stay in cottages of these types.
    public func allow(_ stay: Stay, in types: some Sequence<CottageType.ID>) throws(Refusal) {
        for type in types { try season(of: stay.arrival, type).allowLength(of: stay) }
    }

    private func allowLength(of stay: Stay) throws(Refusal) {
        guard (minimumNights...max(minimumNights, maximumNights)).contains(stay.nightCount) else {
            throw .lengthNotAllowed
        }
        guard !arrivals.isEmpty else { return }
        let ofDay = arrivals.filter { $0.weekday == stay.arrival.weekday }
        guard !ofDay.isEmpty else { throw .arrivalDayNotAllowed }
        guard ofDay.contains(where: { $0.nights.isEmpty || $0.nights.contains(stay.nightCount) }) else {
            throw .lengthNotAllowed
        }
    }

    /// Percent of the price that a cancellation on the park-local day `today` costs.
    public func cancellationPercent(arrival: LocalDate, today: LocalDate) -> Int {
        let daysAhead = arrival.daysSince1970 - today.daysSince1970
        return cancellation.sorted { $0.days > $1.days }.first { daysAhead >= $0.days }?.percent ?? 100
    }
}

extension HouseRules: Checked {
    public func check(_ check: inout Check) {
        check.range(minimumNights, "/minimumNights", 1...365)
        check.range(maximumNights, "/maximumNights", 1...365)
        check.require(maximumNights >= minimumNights, "/maximumNights", "must not be less than minimumNights")
        check.range(bookableDaysAhead, "/bookableDaysAhead", 0...1100)
        check.range(holdMinutes, "/holdMinutes", 1...1440)
        check.range(extensionMinutes, "/extensionMinutes", 1...1440)
        check.range(depositPercent, "/depositPercent", 0...100)
        check.range(chosenCottageFee, "/chosenCottageFee", 0...1_000_000)
        check.range(petNight, "/petNight", 0...1_000_000)
        check.range(earlyBooking?.days, "/earlyBooking/days", 0...1100)
        check.range(earlyBooking?.percent, "/earlyBooking/percent", 0...100)
        check.range(touristTax?.personNight, "/touristTax/personNight", 0...1_000_000)
        check.range(touristTax?.fromAge, "/touristTax/fromAge", 0...120)
        check.range(touristTax?.toAge, "/touristTax/toAge", 0...120)
        check.range(touristTax?.rate, "/touristTax/rate", 0...10_000)
        check.range(touristTax?.maximumNights, "/touristTax/maximumNights", 1...365)
        check.text(touristTax?.municipality, "/touristTax/municipality", length: 1...100)
        check.range(register?.keepDays, "/register/keepDays", 0...4000)
        check.range(goodwillLimit, "/goodwillLimit", 0...1_000_000_000)
        check.range(goodwillDayLimit, "/goodwillDayLimit", 0...1_000_000_000)
        check.range(balanceDays, "/balanceDays", 0...1100)
        check.range(maximumBabies, "/maximumBabies", 0...20)
        check.range(undoHours, "/undoHours", 0...720)
        check.range(fullPriceDays, "/fullPriceDays", 0...1100)
        check.range(overdue?.askAfterDays, "/overdue/askAfterDays", 1...1100)
        check.range(overdue?.cancelAfterDays, "/overdue/cancelAfterDays", 1...1100)
        check.require((vat ?? []).count <= 50, "/vat", "must have at most 50 entries")
        for (index, rates) in (vat ?? []).enumerated() {
            check.range(rates.lodging, "/vat/\(index)/lodging", 0...10_000)
            check.range(rates.extras, "/vat/\(index)/extras", 0...10_000)
        }
        check.require(
            Set((vat ?? []).map(\.from)).count == (vat ?? []).count,
            "/vat",
            "must not name a day twice"
        )
        if let seller {
            check.text(seller.name, "/seller/name", length: 1...100)
            check.text(seller.address, "/seller/address", length: 1...200)
            check.text(seller.vatNumber, "/seller/vatNumber", length: 1...30)
            let isAccount = seller.account.map { account in
                account.hasPrefix("acct_") && (6...100).contains(account.utf8.count)
                    && account.utf8.dropFirst(5).allSatisfy(Check.isAlphanumeric)
            }
            check.require(isAccount ?? true, "/seller/account", "must be acct_ and letters or digits")
        }
        Self.check(arrivals, "/arrivals", &check)
        check.require((seasons ?? []).count <= 100, "/seasons", "must have at most 100 entries")
        for (index, season) in (seasons ?? []).enumerated() {
            let path = "/seasons/\(index)"
            check.range(season.minimumNights, "\(path)/minimumNights", 1...365)
            check.range(season.maximumNights, "\(path)/maximumNights", 1...365)
            check.range(season.depositPercent, "\(path)/depositPercent", 0...100)
            check.require((season.typeIds ?? []).count <= 100, "\(path)/typeIds", "must have at most 100 entries")
            let (least, most) = (season.minimumNights ?? minimumNights, season.maximumNights ?? maximumNights)
            check.require(most >= least, "\(path)/maximumNights", "must not be less than minimumNights")
            Self.check(season.arrivals ?? [], "\(path)/arrivals", &check)
        }
        check.require(cancellation.count <= 20, "/cancellation", "must have at most 20 entries")
        for (index, step) in cancellation.enumerated() {
            check.range(step.days, "/cancellation/\(index)/days", 0...1100)
            check.range(step.percent, "/cancellation/\(index)/percent", 0...100)
        }
    }

    private static func check(_ arrivals: [Arrival], _ path: String, _ check: inout Check) {
        check.require(arrivals.count <= 50, path, "must have at most 50 entries")
        for (index, arrival) in arrivals.enumerated() {
            check.require(
                arrival.nights.count <= 60 && arrival.nights.allSatisfy { (1...365).contains($0) },
                "\(path)/\(index)/nights",
                "must be up to 60 numbers from 1 to 365"
            )
        }
    }
}

extension Refusal {
    public static let arrivalPassed = Refusal(
        .conflict,
        "arrival_passed",
        en: "That day of arrival has passed.",
        nl: "Die aankomstdag is al voorbij.",
        de: "Dieser Anreisetag ist schon vorbei."
    )
    public static let tooFarAhead = Refusal(
        .conflict,
        "too_far_ahead",
        en: "The park does not take bookings that far ahead yet.",
        nl: "Het park neemt nog geen boekingen zo ver vooruit aan.",
        de: "So weit im Voraus nimmt der Park noch keine Buchungen an."
    )
    public static let arrivalDayNotAllowed = Refusal(
        .conflict,
        "arrival_day_not_allowed",
        en: "The park has no arrivals on that day of the week.",
        nl: "Op die weekdag zijn er geen aankomsten in het park.",
        de: "An diesem Wochentag gibt es im Park keine Anreise."
    )
    public static let lengthNotAllowed = Refusal(
        .conflict,
        "length_not_allowed",
        en: "The park does not offer a stay of that many nights from that day.",
        nl: "Het park biedt vanaf die dag geen verblijf van zoveel nachten aan.",
        de: "Der Park bietet ab diesem Tag keinen Aufenthalt mit so vielen Nächten an."
    )
}
