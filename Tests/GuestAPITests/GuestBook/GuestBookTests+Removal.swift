import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension GuestBookTests {
    @Test func `A guest book text stays removable after the park disables guest books`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try await switchOff(stay)
            try stay.wait(until: "2027-08-01 10:00")

            #expect(try await write(nil, in: stay, as: stay.member).status == 204)

            #expect(try await api.count("SELECT count(*) FROM guest_book_entry WHERE text IS NOT NULL") == 0)
        }
    }

    @Test func `Reception can remove a guest book text by its id`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write("rude", in: stay, as: stay.member).status == 204)
            #expect(try await write("kind", in: stay, as: stay.organiser).status == 204)
            let entries = try await api.get(book(stay), as: stay.reception).decode(Listed<GuestBookEntry>.self).items
            let rude = try #require(entries.first { $0.text == "rude" })

            let removal = GuestBookRequest(id: rude.id, text: nil)
            #expect(try await api.change("PUT", book(stay), removal, as: stay.reception).status == 204)

            #expect(try await read(book(stay), api, as: stay.member) == ["kind"])
            #expect(try await api.count("SELECT count(*) FROM audit WHERE action = 'guestBook.remove'") == 1)
            let own = GuestBookRequest(text: "Welcome!")
            #expect(try await api.change("PUT", book(stay), own, as: stay.reception).code == "forbidden")
        }
    }

    @Test func `A guest book text with another text's id is refused`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let id = GuestBookEntry.ID(UUID())
            let request = GuestBookRequest(id: id, text: "ours")
            #expect(try await api.change("PUT", book(stay), request, as: stay.organiser).status == 204)

            #expect(try await api.change("PUT", book(stay), request, as: stay.member).code == "id_taken")
        }
    }

    @Test func `A guest book text written during its author's erasure is erased too`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let guest = try stay.member.id()

            // The author's first text: no row of theirs is locked by an earlier text.
            try await api.erase(stay.member) { tx in
                _ = try await GuestBookEntry.write(
                    GuestBookRequest(text: "One last word"),
                    in: stay.world.cottages[0].id,
                    of: stay.booking.id,
                    saidAt: api.now,
                    api.app.act(in: tx, as: .guest(guest))
                )
            }

            #expect(try await api.count("SELECT count(*) FROM guest_book_entry") == 0)
        }
    }

    /// Runs the clean-up; returns the number of rows that are left.
    private func cleanUp(_ api: GuestAPITestService) async throws -> Int {
        try await api.transaction { tx in
            try Job.enqueue(CleanUp(part: "guestBooks"), at: api.now, api.app.act(in: tx, as: .job("test")))
        }
        try await api.work()
        return try await api.count("SELECT count(*) FROM guest_book_entry")
    }

    @Test func `The clean-up deletes guest book texts of guests already erased`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        "UPDATE guest SET erased_at = \(api.now), email = NULL, name = '' WHERE id = \(stay.member.id())"
                    )
                )
                try tx.publish(stay.member.id(), .guest, to: .guest(stay.member.id()))
            }

            #expect(try await cleanUp(api) == 0)
        }
    }

    @Test func `A removed guest book text is remembered while its longer stay lasts`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            for text in ["hasty", nil] { #expect(try await write(text, in: stay, as: stay.member).status == 204) }
            try await change(stay, to: "2027-06-10")

            try stay.wait(until: "2027-06-20 12:00")
            #expect(try await cleanUp(api) == 1)
            try stay.wait(until: "2027-07-12 12:00")
            #expect(try await cleanUp(api) == 0)
        }
    }

    @Test func `A removed guest book text is deleted 30 days after the departure`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            for (text, who) in [("ours", stay.organiser), ("theirs", stay.member), (nil, stay.member)] {
                #expect(try await write(text, in: stay, as: who).status == 204)
            }

            try stay.wait(until: "2027-06-16 12:00")
            #expect(try await cleanUp(api) == 2)
            try stay.wait(until: "2027-06-18 12:00")
            #expect(try await cleanUp(api) == 1)
            #expect(try await read(book(stay), api, as: stay.reception) == ["ours"])
        }
    }

    @Test func `An erased guest's guest book texts are deleted`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            let export = try await api.get("/v1/me/export", as: stay.member)
            #expect(export.text.contains(Self.squirrels))

            #expect([200, 204].contains(try await api.send("DELETE", "/v1/me", as: stay.member).status))

            #expect(try await read(book(stay), api, as: stay.organiser) == [])
        }
    }

    @Test func `The desk can remove a guest book text in the guest's name`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write("rude", in: stay, as: stay.member).status == 204)

            let answer = try await api.send(
                "PUT",
                book(stay),
                raw: Data("{}".utf8),
                as: stay.reception,
                headers: ["On-Behalf-Of": "\(stay.member.id())"]
            )

            #expect(answer.status == 204)
            #expect(try await read(book(stay), api, as: stay.organiser) == [])
        }
    }
}
