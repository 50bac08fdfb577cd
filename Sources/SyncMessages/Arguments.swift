public import GuestModels

/// Arguments of a mutation that adds something to a group: `{"groupId": …, "request": {…}}`.
public struct GroupArguments<Request: Codable & Sendable>: Codable, Sendable {
    public var groupId: TravelGroup.ID
    /// The body of the matching HTTP route.
    ///
    /// The phone chooses the `id` in the request, so that it recognises the thing later.
    public var request: Request

    public init(groupId: TravelGroup.ID, request: Request) {
        self.groupId = groupId
        self.request = request
    }
}

/// Arguments of a mutation about one of a group's things: `{"groupId": …, "id": …}`.
public struct ThingArguments<Thing>: Codable, Sendable {
    public var groupId: TravelGroup.ID
    public var id: Identifier<Thing>

    public init(groupId: TravelGroup.ID, id: Identifier<Thing>) {
        self.groupId = groupId
        self.id = id
    }
}

/// Arguments of a mutation that changes one of a group's things: `{"groupId": …, "id": …, "request": {…}}`.
public struct ChangeArguments<Thing, Request: Codable & Sendable>: Codable, Sendable {
    public var groupId: TravelGroup.ID
    public var id: Identifier<Thing>
    /// The body of the matching HTTP route.
    public var request: Request

    public init(groupId: TravelGroup.ID, id: Identifier<Thing>, request: Request) {
        self.groupId = groupId
        self.id = id
        self.request = request
    }
}

extension GroupArguments: Checked where Request: Checked {
    public func check(_ check: inout Check) { check.part(request, "/request") }
}

extension ChangeArguments: Checked where Request: Checked {
    public func check(_ check: inout Check) { check.part(request, "/request") }
}
