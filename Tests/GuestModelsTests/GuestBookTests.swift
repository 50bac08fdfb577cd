import Foundation
import GuestModels
import Testing

@Suite struct GuestBookTests {
    private let household = Household.ID(UUID())
    private let cottage = Cottage.ID(UUID())

    private func booking(_ state: Booking.State, homes: [Household.ID]? = nil) throws -> Booking {
        Booking(
            id: .init(UUID()),
            number: "8WZZ-FEJ2",
            parkId: .init(UUID()),
            groupId: .init(UUID()),
            stay: try #require(Stay(from: try date("2027-05-14"), to: try date("2027-05-17"))),
            state: state,
            holdUntil: nil,
            isExtended: false,
            adults: 2,
            children: 0,
            babies: 0,
            pets: 0,
            cottages: [.init(id: cottage, number: "1", isChosen: true, householdIds: homes)],
            travellerIds: [],
            charges: [],
            currency: "EUR",
            deposit: 0,
            placedAt: Date(timeIntervalSince1970: 0),
            version: 1
        )
    }

    private func date(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

    private func refusal(_ booking: Booking, staying: [Household.ID], on day: String = "2027-05-15") throws -> Refusal?
    {
        let today = try date(day)
        do throws(Refusal) {
            try booking.allowWriting(inGuestBookOf: cottage, by: household, of: staying, today: today)
            return nil
        } catch { return error }
    }

    @Test func `A staying household may write in an unassigned cottage's guest book`() throws {
        #expect(try refusal(booking(.checkedIn), staying: [household]) == nil)
    }

    @Test func `A household writes only in its own cottage's guest book`() throws {
        let other = Household.ID(UUID())

        #expect(try refusal(booking(.checkedIn, homes: [household]), staying: [household, other]) == nil)
        #expect(try refusal(booking(.checkedIn, homes: [other]), staying: [household, other]) == .notFound)
    }

    @Test func `A household outside the stay cannot write in the guest book`() throws {
        #expect(try refusal(booking(.checkedIn), staying: []) == .notFound)
    }

    @Test func `A household writes in the guest book after its own check-in`() throws {
        var booking = try booking(.checkedIn)
        let other = Household.ID(UUID())
        booking.households = [.init(householdId: other, state: .checkedIn)]
        #expect(try refusal(booking, staying: [household, other]) == .notCheckedIn)

        booking.households?.append(.init(householdId: household, state: .checkedIn))
        #expect(try refusal(booking, staying: [household, other]) == nil)
    }

    @Test func `A no-show household cannot write in the guest book`() throws {
        var booking = try booking(.checkedIn)
        booking.households = [.init(householdId: household, state: .noShow)]

        #expect(try refusal(booking, staying: [household]) == .stayOver)
    }

    @Test func `Writing in the guest book ends seven days after departure`() throws {
        #expect(try refusal(booking(.checkedOut), staying: [household], on: "2027-05-24") == nil)
        #expect(try refusal(booking(.checkedOut), staying: [household], on: "2027-05-25") == .stayOver)
    }

    @Test(arguments: [Booking.State.confirmed, .checkedIn, .checkedOut])
    func `Reading the guest book ends seven days after departure`(_ state: Booking.State) throws {
        #expect(throws: Never.self) { try booking(state).allowReadingGuestBook(today: date("2027-05-24")) }
        #expect(throws: Refusal.stayOver) { try booking(state).allowReadingGuestBook(today: date("2027-05-25")) }
    }

    @Test(arguments: [Booking.State.held, .confirmed]) func `Nobody can write in the guest book before the check-in`(
        _ state: Booking.State
    ) throws {
        #expect(try refusal(booking(state), staying: [household]) == .notCheckedIn)
    }

    @Test(arguments: [Booking.State.expired, .cancelled, .noShow])
    func `A stay that did not happen has no guest book`(_ state: Booking.State) throws {
        #expect(try refusal(booking(state), staying: [household]) == .stayOver)
        #expect(throws: Refusal.stayOver) { try booking(state).allowReadingGuestBook(today: date("2027-05-15")) }
    }
}
