import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension ChangeBookingTests {
    /// A booking that can have a cot: 5 a day, three of them.
    private struct Cots {
        let stage: Stage
        let cot: Extra
        let path: String

        /// Orders for the organiser's household.
        func order(
            _ quantity: Int,
            from: String,
            through: String,
            as who: Given.Person? = nil
        ) async throws -> GuestAPITestService.Response {
            let order = ExtraOrderRequest(
                extraId: cot.id,
                from: try day(from),
                through: try day(through),
                quantity: quantity,
                householdId: stage.group.households.first?.id
            )
            return try await stage.api.post(
                "\(path)/extras",
                order,
                as: who ?? stage.organiser,
                key: UUID().uuidString
            )
        }
    }

    private func cots(_ api: GuestAPITestService) async throws -> Cots {
        let stage = try await stage(api)
        let request = ExtraRequest(code: "COT", names: ["en": "Cot"], isDaily: true, price: 500, stock: 3)
        let office = try await api.given.headOffice()
        let cot = try await api.post("/v1/admin/parks/\(stage.world.park.id)/extras", request, as: office)
            .decode(Extra.self)
        let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
        return Cots(stage: stage, cot: cot, path: "/v1/bookings/\(booking.id)")
    }

    @Test func `A member cannot order extras for another household`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)
            let member = try await api.given.member(of: cots.stage.group, invitedBy: cots.stage.organiser)
            let stranger = try await api.given.guest()

            #expect(try await cots.order(1, from: "2027-05-14", through: "2027-05-14", as: member).status == 403)
            #expect(try await cots.order(1, from: "2027-05-14", through: "2027-05-14", as: stranger).status == 404)
        }
    }

    @Test func `A daily extra costs its price on each day`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)

            let ordered = try await cots.order(2, from: "2027-05-14", through: "2027-05-16").decode(Booking.self)

            #expect(ordered.extras.map(\.quantity) == [2])
            let line = try #require(ordered.charges.last { $0.kind == .extra })
            #expect(line.amount == 2 * 3 * 500)
            #expect(line.householdId == cots.stage.group.households.first?.id)
            #expect(try await isPricedRight(cots.stage, ordered))
        }
    }

    @Test func `An extra cannot be ordered for a day outside the stay`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)

            let early = try await cots.order(1, from: "2027-05-13", through: "2027-05-14")

            #expect(early.code == "outside_stay")
        }
    }

    @Test func `The orders of an extra never exceed its stock on any day`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)
            #expect(try await cots.order(2, from: "2027-05-14", through: "2027-05-16").status == 201)

            #expect(try await cots.order(2, from: "2027-05-16", through: "2027-05-17").code == "extra_sold_out")
            #expect(try await cots.order(1, from: "2027-05-16", through: "2027-05-17").status == 201)
        }
    }

    @Test func `Shortening a stay cancels the extras of the removed days`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)
            #expect(try await cots.order(2, from: "2027-05-14", through: "2027-05-16").status == 201)
            let last = try await cots.order(1, from: "2027-05-16", through: "2027-05-17").decode(Booking.self)
            #expect(last.extras.count == 2)

            let shorter = BookingChange(stay: try stay("2027-05-14", "2027-05-16"))
            let quote = try await quote(cots.stage, last, shorter).decode(Quote.self)
            #expect(quote.lines.contains { $0.kind == .extra && $0.amount == -1000 })
            let changed = try await apply(cots.stage, quote, version: last.version).decode(Booking.self)

            #expect(changed.extras.map(\.quantity) == [2] && changed.total == quote.total)
        }
    }

    @Test func `A household cannot cancel another household's order of an extra`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)
            let member = try await api.given.member(of: cots.stage.group, invitedBy: cots.stage.organiser)
            let ordered = try await cots.order(2, from: "2027-05-14", through: "2027-05-16").decode(Booking.self)
            let order = "\(cots.path)/extras/\(try #require(ordered.extras.first?.id))"

            #expect(try await api.send("DELETE", order, as: member).status == 403)
            let without = try await api.send("DELETE", order, as: cots.stage.organiser).decode(Booking.self)
            #expect(without.extras.isEmpty)
            #expect(try await api.send("DELETE", order, as: cots.stage.organiser).status == 200)
        }
    }

    @Test func `Cancelling a stay returns its extras to stock`() async throws {
        try await withGuestAPI { api in
            let cots = try await cots(api)
            #expect(try await cots.order(3, from: "2027-05-14", through: "2027-05-14").status == 201)

            #expect(try await api.post("\(cots.path)/cancel", as: cots.stage.organiser, key: "x").status == 200)

            #expect(try await api.count("SELECT sum(taken)::bigint AS count FROM extra_stock") == 0)
            #expect(try await api.count("SELECT sum(amount)::bigint AS count FROM charge_line") == 0)
        }
    }

    @Test func `Parallel orders never sell more of an extra than its stock`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let office = try await api.given.headOffice()
            let request = ExtraRequest(
                code: "SIT",
                names: ["nl": "Oppas"],
                isDaily: false,
                price: 4000,
                slots: [try #require(LocalTime("20:00"))],
                stock: 5
            )
            let sitter = try await api.post("/v1/admin/parks/\(stage.world.park.id)/extras", request, as: office)
                .decode(Extra.self)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let order = ExtraOrderRequest(
                extraId: sitter.id,
                from: try day("2027-05-15"),
                slot: LocalTime("20:00"),
                quantity: 1
            )
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let path = "/v1/bookings/\(booking.id)/extras"
                        return try await api.post(path, order, as: stage.organiser, key: "o\(index)").status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [201: 5, 409: 45])
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let less = StockRequest(date: order.from, slot: order.slot, stock: 4)
            let path = "/v1/admin/extras/\(sitter.id)/stock"
            #expect(try await api.change("PUT", path, less, as: reception).code == "stock_promised")
            _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: stage.organiser, key: "c")
            let list = "/v1/admin/parks/\(stage.world.park.id)/extras/orders?date=2027-05-15"
            let toPrepare = try await api.get(list, as: reception).text
            #expect(toPrepare.components(separatedBy: #""slot":"20:00""#).count == 6)
        }
    }
}
