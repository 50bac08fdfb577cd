import Foundation
import GuestModels
import Postgres
import SyncMessages

extension DemoData {
    func staff(_ worlds: [World], _ act: Act) async throws {
        let office = try await StaffMember.add(
            email: Self.headOfficeEmail,
            name: "Head office",
            isHeadOffice: true,
            posts: [],
            language: .english,
            act
        )
        try await factor(of: office.id, act)
        try await access(worlds, by: office, act)
        for (index, world) in worlds.enumerated() {
            let email = index == 0 ? Self.hostEmail : "host.\(world.park.slug)@example.org"
            for (address, name, functions) in [
                (email, "Reception", [StaffMember.Function.reception, .host]),
                ("care.\(world.park.slug)@example.org", "Care", [.housekeeping, .maintenance]),
            ] {
                let member = try await StaffMember.add(
                    email: address,
                    name: name,
                    isHeadOffice: false,
                    posts: functions.map { .init(parkId: world.park.id, function: $0) },
                    language: .english,
                    act
                )
                try await factor(of: member.id, act)
            }
        }
    }

    /// Enrols a colleague with the authenticator app that all staff of the demo share.
    private func factor(of member: StaffMember.ID, _ act: Act) async throws {
        guard let secret = OneTimePassword(base32: Self.factorSecret)?.secret else { return }
        let sealed = try app.secret.seal(secret, for: SecondFactor.purpose, context: member.description)
        try await act.tx.run([
            FactorSQL.begin(sealed, of: member), FactorSQL.confirm(of: member, step: 0, at: now),
        ])
    }

    static let groupNames = [
        "Autumn friends", "De Vries family", "Choir weekend", "Cousins", "Bouldering crew", "Old school mates",
        "Fischer and Kaya", "Grandma turns 80", "Board gamers", "Hikers of Gent", "The Mulders", "Jazz quartet",
        "Row club", "Book circle", "Neighbours of no. 12", "Okafor reunion", "Camp leaders", "Study year 2009",
        "Silva e amigos", "Tandem riders", "Star gazers", "Kitchen table", "Team Noord", "Puzzle people",
    ]
    private static let names = [
        "Anna", "Bram", "Carla", "Daan", "Elif", "Femke", "Gijs", "Hanna", "Idris", "Jonas", "Katja", "Lars", "Maud",
        "Noor", "Oscar", "Pien", "Quinten", "Rosa", "Sem", "Tess", "Umar", "Vera", "Wout", "Yara", "Zoë",
    ]

    func group(_ name: String, _ index: Int, _ worlds: [World], _ random: inout SeededGenerator) async throws {
        let first = index == 0 ? "Anna" : Self.names[(index * 7) % Self.names.count]
        let email = index == 0 ? Self.guestEmail : "\(first.lowercased().filter(\.isASCII)).\(index)@example.org"
        let guest: Guest.ID = app.ids.next(at: now)
        let size = 2 + Int(random.next() % 6)
        let ages = (1..<size).map { _ in Int(random.next() % 50) + 1 }
        let group = try await app.act(as: .guest(guest)) { act in
            try await act.tx.run(IdentitySQL.insertGuest(guest, email: email, name: first, language: .dutch, at: now))
            act.tx.publish(guest, .guest, to: .guest(guest))
            var group = try await TravelGroup.create(GroupRequest(name: name, myName: first), by: guest, act)
            for (number, age) in ages.enumerated() {
                let companion = Self.names[(index * 5 + number * 3 + 1) % Self.names.count]
                group.travellers.append(
                    try await Traveller.add(
                        TravellerRequest(name: companion, birthDate: today.adding(days: -age * 365 - 40)),
                        to: group.id,
                        act
                    )
                )
            }
            return group
        }
        let bookings = index == 0 ? 2 : 3 + Int(random.next() % 4)
        for number in 0..<bookings {
            let world = worlds[Int(random.next() % UInt64(worlds.count))]
            let start = index == 0 ? 40 + number * 90 : 3 + Int(random.next() % 350)
            try await book(
                group,
                by: guest,
                in: world,
                around: today.adding(days: start),
                isHeld: index == 0 && number == 1
            )
        }
    }

    /// Books a stay for a group, on the first day from a given day on that the park's rules and free cottages allow.
    private func book(
        _ group: TravelGroup,
        by guest: Guest.ID,
        in world: World,
        around day: LocalDate,
        isHeld: Bool
    ) async throws {
        let adults = group.travellers.count
        guard let type = world.types.first(where: { $0.capacity >= adults }) else { return }
        for offset in 0..<10 {
            let arrival = day.adding(days: offset)
            for nights in [3, 4, 5, 7] {
                guard let stay = Stay(from: arrival, to: arrival.adding(days: nights)),
                    (try? world.park.rules.allow(stay, today: today)) != nil,
                    (try? world.park.rules.allow(stay, in: [type.id])) != nil
                else { continue }
                do {
                    try await app.act(as: .guest(guest)) { act in
                        let booking = try await Booking.place(
                            BookingRequest(
                                parkId: world.park.id,
                                groupId: group.id,
                                stay: stay,
                                cottages: [.init(anyOf: type.id)],
                                travellerIds: group.travellers.map(\.id)
                            ),
                            act
                        )
                        guard !isHeld else { return }
                        _ = try await Booking.confirm(
                            booking.id,
                            reason: "demo: deposit received",
                            act.as(Self.principal)
                        )
                    }
                    return
                } catch is Refusal {
                    continue
                }
            }
        }
    }
}
