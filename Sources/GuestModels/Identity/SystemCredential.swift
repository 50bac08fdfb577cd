public import Foundation

/// A credential for another system of a park, such as its property system, a channel manager or the accountant's books.
///
/// A credential has one purpose at one park. The system reads no mail and does not sign in; it sends its token with
/// each request.
public struct SystemCredential: Codable, Hashable, Sendable {
    public typealias ID = Identifier<SystemCredential>

    public enum Purpose: String, Codable, CaseIterable, Sendable {
        /// Reads every change of the park.
        case feed
        /// The system reports what it knows of reservations.
        case reports
        /// Reads invoices, journals and the tourist tax that is owed.
        case books
    }

    public var id: ID
    public var parkId: Park.ID
    /// The name that head office gives the system, 1 to 100 characters.
    public var name: String
    public var purpose: Purpose
    public var madeAt: Date
    /// The last use, exact to a minute; nil before the first use.
    public var lastUsedAt: Date?

    public init(id: ID, parkId: Park.ID, name: String, purpose: Purpose, madeAt: Date, lastUsedAt: Date?) {
        self.id = id
        self.parkId = parkId
        self.name = name
        self.purpose = purpose
        self.madeAt = madeAt
        self.lastUsedAt = lastUsedAt
    }
}

public struct SystemCredentialRequest: Codable, Sendable, Checked {
    public var name: String
    public var purpose: SystemCredential.Purpose

    public init(name: String, purpose: SystemCredential.Purpose) {
        self.name = name
        self.purpose = purpose
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

/// A new credential with its token; the token is shown only this once.
public struct NewSystemCredential: Codable, Sendable {
    public var credential: SystemCredential
    /// The token for `Authorization: Bearer`.
    public var token: String

    public init(credential: SystemCredential, token: String) {
        self.credential = credential
        self.token = token
    }
}

extension Refusal {
    /// The park already has the most credentials that may work at one time.
    public static let tooManyCredentials = Refusal(
        .conflict,
        "too_many_credentials",
        en: "This park has as many credentials as a park can have; end some first.",
        nl: "Dit park heeft al zoveel sleutels als een park kan hebben; beëindig er eerst een paar.",
        de: "Dieser Park hat schon so viele Schlüssel, wie ein Park haben kann; beende zuerst einige."
    )

    /// Two live credentials of the park have this `name` and `purpose`: the old one and its replacement.
    public static let twoCredentials = Refusal(
        .conflict,
        "two_credentials",
        en: "This system has two credentials for that already; end one first.",
        nl: "Dit systeem heeft daarvoor al twee sleutels; beëindig er eerst een.",
        de: "Dieses System hat dafür schon zwei Schlüssel; beende zuerst einen."
    )
}
