public import Foundation

/// An event that phones show to the people it concerns, even when the app is closed.
///
/// ``rule`` is the only table of the audience of each notice and of whether the notice waits for the morning.
public enum Notice: String, Codable, CaseIterable, Sendable {
    case friendJoined, messageWritten, optionProposed
    case bookingHeld, bookingConfirmed, bookingChanged, bookingCancelled, holdExpired, cottageReady, guestBookWritten
    case hostAnswered, guestsWrote, guestsNeedHelp
    case shareDue, shareOverdue, shareAsked, moneyTakenBack

    /// The people who get the notice; the person who caused it never gets it.
    public enum Audience: Sendable {
        /// Every member of the group.
        case group
        /// The members of the household that pays.
        case household
        /// Reception and hosts of the park.
        case hosts
    }

    /// The kinds of notices that a guest can mute.
    public enum Category: String, Codable, CaseIterable, Sendable {
        case friends, plans, booking, hosts, money
    }

    public struct Rule: Sendable {
        public let audience: Audience
        /// The category that a guest can mute; nil for notices to staff.
        public let category: Category?
        /// Whether the notice waits until the park's quiet hours are over.
        public let waitsForMorning: Bool
        /// Seconds after which the notice is too old to be sent.
        public let lifetime: TimeInterval

        init(_ audience: Audience, _ category: Category?, waits: Bool, hours: Double) {
            self.audience = audience
            self.category = category
            waitsForMorning = waits
            lifetime = hours * 3600
        }
    }

    public var rule: Rule {
        switch self {
        case .friendJoined: Rule(.group, .friends, waits: true, hours: 168)
        case .messageWritten: Rule(.group, .friends, waits: true, hours: 24)
        case .optionProposed: Rule(.group, .plans, waits: true, hours: 168)
        // A hold lasts only minutes, so this notice does not wait.
        case .bookingHeld: Rule(.group, .booking, waits: false, hours: 1)
        case .bookingConfirmed: Rule(.group, .booking, waits: true, hours: 168)
        case .bookingChanged: Rule(.group, .booking, waits: true, hours: 168)
        case .bookingCancelled: Rule(.group, .booking, waits: true, hours: 168)
        case .holdExpired: Rule(.group, .booking, waits: true, hours: 24)
        case .cottageReady: Rule(.group, .booking, waits: false, hours: 12)
        case .guestBookWritten: Rule(.group, .booking, waits: true, hours: 72)
        // The guest waits for the answer, so this notice does not wait.
        case .hostAnswered: Rule(.group, .hosts, waits: false, hours: 48)
        case .guestsWrote: Rule(.hosts, nil, waits: true, hours: 24)
        case .guestsNeedHelp: Rule(.hosts, nil, waits: false, hours: 24)
        case .shareDue: Rule(.household, .money, waits: true, hours: 168)
        case .shareOverdue: Rule(.household, .money, waits: true, hours: 168)
        case .shareAsked: Rule(.household, .money, waits: true, hours: 168)
        case .moneyTakenBack: Rule(.household, .money, waits: true, hours: 168)
        }
    }

    /// The things that a notice is about; things that do not apply are nil.
    public struct Subject: Codable, Hashable, Sendable {
        public var groupId: TravelGroup.ID?
        public var bookingId: Booking.ID?
        public var topicId: Topic.ID?
        public var optionId: StayOption.ID?
        public var householdId: Household.ID?
        public var parkId: Park.ID?

        public init(
            group: TravelGroup.ID? = nil,
            booking: Booking.ID? = nil,
            topic: Topic.ID? = nil,
            option: StayOption.ID? = nil,
            household: Household.ID? = nil,
            park: Park.ID? = nil
        ) {
            groupId = group
            bookingId = booking
            topicId = topic
            optionId = option
            householdId = household
            parkId = park
        }

        /// The thread of a notice: a phone shows only the last notice of a kind about the same thing.
        ///
        /// Ten messages are therefore one line on the screen. A thread has at most 64 bytes, Apple's limit.
        public func thread(of notice: Notice) -> String {
            let uuid = topicId?.uuid ?? optionId?.uuid ?? bookingId?.uuid ?? groupId?.uuid
            return "\(notice.rawValue) \(uuid?.uuidString.lowercased() ?? "")"
        }
    }

    /// The title and the body on the screen.
    ///
    /// The text has names of groups and parks and numbers of bookings, never words that a person wrote. The notice
    /// passes through Apple or Google, and the phone has the words from its own sync.
    public func text(group: String?, park: String?, number: String?) -> (title: LocalizedText, body: LocalizedText) {
        func same(_ text: String?) -> LocalizedText { LocalizedText(en: text ?? "", nl: text ?? "", de: text ?? "") }
        let group = same(group ?? park)
        let stay = same([park, number].compactMap { $0 }.joined(separator: ", "))
        return switch self {
        case .friendJoined:
            (group, LocalizedText(en: "Somebody has joined.", nl: "Er is iemand bij gekomen.", de: "Jemand ist dabei."))
        case .messageWritten:
            (
                group,
                LocalizedText(en: "There are new messages.", nl: "Er zijn nieuwe berichten.", de: "Neue Nachrichten.")
            )
        case .optionProposed:
            (
                group,
                LocalizedText(
                    en: "There is something new to vote on.",
                    nl: "Er is iets nieuws om over te stemmen.",
                    de: "Es gibt etwas Neues zum Abstimmen."
                )
            )
        case .bookingHeld:
            (
                stay,
                LocalizedText(
                    en: "Your cottages are held. Pay the deposit to keep them.",
                    nl: "Jullie huisjes zijn gereserveerd. Betaal de aanbetaling om ze te houden.",
                    de: "Eure Häuser sind vorgemerkt. Zahlt die Anzahlung, um sie zu behalten."
                )
            )
        case .bookingConfirmed:
            (
                stay,
                LocalizedText(
                    en: "Your booking is confirmed.",
                    nl: "Jullie boeking is bevestigd.",
                    de: "Eure Buchung ist bestätigt."
                )
            )
        case .bookingChanged:
            (
                stay,
                LocalizedText(
                    en: "Your booking has changed.",
                    nl: "Jullie boeking is gewijzigd.",
                    de: "Eure Buchung wurde geändert."
                )
            )
        case .bookingCancelled:
            (
                stay,
                LocalizedText(
                    en: "Your booking has been cancelled.",
                    nl: "Jullie boeking is geannuleerd.",
                    de: "Eure Buchung wurde storniert."
                )
            )
        case .holdExpired:
            (
                stay,
                LocalizedText(
                    en: "The hold has run out; the cottages are free again.",
                    nl: "De optie is verlopen; de huisjes zijn weer vrij.",
                    de: "Die Vormerkung ist abgelaufen; die Häuser sind wieder frei."
                )
            )
        case .cottageReady:
            (
                stay,
                LocalizedText(
                    en: "Your cottage is ready for you.",
                    nl: "Jullie huisje staat klaar.",
                    de: "Euer Haus ist bereit."
                )
            )
        case .guestBookWritten:
            (
                stay,
                LocalizedText(
                    en: "There is something new in the guest book of your cottage.",
                    nl: "Er staat iets nieuws in het gastenboek van jullie huisje.",
                    de: "Im Gästebuch eures Hauses steht etwas Neues."
                )
            )
        case .hostAnswered:
            (
                stay,
                LocalizedText(
                    en: "Your hosts have answered.",
                    nl: "Jullie gastheren hebben geantwoord.",
                    de: "Eure Gastgeber haben geantwortet."
                )
            )
        case .guestsWrote:
            (
                stay,
                LocalizedText(
                    en: "Guests have written.",
                    nl: "Gasten hebben geschreven.",
                    de: "Gäste haben geschrieben."
                )
            )
        case .guestsNeedHelp:
            (
                stay,
                LocalizedText(
                    en: "Guests need help now.",
                    nl: "Gasten hebben nu hulp nodig.",
                    de: "Gäste brauchen jetzt Hilfe."
                )
            )
        case .shareDue:
            (
                stay,
                LocalizedText(
                    en: "Your share will soon be due.",
                    nl: "Jouw deel moet binnenkort betaald zijn.",
                    de: "Dein Anteil ist bald fällig."
                )
            )
        case .shareAsked:
            (
                stay,
                LocalizedText(
                    en: "A change asks something of you.",
                    nl: "Een wijziging vraagt iets van jou.",
                    de: "Eine Änderung fragt etwas von dir."
                )
            )
        case .moneyTakenBack:
            (
                stay,
                LocalizedText(
                    en: "A payment has been taken back.",
                    nl: "Een betaling is teruggehaald.",
                    de: "Eine Zahlung wurde zurückgeholt."
                )
            )
        case .shareOverdue:
            (
                stay,
                LocalizedText(
                    en: "A share of your booking is overdue.",
                    nl: "Een deel van jullie boeking is te laat.",
                    de: "Ein Anteil eurer Buchung ist überfällig."
                )
            )
        }
    }
}

/// The hours in which a park's guests sleep, on the park's clock; they pass midnight when `from` is later than `until`.
public struct QuietHours: Hashable, Codable, Sendable {
    public var from: LocalTime
    public var until: LocalTime

    public init(from: LocalTime, until: LocalTime) {
        self.from = from
        self.until = until
    }

    /// The first instant at or after `instant` that lies outside the quiet hours.
    ///
    /// When `from` equals `until`, there are no quiet hours.
    public func end(after instant: Date, _ clock: ParkClock) -> Date {
        let today = clock.date(at: instant)
        // Quiet hours that began yesterday may last into today.
        for day in [today.adding(days: -1), today] {
            let begin = clock.instant(day, from)
            let end = clock.instant(from < until ? day : day.adding(days: 1), until)
            if from != until, (begin..<max(begin, end)).contains(instant) { return end }
        }
        return instant
    }
}

/// The address of a phone for notices: the token that its system has given the app.
public struct PushToken: Codable, Hashable, Sendable, Checked {
    public enum Service: String, Codable, CaseIterable, Sendable {
        /// Apple's push service.
        case apns
        /// Firebase Cloud Messaging, Google's push service.
        case fcm
    }

    public var service: Service
    /// The token: from APNs in hexadecimal, from FCM unchanged; letters, digits, `-`, `_` and `:`, up to 1,000.
    public var token: String

    public init(service: Service, token: String) {
        self.service = service
        self.token = token
    }

    public func check(_ check: inout Check) {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:".unicodeScalars)
        let isRight = token.unicodeScalars.allSatisfy {
            service == .apns ? $0.properties.isASCIIHexDigit : allowed.contains($0)
        }
        check.require(
            (1...1000).contains(token.utf8.count) && isRight,
            "/token",
            "must be 1 to 1,000 letters, digits, hyphens, underscores and colons, from APNs in hexadecimal"
        )
    }
}

extension Refusal {
    /// Two sessions registered the same push token at the same instant; register it again.
    public static let tokenBusy = Refusal(
        .conflict,
        "token_busy",
        en: "That token is being registered by another session at this moment.",
        nl: "Dat token wordt op dit moment door een andere sessie aangemeld.",
        de: "Dieses Token wird gerade von einer anderen Sitzung angemeldet."
    )
}

/// The categories of notices that a guest has muted.
public struct NoticePreferences: Codable, Hashable, Sendable, Checked {
    public var muted: [Notice.Category]

    public init(muted: [Notice.Category]) {
        self.muted = muted
    }

    public func check(_ check: inout Check) {
        check.require(Set(muted).count == muted.count, "/muted", "must not name a category twice")
    }
}
