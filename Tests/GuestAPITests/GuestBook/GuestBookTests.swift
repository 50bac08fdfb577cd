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
    static let squirrels = "The squirrels come for breakfast."

    /// A stay that has begun, in a park with guest books.
    func begun(_ api: GuestAPITestService, cottages: Int = 1) async throws -> Given.BookedStay {
        var rules = Given.rules
        rules.hasGuestBooks = true
        rules.selfCheckIn = .anyone
        let stay = try await api.given.stay(in: cottages, rules: rules, confirmed: true)
        try stay.wait(until: "2027-05-14 15:00")
        #expect(try await stay.checkIn(as: stay.organiser).status == 200)
        return stay
    }

    /// A firm stay of another group in the first cottage.
    struct NextStay: Sendable {
        let group: TravelGroup
        /// The group's organiser.
        let guest: Given.Person
        let path: String
    }

    /// The stay that has the first cottage next, from the day of departure on.
    func next(
        after stay: Given.BookedStay,
        by organiser: Given.Person? = nil,
        from arrival: String = "2027-05-17",
        to departure: String = "2027-05-20"
    ) async throws -> NextStay {
        let guest: Given.Person
        if let organiser { guest = organiser } else { guest = try await stay.api.given.guest() }
        let group = try await stay.api.given.group(of: guest)
        let booking = try await stay.api.given.booking(
            of: group,
            by: guest,
            in: stay.world,
            from: arrival,
            to: departure
        )
        let path = "/v1/bookings/\(booking.id)"
        #expect(try await stay.api.post("\(path)/confirm", as: guest, key: UUID().uuidString).status == 200)
        return NextStay(group: group, guest: guest, path: path)
    }

    /// Reception changes the departure of a stay.
    func change(_ stay: Given.BookedStay, to departure: String) async throws {
        let wish = BookingChange(stay: try TestKit.stay("2027-05-14", departure))
        let quote = try await stay.api.post("\(stay.path)/quotes", wish, as: stay.reception).decode(Quote.self)
        let changed = try await stay.api.change(
            "POST",
            "\(stay.path)/changes",
            QuotedChange(quoteId: quote.id, reason: "asked for it"),
            as: stay.reception,
            match: quote.bookingVersion,
            key: departure
        )
        #expect(changed.status == 200)
    }

    func book(_ stay: Given.BookedStay, _ path: String? = nil, cottage: Int = 0) -> String {
        "\(path ?? stay.path)/cottages/\(stay.world.cottages[cottage].id)/guest-book"
    }

    func write(
        _ text: String?,
        in stay: Given.BookedStay,
        as who: Given.Person,
        cottage: Int = 0
    ) async throws -> GuestAPITestService.Response {
        try await stay.api.change("PUT", book(stay, cottage: cottage), GuestBookRequest(text: text), as: who)
    }

    func read(_ path: String, _ api: GuestAPITestService, as who: Given.Person) async throws -> [String] {
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
            let kept = try await api.count("SELECT count(*) FROM guest_book_entry WHERE cottage_id = \(cottage)")
            #expect(kept == GuestBookEntry.maximumCount)
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
}
