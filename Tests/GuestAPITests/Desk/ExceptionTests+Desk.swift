import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension ExceptionTests {
    @Test func `The arrivals list shows organiser, open amount and cottage readiness`() async throws {
        try await withGuestAPI { api in
            struct Row: Decodable {
                let lead: String
                let open: Money?
                let isReady: Bool
            }
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let path = "/v1/admin/parks/\(stage.world.park.id)/arrivals?date=2027-05-14"
            let rows = try await api.get(path, as: stage.reception).decode(Listed<Row>.self).items
            #expect(rows.map(\.lead) == ["Organiser"])
            #expect(rows.map(\.open) == [booking.total])
            #expect(rows.map(\.isReady) == [true])
            let cleaner = try await api.given.staff([.housekeeping], at: stage.world.park.id)
            #expect(try await api.get(path, as: cleaner).decode(Listed<Row>.self).items.map(\.open) == [nil])
        }
    }

    @Test func `A cottage that is out of order is not let tonight`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 1)
            let cottage = stage.world.cottages[0]
            try stage.wait(until: "2027-05-14 12:00")
            let broken = ReadinessRequest(readiness: .outOfOrder, note: "no water")
            let path = "/v1/admin/cottages/\(cottage.id)/readiness"
            #expect(try await api.change("PUT", path, broken, as: stage.reception).status == 204)
            let park = "/v1/parks/\(stage.world.park.id)"
            let tonight = "from=2027-05-14&to=2027-05-17"
            #expect(try await api.get("\(park)/map?\(tonight)").text.contains(#""state":"closed""#))
            #expect(try await !api.get("\(park)/availability?\(tonight)&adults=2").text.contains("free"))
            let request = try api.given.request(stage.group, stage.world)
            let refused = try await api.post("/v1/bookings", request, as: stage.organiser, key: "now")
            #expect(refused.code == "out_of_order")
            // The cottage will be repaired next week.
            let later = try api.given.request(stage.group, stage.world, from: "2027-05-21", to: "2027-05-24")
            #expect(try await api.post("/v1/bookings", later, as: stage.organiser, key: "later").status == 201)
        }
    }

    @Test func `A closure names the bookings that are in its way`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let request = ClosureRequest(stay: try stay("2027-05-15", "2027-05-20"), reason: "new roof")
            let path = "/v1/admin/cottages/\(stage.world.cottages[0].id)/closures"
            let refused = try await api.post(path, request, as: stage.reception)
            #expect(refused.code == "cottage_booked")
            #expect(refused.text.contains(booking.number))
        }
    }

    @Test func `An invoice from the desk is in the household's language`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.seller = .init(name: "Park BV", address: "Heide 1, Ede, NL", vatNumber: "NL001")
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            try await api.transaction { tx in
                let guest = try stage.organiser.id()
                try await tx.run(Command("UPDATE guest SET language = 'nl' WHERE id = \(guest)"))
                tx.publish(guest, .guest, to: .guest(guest))
            }
            let share = try await api.get("\(stage.path(booking))/shares", as: stage.organiser)
                .decode(Listed<ShareView>.self).items[0]
            let invoice = try await api.post(
                "/v1/shares/\(share.id)/invoices",
                InvoiceRequest(),
                as: stage.reception,
                key: "invoice"
            )
            #expect(invoice.text.contains(#""language":"nl""#))
        }
    }

    @Test func `A check-out with an unpaid amount opens a task for the desk`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-14 16:00")
            try await stage.begin(booking)
            _ = try await api.post("\(stage.path(booking))/check-out", as: stage.reception, key: "out")
            try await api.work()
            let tasks = "SELECT count(*) FROM task WHERE title LIKE '%has left and has EUR 390.00 to pay'"
            #expect(try await api.count(SQL(stringLiteral: tasks)) == 1)
        }
    }
}
