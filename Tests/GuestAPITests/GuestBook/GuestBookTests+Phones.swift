import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension GuestBookTests {
    private func perform(
        _ request: GuestBookRequest,
        in stay: Given.BookedStay,
        on phone: Phone,
        at instant: Date? = nil
    ) throws {
        let arguments = GuestBookArguments(
            groupId: stay.group.id,
            bookingId: stay.booking.id,
            cottageId: stay.world.cottages[0].id,
            request: request
        )
        try phone.store.perform("guestBook.write@1", arguments, at: instant ?? stay.api.now)
    }

    func shown(on phone: Phone) throws -> [GuestBookEntry] {
        try phone.store.entities("guestBookEntry").map { try $0.decode() }
    }

    @Test func `A guest book text written offline shows at once on the phone`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let phone = try Phone(of: stay.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let id = GuestBookEntry.ID(UUID())

            try perform(GuestBookRequest(id: id, text: Self.squirrels), in: stay, on: phone)

            let departure = stay.booking.stay.departure
            let entry = GuestBookEntry(
                id: id,
                cottageId: stay.world.cottages[0].id,
                text: Self.squirrels,
                departure: departure
            )
            #expect(try shown(on: phone) == [entry])
            try await phone.engine.sync()
            #expect(try shown(on: phone) == [entry] && phone.store.pending().isEmpty)
            #expect(try await read(book(stay), api, as: stay.member) == [Self.squirrels])
        }
    }

    @Test func `A guest book text taken back offline disappears at once`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let phone = try Phone(of: stay.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let id = GuestBookEntry.ID(UUID())
            try perform(GuestBookRequest(id: id, text: Self.squirrels), in: stay, on: phone)
            try await phone.engine.sync()

            try perform(GuestBookRequest(id: id, text: nil), in: stay, on: phone)

            #expect(try shown(on: phone).isEmpty)
            try await phone.engine.sync()
            #expect(try shown(on: phone).isEmpty && phone.store.refused().isEmpty)
        }
    }

    @Test func `An older offline guest book text does not replace a newer one`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let phone = try Phone(of: stay.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            try perform(GuestBookRequest(id: .init(UUID()), text: "older"), in: stay, on: phone)
            api.clock.advance(by: 60)
            #expect(try await write("newer", in: stay, as: stay.member).status == 204)

            try await phone.engine.sync()

            #expect(try await read(book(stay), api, as: stay.member) == ["newer"])
        }
    }

    @Test func `A phone's wrong clock does not prolong writing in the guest book`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let phone = try Phone(of: stay.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let during = api.now
            try stay.wait(until: "2027-06-10 10:00")

            try perform(GuestBookRequest(id: .init(UUID()), text: "late"), in: stay, on: phone, at: during)
            try await phone.engine.sync()

            #expect(try phone.store.refused().map(\.code) == ["stay_over"])
        }
    }
}
