import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// A reader of the changes feed, as a property system would be.
actor FeedReader {
    struct Change: Decodable, Sendable {
        let number: Int
        let kind: String
        let id: UUID
        let body: JSONValue?
    }

    private struct Page: Decodable {
        let items: [Change]
        let next: Int
        let isComplete: Bool
    }

    private let api: GuestAPITestService
    private let who: Given.Person
    private let park: Park.ID
    private(set) var seen: [Change] = []

    init(_ api: GuestAPITestService, _ park: Park.ID, as who: Given.Person) {
        self.api = api
        self.park = park
        self.who = who
    }

    /// Reads from the last known change on until nothing more comes.
    func catchUp(limit: Int = 50) async throws {
        while true {
            let since = seen.last?.number ?? 0
            let path = "/v1/admin/changes?park=\(park)&since=\(since)&limit=\(limit)"
            let page = try await api.get(path, as: who).decode(Page.self)
            seen += page.items
            #expect(page.next == seen.last?.number ?? 0)
            if page.isComplete { return }
        }
    }

    /// The state that results from applying every change in order.
    func replayed(_ kind: String) -> [UUID: JSONValue] {
        var known: [UUID: JSONValue] = [:]
        for change in seen where change.kind == kind { known[change.id] = change.body ?? .null }
        return known.filter { $0.value != .null }
    }
}

/// Any JSON value, for comparing.
enum JSONValue: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The value without nulls; each object keeps only the keys that the other object has.
    func shared(with other: JSONValue) -> JSONValue {
        switch (self, other) {
        case (.object(let own), .object(let others)):
            var shared: [String: JSONValue] = [:]
            for (key, value) in own where value != .null {
                guard let twin = others[key] else { continue }
                shared[key] = value.shared(with: twin)
            }
            return .object(shared)
        case (.array(let own), .array(let others)) where own.count == others.count:
            return .array(zip(own, others).map { $0.shared(with: $1) })
        default: return self
        }
    }
}

@Suite struct ChangesTests {
    @Test func `The feed lists every change in order and without gaps`()
        async throws
    {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let accountant = try await api.given.staff([.finance], at: world.park.id)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let organiser = try await api.given.guest("Anna", email: "anna@example.org")
            let group = try await api.given.group(of: organiser)
            let feed = FeedReader(api, world.park.id, as: accountant)
            try await feed.catchUp()
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                cottages: Array(world.cottages.prefix(2))
            )
            let office = try await api.given.headOffice()
            let extra = try await api.post(
                "/v1/admin/parks/\(world.park.id)/extras",
                ExtraRequest(code: "cot", names: ["en": "Cot"], isDaily: true, price: 350, stock: 5),
                as: office
            ).decode(Extra.self)
            let path = "/v1/bookings/\(booking.id)"
            _ = try await api.post("\(path)/confirm", as: organiser, key: "c")
            let order = ExtraOrderRequest(extraId: extra.id, from: booking.stay.arrival)
            #expect(try await api.post("\(path)/extras", order, as: organiser, key: "e").status == 201)
            let noon = ArrivalTimeRequest(time: .noon)
            #expect(try await api.change("PUT", "\(path)/arrival", noon, as: organiser).status == 200)
            let ready = ReadinessRequest(readiness: .toClean)
            let cottage = "/v1/admin/cottages/\(world.cottages[2].id)/readiness"
            #expect(try await api.change("PUT", cottage, ready, as: reception).status == 204)
            let member = try await api.given.member(of: group, invitedBy: organiser)
            try await feed.catchUp()
            let seen = await feed.seen
            #expect(seen.map(\.number) == Array(1...seen.count))
            let told = try #require(await feed.replayed("booking")[booking.id.uuid])
            let shown = try JSONDecoder().decode(JSONValue.self, from: try await api.get(path, as: organiser).body)
            #expect(told.shared(with: shown) == shown.shared(with: told))
            guard case .object(let fields) = told.shared(with: shown) else { throw CancellationError() }
            #expect(fields.keys.count > 18, "\(fields.keys.sorted())")
            guard case .object(let place) = await feed.replayed("cottage")[world.cottages[2].id.uuid] else {
                throw CancellationError()
            }
            #expect(place["readiness"] == .string("toClean"))
            #expect(await feed.replayed("guest").count == 2)
            #expect(seen.last?.id == (try member.id().uuid))
            // The feed no longer names erased guests or guests who have left, not even in its first changes.
            #expect(try await api.post("/v1/groups/\(group.id)/leave", as: member).status == 204)
            _ = try await api.post("\(path)/cancel", as: organiser, key: "x")
            #expect(try await api.send("DELETE", "/v1/me", as: organiser).status == 200)
            let again = FeedReader(api, world.park.id, as: accountant)
            try await again.catchUp()
            #expect(await again.replayed("guest").isEmpty)
            #expect(!(await String(describing: again.seen)).contains("Anna"))
            try await feed.catchUp()
            #expect(await feed.replayed("guest").isEmpty)
            #expect(await feed.replayed("booking") == again.replayed("booking"))
        }
    }

    @Test func `The feed still gives the whole tables after old changes are deleted`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let accountant = try await api.given.staff([.finance], at: world.park.id)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let path = "/v1/admin/cottages/\(world.cottages[0].id)/readiness"
            for readiness in [ReadinessRequest(readiness: .toClean), ReadinessRequest(readiness: .ready)] {
                #expect(try await api.change("PUT", path, readiness, as: reception).status == 204)
            }
            let before = FeedReader(api, world.park.id, as: accountant)
            try await before.catchUp()
            func cleanUp() async throws {
                try await api.transaction { tx in
                    try Job.enqueue(CleanUp(), at: api.now, api.app.act(in: tx, as: .job("test")))
                }
                try await api.work()
            }
            api.clock.advance(by: 89 * 86400)
            try await cleanUp()
            let kept = FeedReader(api, world.park.id, as: accountant)
            try await kept.catchUp()
            #expect(await kept.seen.count == before.seen.count)
            api.clock.advance(by: 2 * 86400)
            try await cleanUp()
            let after = FeedReader(api, world.park.id, as: accountant)
            try await after.catchUp()
            let left = await after.seen
            #expect(await left.count < before.seen.count)
            #expect(Set(left.map(\.id)).count == left.count)
            #expect(await after.replayed("cottage") == before.replayed("cottage"))
            #expect(await left.last?.number == before.seen.last?.number)
        }
    }

    @Test func `Reception and other parks' staff cannot read the feed`()
        async throws
    {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let elsewhere = try await api.given.park()
            let accountant = try await api.given.staff([.finance], at: world.park.id)
            let path = "/v1/admin/changes?park="
            #expect(try await api.get("\(path)\(elsewhere.park.id)", as: accountant).status == 404)
            #expect(try await api.get("/v1/admin/changes", as: accountant).pointers == ["?park"])
            #expect(try await api.get("\(path)\(world.park.id)&since=4", as: accountant).code == "since_ahead")
            #expect(try await api.get("\(path)\(world.park.id)&since=3", as: accountant).status == 200)
            #expect(try await api.get("\(path)\(world.park.id)&since=-1", as: accountant).status == 400)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            #expect(try await api.get("\(path)\(world.park.id)", as: reception).status == 403)
        }
    }
}
