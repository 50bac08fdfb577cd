/// A park's rules as data.
///
/// A booking keeps the rules it was placed under.
public struct HouseRules: Hashable, Codable, Sendable {
    /// The time on the day of arrival from which guests have the cottage.
    public var checkInFrom: LocalTime
    /// The time on the day of departure until which guests have the cottage.
    public var checkOutBy: LocalTime
    /// The arrival days, and the numbers of nights that are allowed from each.
    ///
    /// When empty, every day and every length are allowed.
    public var arrivals: [Arrival]
    public var minimumNights: Int
    public var maximumNights: Int
    /// The most days between booking and arrival.
    public var bookableDaysAhead: Int
    public var holdMinutes: Int
    /// The minutes by which a guest may extend a hold, once.
    public var extensionMinutes: Int
    /// The part of the lodging's price that must be covered before a hold is confirmed, in percent, 0 to 100.
    public var depositPercent: Int
    /// The fee per cottage that guests chose on the map, minor units.
    public var chosenCottageFee: Int64
    /// The price per pet and night, minor units.
    public var petNight: Int64
    public var earlyBooking: EarlyBooking?
    public var touristTax: TouristTax?
    /// The steps of the cancellation fee.
    ///
    /// The step with the most days that still lie ahead decides. When no step is left, the fee is 100 %.
    public var cancellation: [CancellationStep]
    /// Who may check in without the desk; when nil, the organiser alone (`lead`).
    public var selfCheckIn: SelfCheckIn?
    /// Who may see a cottage's door code and Wi-Fi; when nil, everybody of the group.
    public var accessFor: AccessFor?
    /// The guest register that the country requires; nil for none.
    public var register: Register?
    /// The days before arrival when everything is due; 28 when nil.
    public var balanceDays: Int?
    /// Whether guests may check in by themselves only after everything is paid; false when nil.
    public var paidCheckIn: Bool?
    /// The most goodwill on one booking without a second person, minor units; 5,000 when nil.
    public var goodwillLimit: Int64?
    /// The most goodwill that one colleague gives in a day, minor units; four times `goodwillLimit` when nil.
    public var goodwillDayLimit: Int64?
    /// The VAT rates in the park's prices, each from a day on; empty when there is no VAT.
    ///
    /// While it is nil, no earnings are booked.
    public var vat: [VATRates]?
    /// The seller on the park's invoices; while it is nil, no invoices are sent.
    public var seller: Seller?
    /// The consequence when a firm stay's deposit is not covered again in time; when nil, the desk gets a task.
    public var depositLapse: DepositLapse?
    /// The most babies in a cottage beside its capacity; two when nil.
    public var maximumBabies: Int?
    /// The quiet hours of phones; 22:00 to 08:00 when nil.
    public var quietHours: QuietHours?
    /// The hours in which the desk can undo a no-show, a check-out or a change; 24 when nil.
    public var undoHours: Int?
    /// The days before arrival within which a booking must pay all its lodging as deposit; nil for no such rule.
    public var fullPriceDays: Int?
    /// The steps that follow when shares are unpaid before arrival; nil means a task after 14 days.
    public var overdue: Overdue?
    /// Other rules for some arrival days and types; the first season that fits decides.
    public var seasons: [Season]?
    /// Whether the park's cottages have guest books; false when nil.
    public var hasGuestBooks: Bool?

    /// The steps for an unpaid share, counted in days from the date since when it has been overdue.
    ///
    /// Reminders start on the first of these days.
    public struct Overdue: Hashable, Codable, Sendable {
        /// The day on which the desk gets a task; nil means never.
        public var askAfterDays: Int?
        /// The day on which the stay is cancelled, for the fee of that day; nil means never.
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

    /// The guest register: adults are entered before check-in, and their entries are deleted `keepDays` after
    /// departure.
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

    /// A discount on the nights for bookings made at least `days` before arrival.
    public struct EarlyBooking: Hashable, Codable, Sendable {
        public var days: Int
        public var percent: Int

        public init(days: Int, percent: Int) {
            self.days = days
            self.percent = percent
        }
    }

    /// The municipality's tax on people aged `fromAge` to `toAge`, in years on the day of arrival.
    public struct TouristTax: Hashable, Codable, Sendable {
        /// The tax per person and night, minor units.
        public var personNight: Int64
        public var fromAge: Int
        /// The last taxed age in years; nil means no upper bound.
        public var toAge: Int?
        /// The tax as a part of the price of the nights, in hundredths of a percent; nil for none.
        ///
        /// A rate of 1250 is 12.5 %. This part of the price is divided among all people.
        public var rate: Int?
        /// The most taxed nights; nil means all nights.
        public var maximumNights: Int?
        /// The name of the municipality on the report of the tax.
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

    /// Other rules for stays that begin on some days, in all cottages or in cottages of some types.
    ///
    /// A rule that the season leaves out is the rule for all stays.
    public struct Season: Hashable, Codable, Sendable {
        /// The arrival days, from the first date up to, not including, the second.
        public var arriving: Stay
        /// The types; nil means all types.
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

    /// A step of the cancellation fee: `percent` of the price, at least `days` days before arrival.
    public struct CancellationStep: Hashable, Codable, Sendable {
        public var days: Int
        public var percent: Int

        public init(days: Int, percent: Int) {
            self.days = days
            self.percent = percent
        }
    }

    /// The VAT rates that the prices include, for services used from a day on.
    public struct VATRates: Hashable, Codable, Sendable {
        public var from: LocalDate
        /// The rate for lodging in hundredths of a percent: 2100 is 21 %.
        public var lodging: Int
        public var extras: Int

        public init(from: LocalDate, lodging: Int, extras: Int) {
            self.from = from
            self.lodging = lodging
            self.extras = extras
        }
    }

    /// The seller of the stays, as the law requires on an invoice.
    public struct Seller: Hashable, Codable, Sendable {
        public var name: String
        /// Street, postal code and town, country.
        public var address: String
        public var vatNumber: String
        /// The seller's own account at the payment provider, such as `acct_1Nv0FGQ9RKHgCVdK`.
        ///
        /// When nil, guests pay into the account of the service itself.
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
