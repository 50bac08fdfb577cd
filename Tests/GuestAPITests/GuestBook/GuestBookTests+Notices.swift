import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension GuestBookTests {
    /// The next guests have a phone, and the author has one too.
    private func withPhones(
        _ api: GuestAPITestService
    ) async throws -> (stay: Given.BookedStay, next: NextStay) {
        let stay = try await begun(api)
        let next = try await next(after: stay)
        for (who, token) in [
            (next.guest, "next:phone"), (stay.member, "author:phone"), (stay.organiser, "other:phone"),
        ] {
            try await register(token, of: who, api)
        }
        return (stay, next)
    }

    private func register(_ token: String, of who: Given.Person, _ api: GuestAPITestService) async throws {
        let token = PushToken(service: .fcm, token: token)
        #expect(try await api.change("PUT", "/v1/auth/sessions/current/push", token, as: who).status == 204)
    }

    private func move(
        _ next: NextStay,
        to arrival: String,
        _ departure: String,
        _ api: GuestAPITestService
    ) async throws {
        let later = BookingChange(stay: try TestKit.stay(arrival, departure))
        let quote = try await api.post("\(next.path)/quotes", later, as: next.guest).decode(Quote.self)
        let changed = try await api.change(
            "POST",
            "\(next.path)/changes",
            QuotedChange(quoteId: quote.id),
            as: next.guest,
            match: quote.bookingVersion,
            key: "later"
        )
        #expect(changed.status == 200)
    }

    /// The phones that got a notice of the guest book.
    private func notified(_ api: GuestAPITestService) async throws -> [String] {
        try await api.work()
        return try api.notices().filter { $0.notice == .guestBookWritten }.map(\.token)
    }

    @Test func `The next guests get only one notice of a guest book text`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            #expect(try await notified(api) == ["next:phone"])

            for text in [nil, "again", nil, "and again"] {
                #expect(try await write(text, in: stay, as: stay.member).status == 204)
            }
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `A guest book notice waits until its receivers can read the text`() async throws {
        try await withGuestAPI { api in
            let (stay, next) = try await withPhones(api)
            // The next guests come four days later than planned, so their phones cannot read the book yet.
            try await move(next, to: "2027-05-21", "2027-05-24", api)
            try stay.wait(until: "2027-05-17 10:00")
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)

            #expect(try await notified(api) == [])
            try stay.wait(until: "2027-05-19 10:00")
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `A guest book notice waits for guests who postpone their stay`() async throws {
        try await withGuestAPI { api in
            let (stay, next) = try await withPhones(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)

            try await move(next, to: "2027-05-21", "2027-05-24", api)

            try stay.wait(until: "2027-05-17 10:00")
            #expect(try await notified(api) == [])
            try stay.wait(until: "2027-05-19 10:00")
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `Guests who book after the author's departure get the guest book notice`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            // A later stay is firm already, and its job waits.
            let later = try await next(after: stay, from: "2027-07-01", to: "2027-07-04")
            try await register("later:phone", of: later.guest, api)
            try stay.wait(until: "2027-05-18 10:00")
            #expect(try await notified(api) == [])

            let next = try await next(after: stay, from: "2027-05-20", to: "2027-05-23")
            try await register("next:phone", of: next.guest, api)
            try stay.wait(until: "2027-05-20 10:00")

            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `The next guests after a shortened stay get the guest book notice`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            try await change(stay, to: "2027-05-28")
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-16 10:00")
            #expect(try await notified(api) == [])

            try await change(stay, to: "2027-05-18")
            let next = try await next(after: stay, from: "2027-05-18", to: "2027-05-21")
            try await register("next:phone", of: next.guest, api)

            try stay.wait(until: "2027-05-18 16:00")
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `The next guests of a cottage left during a stay get its notice`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            try await change(stay, to: "2027-05-28")
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-16 10:00")
            let (from, to) = (stay.world.cottages[0].id, stay.world.cottages[1].id)
            let moved = try await api.change(
                "POST",
                "/v1/admin/bookings/\(stay.booking.id)/move",
                MoveRequest(from: from, to: to, reason: "heating"),
                as: stay.reception,
                match: try await api.get(stay.path, as: stay.organiser).decode(Booking.self).version,
                key: "move"
            )
            #expect(moved.status == 200)

            let next = try await next(after: stay, from: "2027-05-17", to: "2027-05-20")
            try await register("next:phone", of: next.guest, api)

            try stay.wait(until: "2027-05-17 16:00")
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `A guest book text taken back in the night causes no notice`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            try stay.wait(until: "2027-05-17 22:30")
            #expect(try await write("rude", in: stay, as: stay.member).status == 204)
            #expect(try await notified(api) == [])

            #expect(try await write(nil, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-18 08:30")
            #expect(try await notified(api) == [])

            #expect(try await write("kind", in: stay, as: stay.member).status == 204)
            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `A guest book text of three months ago causes no notice`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-08-20 10:00")
            let next = try await next(after: stay, from: "2027-08-21", to: "2027-08-24")
            try await register("next:phone", of: next.guest, api)

            #expect(try await notified(api) == [])
            #expect(try await api.count("SELECT count(*) FROM job WHERE kind = 'announceGuestBook'") == 0)
        }
    }

    @Test func `The notice of a late guest book text goes to present guests`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            let later = try await self.next(after: stay, from: "2027-05-20", to: "2027-05-27")
            try await register("later:phone", of: later.guest, api)
            try stay.wait(until: "2027-05-22 10:00")

            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)

            #expect(try await notified(api) == ["later:phone"])
        }
    }

    @Test func `A guest book text written again after its removal causes a notice`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            for text in ["rude", nil] { #expect(try await write(text, in: stay, as: stay.member).status == 204) }
            try stay.wait(until: "2027-05-17 10:00")
            #expect(try await notified(api) == [])

            #expect(try await write("kind", in: stay, as: stay.member).status == 204)

            #expect(try await notified(api) == ["next:phone"])
        }
    }

    @Test func `Authors who stay on get no notice of their guest book text`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            try await register("author:phone", of: stay.member, api)
            try await register("other:phone", of: stay.organiser, api)
            let more = try await api.given.booking(
                of: stay.group,
                by: stay.organiser,
                in: stay.world,
                from: "2027-05-17",
                to: "2027-05-20"
            )
            let confirmed = try await api.post("/v1/bookings/\(more.id)/confirm", as: stay.organiser, key: "more")
            #expect(confirmed.status == 200)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await notified(api) == [])
        }
    }

    @Test func `Authors who stay next with another group get no notice of their text`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let next = try await next(after: stay, by: stay.member)
            let friend = try await api.given.member(of: next.group, invitedBy: stay.member)
            try await register("author:phone", of: stay.member, api)
            try await register("friend:phone", of: friend, api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await notified(api) == ["friend:phone"])
        }
    }

    @Test func `No notice is sent after the park has disabled guest books`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try await switchOff(stay)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await notified(api) == [])
        }
    }

    func switchOff(_ stay: Given.BookedStay) async throws {
        try await stay.api.transaction { tx in
            try await tx.run(
                Command("UPDATE park SET rules = rules - 'hasGuestBooks' WHERE id = \(stay.world.park.id)")
            )
            tx.publish(stay.world.park.id, .park, to: .park(stay.world.park.id))
        }
    }

    @Test func `A guest book text that was taken back causes no notice`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            try stay.wait(until: "2027-05-14 16:00")
            // Another text stands in the book, of another stay, and no job waits to announce it.
            #expect(try await write("old", in: stay, as: stay.organiser).status == 204)
            try await api.transaction { tx in
                let old = try await Booking.place(
                    api.given.request(stay.group, stay.world, from: "2027-07-01", to: "2027-07-02"),
                    api.app.act(in: tx, as: .guest(stay.organiser.id()))
                )
                try await tx.run(Command("UPDATE guest_book_entry SET booking_id = \(old.id)"))
                try await tx.run(Command("DELETE FROM job WHERE kind = 'announceGuestBook'"))
            }
            #expect(try await write("rude", in: stay, as: stay.member).status == 204)

            #expect(try await write(nil, in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await notified(api) == [])
        }
    }

    @Test func `The next guests' phones show the guest book text`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let next = try await next(after: stay)
            let phone = try Phone(of: next.guest, api)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try await phone.engine.sync()

            let shown = try phone.store.entities("guestBookEntry").map { try $0.decode(GuestBookEntry.self) }
            #expect(shown.map(\.text) == [Self.squirrels])
        }
    }
}
