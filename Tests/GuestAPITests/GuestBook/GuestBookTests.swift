import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// A household leaves a text in its cottage, and those who live there next read it.
@Suite(.timeLimit(.minutes(20))) struct GuestBookTests {
    private static let squirrels = "The squirrels come for breakfast."

    /// A stay that has begun, in a park with guest books.
    private func begun(_ api: GuestAPITestService, cottages: Int = 1) async throws -> Given.BookedStay {
        var rules = Given.rules
        rules.hasGuestBooks = true
        rules.selfCheckIn = .anyone
        let stay = try await api.given.stay(in: cottages, rules: rules, confirmed: true)
        try stay.wait(until: "2027-05-14 15:00")
        #expect(try await stay.checkIn(as: stay.organiser).status == 200)
        return stay
    }

    /// The group that has the first cottage next, from the day of departure on.
    private func next(
        after stay: Given.BookedStay,
        from arrival: String = "2027-05-17",
        to departure: String = "2027-05-20"
    ) async throws -> (guest: Given.Person, path: String) {
        let guest = try await stay.api.given.guest()
        let booking = try await stay.api.given.booking(
            of: stay.api.given.group(of: guest),
            by: guest,
            in: stay.world,
            from: arrival,
            to: departure
        )
        let path = "/v1/bookings/\(booking.id)"
        #expect(try await stay.api.post("\(path)/confirm", as: guest, key: UUID().uuidString).status == 200)
        return (guest, path)
    }

    private func book(_ stay: Given.BookedStay, _ path: String? = nil, cottage: Int = 0) -> String {
        "\(path ?? stay.path)/cottages/\(stay.world.cottages[cottage].id)/guest-book"
    }

    private func write(
        _ text: String?,
        in stay: Given.BookedStay,
        as who: Given.Person,
        cottage: Int = 0
    ) async throws -> GuestAPITestService.Response {
        try await stay.api.change("PUT", book(stay, cottage: cottage), GuestBookRequest(text: text), as: who)
    }

    private func read(_ path: String, _ api: GuestAPITestService, as who: Given.Person) async throws -> [String] {
        try await api.get(path, as: who).decode(Listed<GuestBookEntry>.self).items.map(\.text)
    }

    @Test func `The cottage's next guests can read a guest book text`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let next = try await next(after: stay)

            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)

            let path = book(stay, next.path)
            #expect(try await read(path, api, as: next.guest) == [Self.squirrels])
            #expect(try await read(path, api, as: stay.reception) == [Self.squirrels])
        }
    }

    @Test func `A household has one guest book text for each stay`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)

            for text in ["first", "second"] { #expect(try await write(text, in: stay, as: stay.member).status == 204) }
            #expect(try await write("ours", in: stay, as: stay.organiser).status == 204)

            #expect(Set(try await read(book(stay), api, as: stay.member)) == ["second", "ours"])
        }
    }

    @Test func `A household can take its guest book text back`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            #expect(try await write("ours", in: stay, as: stay.organiser).status == 204)
            #expect(try await write("theirs", in: stay, as: stay.member).status == 204)

            for _ in 0..<2 { #expect(try await write(nil, in: stay, as: stay.member).status == 204) }

            #expect(try await read(book(stay), api, as: stay.member) == ["ours"])
        }
    }

    @Test func `Strangers and other parks' staff find no guest book`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let stranger = try await api.given.guest()
            let elsewhere = try await api.given.staff([.reception], at: api.given.park().park.id)

            for outsider in [stranger, elsewhere] { #expect(try await api.get(book(stay), as: outsider).status == 404) }
            #expect(try await write("x", in: stay, as: stranger).status == 404)
            #expect(try await write("x", in: stay, as: stay.member, cottage: 1).status == 404)
        }
    }

    @Test func `A park without guest books answers 404`() async throws {
        try await withGuestAPI { api in
            let stay = try await api.given.stay(confirmed: true)
            try stay.wait(until: "2027-05-14 15:00")
            #expect(try await stay.checkIn(as: stay.organiser).status == 200)

            #expect(try await api.get(book(stay), as: stay.member).status == 404)
            #expect(try await write("x", in: stay, as: stay.member).status == 404)
        }
    }

    @Test func `Guest book texts can be written until a week after departure`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)

            try stay.wait(until: "2027-05-24 23:00")
            #expect(try await write("late", in: stay, as: stay.member).status == 204)
            try stay.wait(until: "2027-05-25 01:00")
            #expect(try await write("too late", in: stay, as: stay.member).code == "stay_over")
        }
    }

    @Test func `A household cannot write in the guest book before its check-in`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let next = try await next(after: stay)

            let early = try await api.change("PUT", book(stay, next.path), GuestBookRequest(text: "x"), as: next.guest)

            #expect(early.code == "not_checked_in")
        }
    }

    @Test func `A member outside the stay cannot write in the guest book`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.hasGuestBooks = true
            let stay = try await api.given.stay(rules: rules, everybody: false, confirmed: true)
            try stay.wait(until: "2027-05-14 15:00")
            #expect(try await stay.checkIn(as: stay.organiser).status == 200)

            #expect(try await write("x", in: stay, as: stay.member).status == 404)
        }
    }

    @Test func `Guests cannot read the guest book eight days after their departure`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            try stay.wait(until: "2027-05-17 09:00")
            #expect(try await api.post("\(stay.path)/check-out", as: stay.organiser, key: "out").status == 200)
            #expect(try await api.get(book(stay), as: stay.member).status == 200)

            try stay.wait(until: "2027-05-25 09:00")

            #expect(try await api.get(book(stay), as: stay.member).code == "stay_over")
        }
    }

    @Test func `Guests of a held or cancelled stay cannot read the guest book`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let guest = try await api.given.guest()
            let group = try await api.given.group(of: guest)
            let held = try await api.given.booking(
                of: group,
                by: guest,
                in: stay.world,
                from: "2027-06-14",
                to: "2027-06-17"
            )
            let path = "/v1/bookings/\(held.id)"

            #expect(try await api.get(book(stay, path), as: guest).code == "not_confirmed")
            #expect(try await api.post("\(path)/cancel", as: guest, key: "c").status == 200)
            #expect(try await api.get(book(stay, path), as: guest).code == "stay_over")
        }
    }

    @Test func `A full guest book keeps only its newest texts`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            let cottage = stay.world.cottages[0].id
            let author = try stay.organiser.id()
            try await api.transaction { tx in
                for index in 0..<GuestBookEntry.maximumCount {
                    // Each old text is of a stay of its own.
                    let old = try await Booking.place(
                        api.given.request(
                            stay.group,
                            stay.world,
                            from: "\(day("2027-06-01").adding(days: index))",
                            to: "\(day("2027-06-02").adding(days: index))"
                        ),
                        api.app.act(in: tx, as: .guest(author))
                    )
                    _ = try await Booking.confirm(old.id, reason: "paid", api.app.act(in: tx, as: .job("test")))
                    let entry = GuestBookEntry(
                        id: api.app.ids.next(at: api.now),
                        cottageId: cottage,
                        text: "old \(index)",
                        departure: old.stay.departure
                    )
                    let then = api.now.addingTimeInterval(Double(index - 99))
                    try await tx.run(
                        GuestBookSQL.upsert(entry, of: old.id, stay.homes[0], by: author, saidAt: then, at: then)
                    )
                    tx.publish(entry.id, .guestBookEntry, to: .cottage(cottage))
                }
            }

            #expect(try await write("new", in: stay, as: stay.member).status == 204)

            let texts = try await read(book(stay), api, as: stay.member)
            #expect(texts.count == GuestBookEntry.maximumCount)
            #expect(texts.first == "new" && texts.last == "old 1")
        }
    }

    @Test func `Parallel texts of one household leave one guest book text`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            let stay = try await begun(api)

            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for index in 0..<8 {
                    tasks.addTask { try await write("text \(index)", in: stay, as: stay.member).status }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }

            #expect(statuses.allSatisfy { $0 == 204 })
            #expect(try await read(book(stay), api, as: stay.member).count == 1)
        }
    }

    // MARK: The notice

    /// The next guests have a phone, and the author has one too.
    private func withPhones(
        _ api: GuestAPITestService
    ) async throws -> (stay: Given.BookedStay, next: (guest: Given.Person, path: String)) {
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
        _ next: (guest: Given.Person, path: String),
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

    @Test func `No notice is sent after the park has disabled guest books`() async throws {
        try await withGuestAPI { api in
            let (stay, _) = try await withPhones(api)
            #expect(try await write(Self.squirrels, in: stay, as: stay.member).status == 204)
            try await switchOff(stay)
            try stay.wait(until: "2027-05-17 10:00")

            #expect(try await notified(api) == [])
        }
    }

    private func switchOff(_ stay: Given.BookedStay) async throws {
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
            // Another text stands in the book, of an earlier stay that has no notice any more.
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

    // MARK: Phones

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

    private func shown(on phone: Phone) throws -> [GuestBookEntry] {
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

    // MARK: Taking back

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
            #expect(try await write("Before", in: stay, as: stay.member).status == 204)

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
                try Job.enqueue(CleanUp(part: "guestBooks"), at: api.now, api.app.act(in: tx, as: .job("test")))
            }
            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM guest_book_entry") == 0)
        }
    }

    @Test func `A removed guest book text is deleted 30 days after the departure`() async throws {
        try await withGuestAPI { api in
            let stay = try await begun(api)
            for (text, who) in [("ours", stay.organiser), ("theirs", stay.member), (nil, stay.member)] {
                #expect(try await write(text, in: stay, as: who).status == 204)
            }
            func cleanUp(at instant: String) async throws -> Int {
                try stay.wait(until: instant)
                try await api.transaction { tx in
                    try Job.enqueue(CleanUp(part: "guestBooks"), at: api.now, api.app.act(in: tx, as: .job("test")))
                }
                try await api.work()
                return try await api.count("SELECT count(*) FROM guest_book_entry")
            }

            #expect(try await cleanUp(at: "2027-06-16 12:00") == 2)
            #expect(try await cleanUp(at: "2027-06-18 12:00") == 1)
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
