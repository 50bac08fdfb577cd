public import Foundation

/// An entry of the group's plan, shopping list or packing list.
public struct PlanItem: Codable, Hashable, Sendable {
    public typealias ID = Identifier<PlanItem>

    public enum List: String, Codable, CaseIterable, Sendable {
        case plan, shopping, packing
    }

    public var id: ID
    public var groupId: TravelGroup.ID
    public var list: List
    /// The booking that the item belongs to, when the group has several.
    public var bookingId: Booking.ID?
    public var title: String
    public var note: String?
    /// The place of the activity.
    public var place: String?
    /// The day and time, on the park's clock.
    public var day: LocalDate?
    public var time: LocalTime?
    /// The quantity as text, such as "2 kg".
    public var quantity: String?
    /// The traveller who brings the item or takes care of it.
    public var bringerId: Traveller.ID?
    /// Whether the item is bought, packed or done.
    public var isDone: Bool
    /// The place in the list; the id decides between equal ranks.
    public var rank: Rank
    public var addedBy: Traveller.ID
    public var addedAt: Date
    /// The travellers' replies on whether they come along, in the order of their ids.
    public var attendance: [TravellerReply]
    public var version: Int

    public init(_ request: PlanItemRequest, id: ID, group: TravelGroup.ID, by traveller: Traveller.ID, at now: Date) {
        self.id = id
        groupId = group
        list = request.list
        bookingId = request.bookingId
        title = request.title
        note = request.note
        place = request.place
        day = request.day
        time = request.time
        quantity = request.quantity
        bringerId = request.bringerId
        isDone = false
        rank = request.rank ?? .first
        addedBy = traveller
        addedAt = now
        attendance = []
        version = 1
    }

    /// The fields that can be changed separately.
    public enum Field: String, Codable, CaseIterable, Sendable {
        case title, note, place, day, time, quantity, bringerId, isDone, rank

        /// Whether the field can be empty.
        public var isOptional: Bool {
            switch self {
            case .note, .place, .day, .time, .quantity, .bringerId: true
            case .title, .isDone, .rank: false
            }
        }
    }

    /// A field of the item as text, in the form of its history.
    public subscript(field: Field) -> String? {
        switch field {
        case .title: title
        case .note: note
        case .place: place
        case .day: day?.description
        case .time: time?.description
        case .quantity: quantity
        case .bringerId: bringerId?.description
        case .isDone: String(isDone)
        case .rank: rank.text
        }
    }

    /// Sets a field of the item from a text in the form of its history.
    ///
    /// An unreadable text empties the field; a field that cannot be empty keeps its value.
    mutating func set(_ field: Field, to text: String?) {
        switch field {
        case .title: title = text ?? title
        case .note: note = text
        case .place: place = text
        case .day: day = text.flatMap { LocalDate($0) }
        case .time: time = text.flatMap { LocalTime($0) }
        case .quantity: quantity = text
        case .bringerId: bringerId = text.flatMap { Traveller.ID($0) }
        case .isDone: isDone = text == "true"
        case .rank: rank = text.flatMap { Rank($0) } ?? rank
        }
    }
}

/// Adds an item to a list.
public struct PlanItemRequest: Codable, Hashable, Sendable, Checked {
    public var id: PlanItem.ID?
    public var list: PlanItem.List
    public var bookingId: Booking.ID?
    public var title: String
    public var note: String?
    public var place: String?
    public var day: LocalDate?
    public var time: LocalTime?
    public var quantity: String?
    public var bringerId: Traveller.ID?
    /// The rank; the end of the list when nil.
    public var rank: Rank?

    public init(
        id: PlanItem.ID? = nil,
        list: PlanItem.List,
        bookingId: Booking.ID? = nil,
        title: String,
        note: String? = nil,
        place: String? = nil,
        day: LocalDate? = nil,
        time: LocalTime? = nil,
        quantity: String? = nil,
        bringerId: Traveller.ID? = nil,
        rank: Rank? = nil
    ) {
        self.id = id
        self.list = list
        self.bookingId = bookingId
        self.title = title
        self.note = note
        self.place = place
        self.day = day
        self.time = time
        self.quantity = quantity
        self.bringerId = bringerId
        self.rank = rank
    }

    public func check(_ check: inout Check) {
        PlanItemChange(title: title, note: note, place: place, quantity: quantity).checkTexts(&check)
    }
}

/// Changes a plan item; an absent field stays as it is.
public struct PlanItemChange: Codable, Hashable, Sendable, Checked {
    /// The version that the person who makes the change has seen.
    ///
    /// Later changes of others stay in fields that this change does not name.
    public var base: Int
    public var title: String?
    public var note: String?
    public var place: String?
    public var day: LocalDate?
    public var time: LocalTime?
    public var quantity: String?
    public var bringerId: Traveller.ID?
    public var isDone: Bool?
    public var rank: Rank?
    /// The fields to empty; a field that also has a value gets the value.
    public var clear: [PlanItem.Field]?

    public init(
        base: Int = 0,
        title: String? = nil,
        note: String? = nil,
        place: String? = nil,
        day: LocalDate? = nil,
        time: LocalTime? = nil,
        quantity: String? = nil,
        bringerId: Traveller.ID? = nil,
        isDone: Bool? = nil,
        rank: Rank? = nil,
        clear: [PlanItem.Field]? = nil
    ) {
        self.base = base
        self.title = title
        self.note = note
        self.place = place
        self.day = day
        self.time = time
        self.quantity = quantity
        self.bringerId = bringerId
        self.isDone = isDone
        self.rank = rank
        self.clear = clear
    }

    public func check(_ check: inout Check) {
        check.range(base, "/base", 1...1_000_000_000)
        checkTexts(&check)
        let clear = clear ?? []
        check.require(Set(clear).count == clear.count, "/clear", "must not name a field twice")
        for (index, field) in clear.enumerated() {
            check.require(field.isOptional, "/clear/\(index)", "must be a field that can be empty")
        }
    }

    fileprivate func checkTexts(_ check: inout Check) {
        check.text(title, "/title", length: 1...200)
        check.text(note, "/note", length: 1...2000, hasLines: true)
        check.text(place, "/place", length: 1...200)
        check.text(quantity, "/quantity", length: 1...50)
    }

    /// The named fields and their new values.
    var values: [PlanItem.Field: String?] {
        var values: [PlanItem.Field: String?] = [:]
        for field in clear ?? [] { values[field] = .some(nil) }
        func set(_ field: PlanItem.Field, _ text: String?) { if let text { values[field] = text } }
        set(.title, title)
        set(.note, note)
        set(.place, place)
        set(.day, day?.description)
        set(.time, time?.description)
        set(.quantity, quantity)
        set(.bringerId, bringerId?.description)
        set(.isDone, isDone.map { String($0) })
        set(.rank, rank?.text)
        return values
    }
}

/// An event in an item's history: a traveller set a field.
public struct PlanEvent: Codable, Hashable, Sendable {
    /// The version of the item after the event.
    public var number: Int
    public var field: PlanItem.Field
    /// The former and the new value; nil when empty.
    public var former: String?
    public var value: String?
    /// Whether the event replaced a change of another traveller that its author had not seen.
    public var isOverwriting: Bool
    public var travellerId: Traveller.ID
    public var at: Date

    public init(
        number: Int,
        field: PlanItem.Field,
        former: String?,
        value: String?,
        isOverwriting: Bool,
        travellerId: Traveller.ID,
        at: Date
    ) {
        self.number = number
        self.field = field
        self.former = former
        self.value = value
        self.isOverwriting = isOverwriting
        self.travellerId = travellerId
        self.at = at
    }
}

/// Sets a field back to its value before an event.
public struct UndoRequest: Codable, Hashable, Sendable, Checked {
    public var number: Int
    public var field: PlanItem.Field

    public init(number: Int, field: PlanItem.Field) {
        self.number = number
        self.field = field
    }

    public func check(_ check: inout Check) { check.range(number, "/number", 1...1_000_000_000) }
}

extension PlanItem {
    /// The last change of a field: the traveller who set it, and the item's version afterwards.
    public struct Revision: Codable, Hashable, Sendable {
        public var version: Int
        public var by: Traveller.ID

        public init(version: Int, by: Traveller.ID) {
            self.version = version
            self.by = by
        }

        /// Whether another traveller set the field after the version `base`.
        public func isUnseen(by traveller: Traveller.ID, since base: Int) -> Bool {
            version > base && by != traveller
        }
    }

    /// Sets the fields that a change names, each separately.
    ///
    /// When two people change different fields, both changes stay. When they change the same field, the change that
    /// arrives later wins.
    ///
    /// - Parameter revisions: the revisions of the fields that were set since the item was added.
    /// - Returns: the real changes in the order of the fields; empty when nothing changed.
    public mutating func merge(
        _ change: PlanItemChange,
        revisions: inout [Field: Revision],
        by traveller: Traveller.ID,
        at now: Date
    ) -> [PlanEvent] {
        let values = change.values
        var events: [PlanEvent] = []
        for field in Field.allCases {
            guard let value = values[field], self[field] != value else { continue }
            let former = self[field]
            set(field, to: value)
            events.append(
                PlanEvent(
                    number: version + 1,
                    field: field,
                    former: former,
                    value: value,
                    isOverwriting: revisions[field]?.isUnseen(by: traveller, since: change.base) ?? false,
                    travellerId: traveller,
                    at: now
                )
            )
            revisions[field] = Revision(version: version + 1, by: traveller)
        }
        if !events.isEmpty { version += 1 }
        return events
    }
}

extension PlanItemChange {
    /// The change that undoes an event.
    public static func undoing(_ event: PlanEvent, base: Int) -> PlanItemChange {
        var change = PlanItemChange(base: base)
        switch (event.field, event.former) {
        case (let field, nil): change.clear = [field]
        case (.title, let text): change.title = text
        case (.note, let text): change.note = text
        case (.place, let text): change.place = text
        case (.day, let text?): change.day = LocalDate(text)
        case (.time, let text?): change.time = LocalTime(text)
        case (.quantity, let text): change.quantity = text
        case (.bringerId, let text?): change.bringerId = Traveller.ID(text)
        case (.isDone, let text): change.isDone = text == "true"
        case (.rank, let text?): change.rank = Rank(text)
        }
        return change
    }
}

extension Refusal {
    /// A change or a reply is for a plan item that was deleted; add it as a new item.
    public static let itemDeleted = Refusal(
        .conflict,
        "item_deleted",
        en: "Somebody has deleted this. Add it again to keep your change.",
        nl: "Iemand heeft dit verwijderd. Voeg het opnieuw toe om je wijziging te houden.",
        de: "Jemand hat das gelöscht. Füge es neu hinzu, um deine Änderung zu behalten."
    )

    /// The plan and lists of the group have 1,000 items together; delete some to add more.
    public static let listFull = Refusal(
        .conflict,
        "list_full",
        en: "A group's lists have room for 1,000 entries.",
        nl: "De lijsten van een groep hebben plaats voor 1000 regels.",
        de: "Die Listen einer Gruppe haben Platz für 1000 Einträge."
    )
}
