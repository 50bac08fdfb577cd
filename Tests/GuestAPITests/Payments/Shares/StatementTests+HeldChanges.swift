import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension StatementTests {
    func statement(_ stage: Stage) async throws -> StatementView {
        try await stage.api.get("\(stage.path)/statement", as: stage.organiser).decode(StatementView.self)
    }

    /// A stay with its deposit paid, and a larger one that is held; returns the rise of the deposit.
    private func withHeldChange(_ api: GuestAPITestService) async throws -> (stage: Stage, rise: Int64) {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
        let all = BookingChange(
            stay: try stay("2027-05-13", "2027-05-18"),
            cottages: stage.world.cottages.map { .init(cottage: $0.id) }
        )
        #expect(try await stage.change(all, as: stage.organiser).status == 200)
        let told = try await statement(stage)
        #expect(told.heldUntil != nil && told.isDepositCovered)
        return (stage, try #require(told.heldDeposit).amount - told.deposit.amount)
    }

    @Test func `A guest's larger stay is held until its deposit is paid`() async throws {
        try await withGuestAPI { api in
            let (stage, rise) = try await withHeldChange(api)
            let held = try await stage.seen()
            #expect(held.cottages.count == 1 && held.stay == stage.booking.stay && held.total == stage.booking.total)
            #expect(rise > 0)
            try await stage.expectRight()
            #expect(try await stage.pay(rise - 1, for: stage.organiser).status == 201)
            #expect(try await stage.seen().stay == stage.booking.stay)
            // A member's payment covers the deposit as well as the organiser's.
            #expect(try await stage.pay(1, for: stage.member).status == 201)
            let changed = try await stage.seen()
            let wanted = try stay("2027-05-13", "2027-05-18")
            #expect(changed.cottages.count == 3 && changed.stay == wanted)
            #expect(changed.isDepositCovered && changed.state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE change_of IS NOT NULL") == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A held change keeps its cottages from others`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withHeldChange(api)
            let rival = try await api.given.guest()
            let rivals = try await api.given.group(of: rival)
            func take(_ cottage: Int, _ from: String, _ to: String) async throws -> String? {
                let request = try api.given.request(
                    rivals,
                    stage.world,
                    cottages: [stage.world.cottages[cottage]],
                    from: from,
                    to: to
                )
                return try await api.post("/v1/bookings", request, as: rival, key: UUID().uuidString).code
            }
            #expect(try await take(1, "2027-05-14", "2027-05-15") == "cottage_taken")
            #expect(try await take(0, "2027-05-17", "2027-05-18") == "cottage_taken")
            try await stage.expectRight()
        }
    }

    @Test func `The map shows the cottages of a held change as taken`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withHeldChange(api)

            let map = try await api.get("/v1/parks/\(stage.world.park.id)/map?from=2027-05-14&to=2027-05-15").text

            #expect(map.components(separatedBy: #""state":"taken""#).count - 1 == 3)
        }
    }

    /// A fully paid stay, and a larger one for which the organiser paid 1 euro before its hold ended.
    private func withLapsedChange(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        let total = stage.booking.total.amount
        try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let many = BookingChange(
            stay: try stay("2027-05-10", "2027-05-24"),
            cottages: stage.world.cottages.map { .init(cottage: $0.id) }
        )
        #expect(try await stage.change(many, as: stage.organiser).status == 200)
        #expect(try await stage.seen().total.amount == total)
        // Everything is paid, so the organiser pays the rise of the deposit.
        #expect(try await stage.pay(100, for: stage.organiser).status == 201)
        try await api.work()
        #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
        api.clock.advance(by: 21 * 60)
        try await api.work()
        return stage
    }

    @Test func `A held change that nobody pays frees its cottages`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedChange(api)
            #expect(try await statement(stage).heldDeposit == nil)
            let rival = try await api.given.guest()
            let rivals = try await api.given.group(of: rival)
            let request = try api.given.request(rivals, stage.world, cottages: [stage.world.cottages[1]])
            #expect(try await api.post("/v1/bookings", request, as: rival, key: "r").status == 201)
            try await stage.expectRight()
        }
    }

    @Test func `Money paid for a held change goes back when it lapses`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedChange(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund' AND state = 'open'") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `A change covered by money already paid is made at once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let changed = try await stage.change(longer, as: stage.organiser).decode(Booking.self)
            #expect(changed.stay.nightCount == 4 && changed.isDepositCovered)
            try await stage.expectRight()
        }
    }

    @Test func `The deposit of a stay that staff enlarge gets a due date`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
            let much = BookingChange(stay: try stay("2027-05-14", "2027-05-30"))
            #expect(try await stage.change(much, as: stage.reception, reason: "on the phone").status == 200)
            #expect(try await stage.seen().stay.nightCount == 16)
            let told = try await statement(stage)
            #expect(!told.isDepositCovered && told.depositDue != nil)
            try await stage.expectRight()
        }
    }
}
