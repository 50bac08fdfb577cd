public import Foundation

/// A change of a guest's mail address that is not complete yet.
///
/// With the codes from both mailboxes the address changes at once. With only the new mailbox's code it changes seven
/// days after a notice to the old address, unless a signed-in device stops it.
public struct MailChange: Codable, Hashable, Sendable {
    public typealias ID = Identifier<MailChange>

    /// The time between the notice and the change: seven days, in seconds.
    public static let notice: TimeInterval = 7 * 86400

    public var id: ID
    /// The new address in lower case.
    public var email: String
    /// Whether the guest has entered the code from the new mailbox.
    public var isConfirmed: Bool
    /// The end of the codes' validity, an hour after the request.
    public var codesUntil: Date
    /// When the address changes if the old mailbox's code does not come.
    public var due: Date

    public init(id: ID, email: String, isConfirmed: Bool, codesUntil: Date, due: Date) {
        self.id = id
        self.email = email
        self.isConfirmed = isConfirmed
        self.codesUntil = codesUntil
        self.due = due
    }
}

/// Asks for another mail address.
public struct MailChangeRequest: Codable, Sendable, Checked {
    public var email: String

    public init(email: String) {
        self.email = email
    }

    public func check(_ check: inout Check) {
        check.email(email, "/email")
    }
}

/// Confirms a change of mail address with the codes of eight digits from the new and the old mailbox.
public struct MailChangeConfirmation: Codable, Sendable, Checked {
    public var newCode: String
    /// The code from the old mailbox; nil from a guest who can no longer read it.
    public var oldCode: String?

    public init(newCode: String, oldCode: String? = nil) {
        self.newCode = newCode
        self.oldCode = oldCode
    }

    public func check(_ check: inout Check) {
        for (code, pointer) in [(newCode, "/newCode"), (oldCode ?? newCode, "/oldCode")] {
            check.require(
                code.utf8.count == 8 && code.utf8.allSatisfy { (48...57).contains($0) },
                pointer,
                "must be eight digits"
            )
        }
    }
}

extension Refusal {
    /// `newCode` or `oldCode` is wrong or older than an hour, five were tried, or no change waits.
    public static let mailCodeWrong = Refusal(
        .conflict,
        "mail_code_wrong",
        en: "One of the codes is not right, or too old. After five tries, ask for new ones.",
        nl: "Een van de codes klopt niet of is te oud. Vraag na vijf pogingen nieuwe.",
        de: "Einer der Codes stimmt nicht oder ist zu alt. Fordere nach fünf Versuchen neue an."
    )

    /// Another guest account has the new address; this is told only after the code is right.
    public static let mailTaken = Refusal(
        .conflict,
        "mail_taken",
        en: "That address belongs to another account of yours. Erase one of the two first.",
        nl: "Dat adres hoort bij een ander account van jou. Wis eerst een van de twee.",
        de: "Diese Adresse gehört zu einem anderen Konto von dir. Lösche zuerst eines der beiden."
    )

    /// The guest began three changes of address within 24 hours of the first.
    public static let tooManyMailChanges = Refusal(
        .tooMany(after: 86400),
        "too_many_mail_changes",
        en: "You have asked for other addresses three times today. Please wait a day.",
        nl: "Je hebt vandaag drie keer een ander adres gevraagd. Wacht een dag.",
        de: "Du hast heute dreimal eine andere Adresse angefordert. Bitte warte einen Tag."
    )
}
