public import Foundation

/// A task for the staff of a park.
public struct StaffTask: Codable, Hashable, Sendable {
    public typealias ID = Identifier<StaffTask>

    public enum State: String, Codable, CaseIterable, Sendable {
        case open, done
    }

    public var id: ID
    public var parkId: Park.ID
    public var title: String
    public var detail: String
    /// The maker of the task: `staff`, or the name of a feature.
    public var source: String
    public var ownerId: StaffMember.ID?
    public var due: LocalDate?
    public var state: State
    public var createdAt: Date
    public var version: Int

    public init(
        id: ID,
        parkId: Park.ID,
        title: String,
        detail: String,
        source: String,
        ownerId: StaffMember.ID?,
        due: LocalDate?,
        state: State,
        createdAt: Date,
        version: Int
    ) {
        self.id = id
        self.parkId = parkId
        self.title = title
        self.detail = detail
        self.source = source
        self.ownerId = ownerId
        self.due = due
        self.state = state
        self.createdAt = createdAt
        self.version = version
    }
}

/// An event in the history of a task.
public struct StaffTaskEvent: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Sendable {
        case created, changed, note, done, reopened
    }

    public var at: Date
    /// The principal, as in the audit.
    public var principal: String
    public var kind: Kind
    public var note: String?

    public init(at: Date, principal: String, kind: Kind, note: String?) {
        self.at = at
        self.principal = principal
        self.kind = kind
        self.note = note
    }
}

public struct StaffTaskRequest: Codable, Sendable, Checked {
    public var id: StaffTask.ID?
    public var title: String
    public var detail: String?
    public var ownerId: StaffMember.ID?
    public var due: LocalDate?

    public init(
        id: StaffTask.ID? = nil,
        title: String,
        detail: String? = nil,
        ownerId: StaffMember.ID? = nil,
        due: LocalDate? = nil
    ) {
        self.id = id
        self.title = title
        self.detail = detail
        self.ownerId = ownerId
        self.due = due
    }

    public func check(_ check: inout Check) {
        check.text(title, "/title", length: 1...200)
        check.text(detail, "/detail", length: 0...5000, hasLines: true)
    }
}

/// Changes a task: an absent field stays as it is, and a note is added to the history.
public struct StaffTaskChange: Codable, Sendable, Checked {
    public var title: String?
    public var detail: String?
    public var ownerId: StaffMember.ID?
    public var due: LocalDate?
    public var state: StaffTask.State?
    public var note: String?

    public init(
        title: String? = nil,
        detail: String? = nil,
        ownerId: StaffMember.ID? = nil,
        due: LocalDate? = nil,
        state: StaffTask.State? = nil,
        note: String? = nil
    ) {
        self.title = title
        self.detail = detail
        self.ownerId = ownerId
        self.due = due
        self.state = state
        self.note = note
    }

    public func check(_ check: inout Check) {
        check.text(title, "/title", length: 1...200)
        check.text(detail, "/detail", length: 0...5000, hasLines: true)
        check.text(note, "/note", length: 1...5000, hasLines: true)
    }
}

/// A note for the staff who work on some days.
public struct HouseNoteRequest: Codable, Sendable, Checked {
    public var from: LocalDate
    /// The last day for which the note is meant; nil means the first day.
    public var through: LocalDate?
    public var note: String

    public init(from: LocalDate, through: LocalDate? = nil, note: String) {
        self.from = from
        self.through = through
        self.note = note
    }

    public func check(_ check: inout Check) {
        check.text(note, "/note", length: 1...2000, hasLines: true)
        check.require((through ?? from) >= from, "/through", "must not be before from")
        check.require(
            (through ?? from).daysSince1970 - from.daysSince1970 <= 1100,
            "/through",
            "must be within 1100 days of from"
        )
    }
}

extension Refusal {
    /// `ownerId` names a colleague who left, or who has no post at the park nor at head office.
    public static let notOfThePark = Refusal(
        .conflict,
        "not_of_the_park",
        en: "That colleague does not work in this park.",
        nl: "Die collega werkt niet in dit park.",
        de: "Diese Kollegin oder dieser Kollege arbeitet nicht in diesem Park."
    )

    /// The task was to be reopened, but a newer task of the same source and subject is open.
    public static let taskOpen = Refusal(
        .conflict,
        "task_open",
        en: "There is an open task about that already.",
        nl: "Daarover staat al een taak open.",
        de: "Dazu gibt es schon eine offene Aufgabe."
    )
}
