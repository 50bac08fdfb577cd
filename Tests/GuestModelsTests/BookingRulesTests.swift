import Foundation
import GuestModels
import Testing

/// The acts that a booking allows in each of its states.
@Suite struct BookingRulesTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let rules = HouseRules(
        checkInFrom: .noon,
        checkOutBy: .noon,
        extensionMinutes: 10,
        cancellation: [.init(days: 7, percent: 50)]
    )

    private func booking(_ state: Booking.State, deadline: TimeInterval? = 600, paid: Int64 = 0) throws -> Booking {
        let arrival = try #require(LocalDate("2027-05-14"))
        return Booking(
            id: try #require(Booking.ID("01a20000-0000-7000-8000-000000000001")),
            number: "N",
            parkId: try #require(Park.ID("01a20000-0000-7000-8000-000000000002")),
            groupId: nil,
            stay: try #require(Stay(from: arrival, to: arrival.adding(days: 3))),
            state: state,
            holdUntil: deadline.map { now.addingTimeInterval($0) },
            isExtended: false,
            adults: 2,
            children: 0,
            babies: 0,
            pets: 0,
            cottages: [],
            travellerIds: [],
            charges: [ChargeLine(.night, quantity: 3, unitAmount: 10_000)],
            currency: "EUR",
            deposit: 9_000,
            paid: paid,
            placedAt: now,
            version: 1
        )
    }

    @Test func `A guest extends a hold once`() throws {
        var booking = try booking(.held)
        try booking.extend(at: now, rules: rules)
        #expect(booking.holdUntil == now.addingTimeInterval(1200))
        #expect(throws: Refusal.alreadyExtended) { try booking.extend(at: now, rules: rules) }
    }

    @Test func `A hold cannot be extended at its deadline`() throws {
        var booking = try booking(.held, deadline: 0)
        #expect(throws: Refusal.holdExpired) { try booking.extend(at: now, rules: rules) }
    }

    @Test func `Staff extend a hold to a week from now at most`() throws {
        var booking = try booking(.held)
        let most = Int(Booking.longestHold / 60) - 10
        try booking.extend(at: now, rules: rules, byStaff: true, minutes: most)
        #expect(throws: Refusal.holdTooLong) { try booking.extend(at: now, rules: rules, byStaff: true, minutes: 1) }
    }

    @Test func `A guest's booking is firm once the deposit is paid`() throws {
        var open = try booking(.held, paid: 8_999)
        #expect(throws: Refusal.depositOpen) { try open.confirm(at: now, byStaffFor: nil) }
        var covered = try booking(.held, paid: 9_000)
        try covered.confirm(at: now, byStaffFor: nil)
        #expect(covered.state == .confirmed && covered.holdUntil == nil)
    }

    @Test func `Staff make a booking firm for a reason`() throws {
        var booking = try booking(.held)
        try booking.confirm(at: now, byStaffFor: "known guests")
        #expect(booking.state == .confirmed)
    }

    @Test func `A booking becomes firm when its deposit arrives after the hold's deadline`() throws {
        var booking = try booking(.held, deadline: -5)
        #expect(throws: Refusal.holdExpired) { try booking.confirm(at: now, byStaffFor: "late") }
        try booking.confirm(at: now, byStaffFor: nil, isCovered: true)
        #expect(booking.state == .confirmed)
    }

    @Test func `A hold expires at its deadline and not before`() throws {
        var early = try booking(.held, deadline: 1)
        #expect(!early.expire(at: now) && early.state == .held)
        var due = try booking(.held, deadline: 0)
        #expect(due.expire(at: now) && due.state == .expired)
    }

    @Test(arguments: [Booking.State.confirmed, .cancelled, .checkedIn, .checkedOut, .noShow, .expired])
    func `Only a hold expires`(_ state: Booking.State) throws {
        var booking = try booking(state, deadline: nil)
        #expect(!booking.expire(at: now) && booking.state == state)
    }

    @Test func `Giving up a hold costs nothing`() throws {
        var booking = try booking(.held)
        let fee = try booking.cancel(at: now, today: booking.stay.arrival, rules: rules, own: [])
        #expect(fee.isEmpty && booking.state == .cancelled)
    }

    @Test func `Cancelling a firm stay costs the fee of that day`() throws {
        var booking = try booking(.confirmed, deadline: nil)
        let today = booking.stay.arrival.adding(days: -7)
        #expect(try booking.cancel(at: now, today: today, rules: rules, own: []).total == 15_000)
    }

    @Test func `A postponed stay keeps its higher cancellation fee`() throws {
        var booking = try booking(.confirmed, deadline: nil)
        booking.leastFeePercent = 80
        let today = booking.stay.arrival.adding(days: -100)
        #expect(try booking.cancel(at: now, today: today, rules: rules, own: []).total == 24_000)
    }

    @Test(arguments: [Booking.State.checkedIn, .checkedOut, .noShow])
    func `A stay that has begun cannot be cancelled`(_ state: Booking.State) throws {
        var booking = try booking(state, deadline: nil)
        #expect(throws: Refusal.tooLateToCancel) {
            _ = try booking.cancel(at: now, today: booking.stay.arrival, rules: rules, own: [])
        }
    }

    @Test func `Cancelling twice costs nothing more`() throws {
        var booking = try booking(.cancelled, deadline: nil)
        #expect(try booking.cancel(at: now, today: booking.stay.arrival, rules: rules, own: []).isEmpty)
    }
}
