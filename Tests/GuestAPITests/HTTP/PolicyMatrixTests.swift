import Foundation
import GuestModels
import HTTPTypes
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Calls every route as every kind of principal, for own, foreign and missing objects.
@Suite struct PolicyMatrixTests {
    private static func path(_ row: Policy.Row, _ ids: [String: String]) -> String {
        var path = row.path
        for (name, id) in ids { path = path.replacing("{\(name)}", with: id) }
        let stay = "from=2027-05-14&to=2027-05-17"
        if row.name.hasPrefix("search"), !["searchBookings", "searchGuests"].contains(row.name) { path += "?\(stay)" }
        if ["showMap", "listExtras"].contains(row.name) { path += "?\(stay)" }
        if ["listExtrasToPrepare", "listReadiness", "showDay", "showTill"].contains(row.name) {
            path += "?date=2027-05-14"
        }
        if ["searchBookings", "searchGuests"].contains(row.name) { path += "?q=a" }
        if ["listJournals", "listParkInvoices", "reportTouristTax"].contains(row.name) { path += "?\(stay)" }
        // Otherwise the request would last for minutes.
        if row.name == "hearOfChanges" { path += "?seconds=0" }
        if row.name == "listChanges" { path += "?park=\(ids["park"] ?? "")" }
        return path
    }

    /// The document's example for each route, about these objects, so that no request is refused before its object is
    /// looked up.
    private static func body(_ row: Policy.Row, _ ids: [String: String]) throws -> Data? {
        guard let example = OpenAPIDocument.shared.operations[row.name]?.example else { return nil }
        func filled(_ value: Any) -> Any {
            if let fields = value as? [String: Any] {
                return Dictionary(uniqueKeysWithValues: fields.map { key, value in (key, named(key, value)) })
            }
            return (value as? [Any])?.map(filled) ?? value
        }
        /// `groupId` is the group of `ids`, and `travellerIds` its travellers.
        func named(_ key: String, _ value: Any) -> Any {
            if key.hasSuffix("Id"), let id = ids[String(key.dropLast(2))] { return id }
            if key.hasSuffix("Ids"), let id = ids[String(key.dropLast(3))] { return [id] }
            return filled(value)
        }
        let body = try JSONSerialization.jsonObject(with: Data(example.utf8))
        return try JSONSerialization.data(withJSONObject: filled(body))
    }

    private func send(
        _ api: GuestAPITestService,
        _ row: Policy.Row,
        _ ids: [String: String],
        as who: Given.Person?,
        onBehalfOf guest: Guest.ID? = nil
    ) async throws -> GuestAPITestService.Response {
        try await api.send(
            row.method.rawValue,
            Self.path(row, ids),
            raw: try Self.body(row, ids),
            as: who,
            key: row.key == .none ? nil : UUID().uuidString,
            match: row.needsMatch ? 1 : nil,
            headers: guest.map { ["On-Behalf-Of": "\($0)"] } ?? [:]
        )
    }

    /// The answer without the request id, which always differs.
    private func shape(_ response: GuestAPITestService.Response) -> String {
        let text = response.text.replacing(/"instance":"[^"]*"/, with: "")
        return "\(response.status) \(response.headers["content-type"] ?? "") \(text)"
    }

    @Test func `Every route admits exactly the people its policy row allows`() async throws {
        try await withGuestAPI(clock: TestClock(testStart)) { api in
            let own = try await api.given.park()
            let foreign = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let member = try await api.given.member(of: group, invitedBy: organiser)
            let stranger = try await api.given.guest()
            let booking = try await api.given.booking(of: group, by: organiser, in: own)
            let functions = StaffMember.Function.allCases
            var people: [(name: String, who: Given.Person?, kinds: Set<Policy.Who>)] = [
                ("nobody", nil, []), ("organiser", organiser, [.guest, .member, .organiser]),
                ("member", member, [.guest, .member]), ("stranger", stranger, [.guest]),
                ("head office", try await api.given.headOffice(), [.headOffice]),
            ]
            let child = try await api.given.child(of: group, guardian: organiser)
            people.append(("child", try await api.given.phone(of: child.id), [.child]))
            for function in functions {
                let person = try await api.given.staff([function], at: foreign.park.id)
                people.append(("foreign \(function)", person, [.staff(function)]))
            }
            for purpose in SystemCredential.Purpose.allCases {
                let person = try await api.given.system(purpose, at: foreign.park.id)
                people.append(("foreign \(purpose)", person, [.system(purpose)]))
            }
            let missing = UUID().uuidString.lowercased()
            let names = [
                "park", "type", "cottage", "rate", "closure", "group", "traveller", "invitation", "booking", "device",
                "job", "order", "extra", "task", "note", "number", "share",
                "payment", "link", "goodwill", "guest", "invoice", "colleague", "credential", "option", "item", "topic",
                "message", "upload", "album", "photo",
            ]
            let nothing = Dictionary(
                names.map { ($0, missing) } + [
                    ("code", "ABCDEFGH"), ("file", "x"), ("token", "x"), ("name", String(repeating: "0", count: 64)),
                    ("size", "256"),
                    ("scope", "group:\(missing)"),
                ]
            ) { $1 }
            var real = nothing
            real["group"] = "\(group.id)"
            real["scope"] = "group:\(group.id)"
            real["traveller"] = "\(group.travellers[0].id)"
            real["booking"] = "\(booking.id)"
            real["park"] = "\(own.park.id)"
            real["type"] = "\(own.type.id)"
            real["cottage"] = "\(own.cottages[0].id)"
            let firm = try await api.given.stay(confirmed: true)
            let stage = AlbumTests.Stage(api: api, stay: firm)
            real["album"] = "\(firm.booking.id)"
            real["photo"] = "\(try await stage.photo().id)"

            for row in Policy.rows where !["eraseMe", "signOut"].contains(row.name) {
                for person in people {
                    let isForeignOrMissing = try await send(api, row, nothing, as: person.who)
                    #expect(
                        isForeignOrMissing.status < 500,
                        "\(row.name) as \(person.name): \(isForeignOrMissing.text)"
                    )
                    // The kind of principal decides whether the route is open.
                    let kinds: Set<Policy.Who> = [.guest, .member, .organiser]
                    let isIn =
                        row.who.contains(.anyone)
                        || !row.who.isDisjoint(with: kinds) && !person.kinds.isDisjoint(with: kinds)
                        || !row.who.isDisjoint(with: person.kinds.subtracting(kinds))
                    if !isIn {
                        #expect(
                            isForeignOrMissing.status == (person.who == nil ? 401 : 403),
                            "\(row.name) as \(person.name)"
                        )
                        continue
                    }
                    if row.who.contains(.anyone) { continue }
                    #expect(![401, 403].contains(isForeignOrMissing.status), "\(row.name) as \(person.name)")
                    // Strangers and staff of another park cannot distinguish our objects from missing ones.
                    let isOutsider = person.name == "stranger" || person.name.hasPrefix("foreign")
                    let hasObject =
                        row.path.contains("{") && !row.path.contains("{code}")
                        || ["placeBooking", "listChanges"].contains(row.name)
                    if isOutsider, hasObject {
                        let theirs = try await send(api, row, real, as: person.who)
                        #expect(shape(theirs) == shape(isForeignOrMissing), "\(row.name) as \(person.name)")
                        #expect(theirs.status == 404, "\(row.name) as \(person.name): \(theirs.text)")
                    }
                }
            }
            // A member may not use the organiser's routes.
            for row in Policy.rows where row.who == [.organiser] && row.path.contains("{group}") {
                let response = try await send(api, row, real, as: member)
                #expect(response.status == 403, "\(row.name): \(response.text)")
            }
        }
    }

    @Test func `Colleagues without their required second factor reach only exempt routes`() async throws {
        try await withGuestAPI(clock: TestClock(testStart)) { api in
            let own = try await api.given.park()
            let missing = UUID().uuidString.lowercased()
            let nothing = Dictionary(
                Policy.rows.flatMap { row in Self.names(row).map { ($0, missing) } }
            ) { first, _ in first }
            for function in StaffMember.Function.allCases {
                let person = try await api.given.unproven([function], at: own.park.id)
                let isNeeded = [.finance, .reception, .maintenance].contains(function)
                for row in Policy.rows where row.who.contains(.staff(function)) && row.name != "signOut" {
                    let isStopped = isNeeded && row.factor != .none && !row.who.contains(.anyone)
                    let answer = try await send(api, row, nothing, as: person)
                    #expect((answer.code == "second_factor_needed") == isStopped, "\(row.name) as \(function)")
                }
            }
        }
    }

    @Test func `An ended colleague or system credential reaches no route`() async throws {
        try await withGuestAPI(clock: TestClock(testStart)) { api in
            let own = try await api.given.park()
            let host = try await api.given.staff([.host, .reception], at: own.park.id)
            let system = try await api.given.system(.feed, at: own.park.id)
            let office = try await api.given.headOffice()
            let its = "/v1/admin/parks/\(own.park.id)/credentials"
            struct Page: Decodable { let items: [SystemCredential] }
            let credential = try #require(try await api.get(its, as: office).decode(Page.self).items.first)
            #expect(try await api.send("DELETE", "\(its)/\(credential.id)", as: office).status == 204)
            let colleague = try #require(host.staff)
            #expect(try await api.send("DELETE", "/v1/admin/staff/\(colleague)", as: office).status == 204)
            let missing = UUID().uuidString.lowercased()
            let nothing = Dictionary(
                Policy.rows.flatMap { row in Self.names(row).map { ($0, missing) } }
            ) { first, _ in first }
            for row in Policy.rows {
                for (name, person) in [("colleague", host), ("system", system)] {
                    for guest in [nil, Guest.ID(missing)] {
                        let answer = try await send(api, row, nothing, as: person, onBehalfOf: guest)
                        #expect(answer.status == 401, "\(row.name) as \(name)")
                    }
                }
            }
        }
    }

    @Test func `The desk acts for guests exactly where the policy table allows it`() async throws {
        try await withGuestAPI(clock: TestClock(testStart)) { api in
            var rules = Given.rules
            rules.register = .init(documents: false, keepDays: 30)
            rules.hasGuestBooks = true
            let own = try await api.given.park(rules: rules)
            let foreign = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: own.park.id)
            let elsewhere = try await api.given.staff([.reception], at: foreign.park.id)
            let host = try await api.given.staff([.host], at: own.park.id)
            let office = try await api.given.headOffice()
            let missing = UUID().uuidString.lowercased()
            let nothing = Dictionary(
                Policy.rows.flatMap { row in Self.names(row).map { ($0, missing) } }
            ) { first, _ in first }

            /// A guest with a held stay at our park, and with a stay at the other park that the guest has given up.
            func stay(
                in cottage: Int = 0
            ) async throws -> (guest: Guest.ID, ids: [String: String], end: () async throws -> Void) {
                let organiser = try await api.given.guest()
                let group = try await api.given.group(of: organiser)
                let booking = try await api.given.booking(
                    of: group,
                    by: organiser,
                    in: own,
                    cottages: [own.cottages[cottage]]
                )
                let gone = try await api.given.booking(
                    of: api.given.group(of: organiser),
                    by: organiser,
                    in: foreign
                )
                let cancel = { (id: Booking.ID) in
                    _ = try await api.post("/v1/bookings/\(id)/cancel", as: organiser, key: UUID().uuidString)
                }
                try await cancel(gone.id)
                let shares = try await api.transaction { try await $0.all(ShareSQL.shares(of: booking.id)) }
                let ids = [
                    "group": "\(group.id)", "traveller": "\(group.travellers[0].id)", "booking": "\(booking.id)",
                    "share": "\(try #require(shares.first).id)", "park": "\(own.park.id)",
                    "cottage": "\(own.cottages[cottage].id)", "household": "\(group.travellers[0].householdId)",
                ]
                return (try organiser.id(), nothing.merging(ids) { $1 }, { try await cancel(booking.id) })
            }

            func ask(
                _ row: Policy.Row,
                _ stay: (guest: Guest.ID, ids: [String: String], end: () async throws -> Void),
                as who: Given.Person
            ) async throws -> GuestAPITestService.Response {
                try await send(api, row, stay.ids, as: who, onBehalfOf: stay.guest)
            }

            let untouched = try await stay(in: 1)
            for row in Policy.rows where row.desk == .never {
                #expect(try await ask(row, untouched, as: host).status == 403, "\(row.name) as host")
                for colleague in [reception, elsewhere, office] {
                    #expect(try await ask(row, untouched, as: colleague).status == 404, "\(row.name)")
                }
            }
            for row in Policy.rows where row.desk != .never {
                for (name, colleague) in [("reception", reception), ("head office", office)] {
                    let stay = try await stay()
                    #expect(try await ask(row, stay, as: host).status == 403, "\(row.name) as host")
                    #expect(try await ask(row, stay, as: elsewhere).status == 404, "\(row.name) of another park")
                    let answer = try await ask(row, stay, as: colleague)
                    if Self.names(row).allSatisfy({ stay.ids[$0] != missing }) {
                        let label: Comment = "\(row.name) as \(name): \(answer.status) \(answer.text)"
                        #expect(answer.status < 500 && ![401, 403, 404].contains(answer.status), label)
                    }
                    try await stay.end()
                    // After the stay is given up, the desk can no longer act in the guest's name for it.
                    if row.desk != .beginning {
                        #expect(try await ask(row, stay, as: reception).status == 404, "\(row.name) afterwards")
                    }
                }
            }
        }
    }

    private static func names(_ row: Policy.Row) -> [String] {
        row.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}
