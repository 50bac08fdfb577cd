public import Foundation

/// Starts a group; the guest who asks becomes its organiser.
public struct GroupRequest: Codable, Sendable, Checked {
    /// The group's id; the phone may choose it, so that it can continue offline.
    public var id: TravelGroup.ID?
    public var name: String
    /// The organiser's name as the others see it.
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
    /// The date of birth; without it the traveller counts as an adult.
    public var birthDate: LocalDate?
    /// The traveller's household; nil means the household of the member who asks.
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

/// Changes a traveller; an absent field stays as it is.
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
    /// The traveller that the accepting guest becomes; then the invitation works only once.
    public var travellerId: Traveller.ID?
    /// The number of guests who may accept the invitation; 20 when nil.
    public var maxUses: Int?
    /// The hours until the invitation expires; 168 when nil.
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
    /// The new member's name as the others see it; when nil, a taken-over traveller keeps its name.
    public var name: String?

    public init(name: String? = nil) {
        self.name = name
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

/// The preview of an invitation, for a person with its code who has not joined yet.
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
