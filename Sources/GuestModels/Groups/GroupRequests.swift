public import Foundation

/// Starts a group with oneself as its organiser.
public struct GroupRequest: Codable, Sendable, Checked {
    /// The phone may choose it, so that it can go on before it is online.
    public var id: TravelGroup.ID?
    public var name: String
    /// How the others see the organiser.
    public var myName: String

    public init(id: TravelGroup.ID? = nil, name: String, myName: String) {
        self.id = id
        self.name = name
        self.myName = myName
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.text(myName, "/myName", length: 1...100)
    }
}

public struct GroupRename: Codable, Sendable, Checked {
    public var name: String

    public init(name: String) {
        self.name = name
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

public struct TravellerRequest: Codable, Sendable, Checked {
    public var id: Traveller.ID?
    public var name: String
    /// Without it they count as an adult.
    public var birthDate: LocalDate?
    /// One's own household unless told.
    public var householdId: Household.ID?
    public var guardianId: Traveller.ID?

    public init(
        id: Traveller.ID? = nil,
        name: String,
        birthDate: LocalDate? = nil,
        householdId: Household.ID? = nil,
        guardianId: Traveller.ID? = nil
    ) {
        self.id = id
        self.name = name
        self.birthDate = birthDate
        self.householdId = householdId
        self.guardianId = guardianId
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.birth(birthDate, "/birthDate")
    }
}

/// A field that is absent stays as it is.
public struct TravellerChange: Codable, Sendable, Checked {
    public var name: String?
    public var birthDate: LocalDate?
    public var householdId: Household.ID?
    public var guardianId: Traveller.ID?

    public init(
        name: String? = nil,
        birthDate: LocalDate? = nil,
        householdId: Household.ID? = nil,
        guardianId: Traveller.ID? = nil
    ) {
        self.name = name
        self.birthDate = birthDate
        self.householdId = householdId
        self.guardianId = guardianId
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.birth(birthDate, "/birthDate")
    }
}

public struct HouseholdRequest: Codable, Sendable, Checked {
    public var id: Household.ID?
    public var name: String

    public init(id: Household.ID? = nil, name: String) {
        self.id = id
        self.name = name
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

public struct InvitationRequest: Codable, Sendable, Checked {
    /// Whoever accepts takes over this traveller's row; then it is good for one.
    public var travellerId: Traveller.ID?
    /// 20 unless told.
    public var maxUses: Int?
    /// 168 unless told.
    public var hours: Int?

    public init(travellerId: Traveller.ID? = nil, maxUses: Int? = nil, hours: Int? = nil) {
        self.travellerId = travellerId
        self.maxUses = maxUses
        self.hours = hours
    }

    public func check(_ check: inout Check) {
        check.range(maxUses, "/maxUses", 1...100)
        check.range(hours, "/hours", 1...1440)
    }
}

public struct InvitationAcceptance: Codable, Sendable, Checked {
    /// How the others see you; the row that is taken over keeps its name unless told.
    public var name: String?

    public init(name: String? = nil) {
        self.name = name
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

/// What somebody with the code sees before they join.
public struct InvitationPreview: Codable, Sendable {
    public var groupName: String
    public var organiserName: String
    public var travellerName: String?
    public var expiresAt: Date

    public init(groupName: String, organiserName: String, travellerName: String?, expiresAt: Date) {
        self.groupName = groupName
        self.organiserName = organiserName
        self.travellerName = travellerName
        self.expiresAt = expiresAt
    }
}

public struct Membership: Codable, Sendable {
    public var groupId: TravelGroup.ID
    public var groupName: String
    public var travellerId: Traveller.ID
    public var role: Traveller.Role

    public init(groupId: TravelGroup.ID, groupName: String, travellerId: Traveller.ID, role: Traveller.Role) {
        self.groupId = groupId
        self.groupName = groupName
        self.travellerId = travellerId
        self.role = role
    }
}

public struct HandOver: Codable, Sendable {
    public var travellerId: Traveller.ID

    public init(travellerId: Traveller.ID) {
        self.travellerId = travellerId
    }
}
