import Crypto
import Foundation
public import GuestModels
import Postgres
import Sync
import SyncMessages

@testable import GuestAPI

/// Sets up the situation of a test, through the verbs unless a verb is under test.
public struct Given: Sendable {
    let api: GuestAPITestService

    /// A person who is signed in.
    public struct Person: Sendable {
        public let token: String
        public let email: String
        let guest: Guest.ID?
        public let staff: StaffMember.ID?

        /// The person's id as a guest; throws for staff.
        public func id() throws -> Guest.ID {
            guard let guest else { throw Refusal.notFound }
            return guest
        }
    }

    private func session(of owner: Session.Owner, email: String) async throws -> Person {
        var guest: Guest.ID?
        var staff: StaffMember.ID?
        switch owner {
        case .guest(let id): guest = id
        case .staff(let id): staff = id
        case .child: break
        }
        let now = api.now
        let tokens = try await api.transaction { tx in
            let session: Session.ID = api.app.ids.next(at: now)
            let tokens = try await SignIn.open(
                session,
                of: owner,
                refresh: Token(UUID().uuidString),
                deviceName: "test",
                deviceHash: Token(UUID().uuidString).hash,
                api.app.act(in: tx, as: .job("test"))
            )
            // Tests advance the clock by weeks, so the token must last long.
            try await tx.run(
                IdentitySQL.lengthenAccess(Token(tokens.accessToken), until: now.addingTimeInterval(800 * 86400))
            )
            try await tx.run(
                Command(
                    """
                    UPDATE session SET ends_at = \(now.addingTimeInterval(800 * 86400)),
                        factor_at = CASE WHEN staff_id IS NOT NULL THEN \(now.addingTimeInterval(800 * 86400))::timestamptz END
                    WHERE id = \(session)
                    """
                )
            )
            return tokens
        }
        return Person(token: tokens.accessToken, email: email, guest: guest, staff: staff)
    }

    public func guest(_ name: String = "Guest", email: String? = nil) async throws -> Person {
        let now = api.now
        let id: Guest.ID = api.app.ids.next(at: now)
        let email = email ?? "\(id)@example.org"
        try await api.transaction { tx in
            try await tx.run(IdentitySQL.insertGuest(id, email: email, name: name, language: .english, at: now))
            tx.publish(id, .guest, to: .guest(id))
        }
        return try await session(of: .guest(id), email: email)
    }

    /// A child of seven whose guardian is the group's organiser.
    public func child(of group: TravelGroup, guardian: Person) async throws -> Traveller {
        try await api.transaction { tx in
            try await Traveller.add(
                TravellerRequest(name: "Kim", birthDate: day("2019-06-01"), guardianId: group.travellers.first?.id),
                to: group.id,
                api.app.act(in: tx, as: .guest(guardian.id()))
            )
        }
    }

    /// The phone of a traveller without account.
    public func phone(of child: Traveller.ID) async throws -> Person {
        try await session(of: .child(child), email: "")
    }

    public func staff(_ functions: [StaffMember.Function], at park: Park.ID) async throws -> Person {
        try await staff(posts: functions.map { .init(parkId: park, function: $0) }, isHeadOffice: false)
    }

    public func headOffice() async throws -> Person {
        try await staff(posts: [], isHeadOffice: true)
    }

    /// A colleague on a device where no second factor was proved.
    public func unproven(_ functions: [StaffMember.Function], at park: Park.ID) async throws -> Person {
        let person = try await staff(functions, at: park)
        try await api.transaction { tx in
            try await tx.run(Command("UPDATE session SET factor_at = NULL WHERE staff_id = \(person.staff)"))
        }
        return person
    }

    /// A credential of another system of a park.
    public func system(_ purpose: SystemCredential.Purpose, at park: Park.ID) async throws -> Person {
        let request = SystemCredentialRequest(name: "System \(UUID())", purpose: purpose)
        let made = try await api.transaction { tx in
            try await SystemCredential.make(request, at: park, api.app.act(in: tx, as: .job("test")))
        }
        return Person(token: made.token, email: "", guest: nil, staff: nil)
    }

    private func staff(posts: [StaffMember.Post], isHeadOffice: Bool) async throws -> Person {
        let email = "\(UUID().uuidString.lowercased())@staff.example.org"
        let member = try await api.transaction { tx in
            try await StaffMember.add(
                email: email,
                name: "Staff",
                isHeadOffice: isHeadOffice,
                posts: posts,
                language: .english,
                api.app.act(in: tx, as: .job("test"))
            )
        }
        return try await session(of: .staff(member.id), email: email)
    }

    /// A park with one type and cottages in a row, ten metres apart.
    public struct World: Sendable {
        public let park: Park
        public let type: CottageType
        public let cottages: [Cottage]
    }

    public static let rules = HouseRules(
        checkInFrom: LocalTime(constant: "15:00"),
        checkOutBy: LocalTime(constant: "10:30"),
        maximumNights: 60,
        depositPercent: 0,
        cancellation: [.init(days: 28, percent: 10), .init(days: 7, percent: 50)]
    )

    public func park(
        cottages count: Int = 3,
        capacity: Int = 4,
        rules: HouseRules = Given.rules,
        timeZone: String = "Europe/Amsterdam",
        currency: String = "EUR"
    ) async throws -> World {
        let request = ParkRequest(
            slug: "park-\(UUID().uuidString.lowercased().prefix(8))",
            name: "Park",
            timeZone: timeZone,
            currency: currency,
            country: "NL",
            longitude: 5.8,
            latitude: 52.2,
            rules: rules
        )
        return try await api.transaction { tx in
            let park = try await Park.create(request, api.app.act(in: tx, as: .job("test")))
            let type = try await CottageType.create(
                CottageTypeRequest(
                    code: "A",
                    name: "Type A",
                    capacity: capacity,
                    bedrooms: 2,
                    pets: 1,
                    isStepFree: false,
                    cleaningFee: 5000
                ),
                park: park.id,
                api.app.act(in: tx, as: .job("test"))
            )
            _ = try await Rate.create(
                RateRequest(
                    season: try TestKit.stay("2020-01-01", "2035-01-01"),
                    night: 10000,
                    weekendNight: 12000
                ),
                type: type.id,
                api.app.act(in: tx, as: .job("test"))
            )
            var cottages: [Cottage] = []
            for index in 0..<count {
                cottages.append(
                    try await Cottage.create(
                        CottageRequest(
                            typeId: type.id,
                            number: "\(index + 1)",
                            longitude: 5.8 + Double(index) * 0.000146,
                            latitude: 52.2
                        ),
                        park: park.id,
                        api.app.act(in: tx, as: .job("test"))
                    )
                )
            }
            return World(park: park, type: type, cottages: cottages)
        }
    }

    /// A group with its organiser as the only traveller.
    public func group(of organiser: Person, name: String = "Friends") async throws -> TravelGroup {
        try await api.transaction { tx in
            try await TravelGroup.create(
                GroupRequest(name: name, myName: "Organiser"),
                by: organiser.id(),
                api.app.act(in: tx, as: .job("test"))
            )
        }
    }

    public func member(of group: TravelGroup, invitedBy organiser: Person) async throws -> Person {
        let person = try await guest("Member")
        try await api.transaction { tx in
            let invitation = try await Invitation.create(
                InvitationRequest(),
                to: group.id,
                api.app.act(in: tx, as: .guest(organiser.id()))
            )
            _ = try await Invitation.accept(
                code: invitation.code,
                InvitationAcceptance(),
                by: person.id(),
                api.app.act(in: tx, as: .job("test"))
            )
        }
        return person
    }

    public func booking(
        of group: TravelGroup,
        by organiser: Person,
        in world: World,
        cottages: [Cottage]? = nil,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17"
    ) async throws -> Booking {
        try await api.transaction { tx in
            try await Booking.place(
                api.given.request(group, world, cottages: cottages, from: arrival, to: departure),
                api.app.act(in: tx, as: .guest(organiser.id()))
            )
        }
    }

    public func request(
        _ group: TravelGroup,
        _ world: World,
        cottages: [Cottage]? = nil,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17"
    ) throws -> BookingRequest {
        try BookingRequest(
            parkId: world.park.id,
            groupId: group.id,
            stay: TestKit.stay(arrival, departure),
            cottages: (cottages ?? [world.cottages[0]]).map { .init(cottage: $0.id) },
            travellerIds: group.travellers.map(\.id)
        )
    }
}

/// The date; throws an error that names the text when it is no date.
public func day(_ text: String) throws -> LocalDate {
    guard let date = LocalDate(text) else { throw Leak(description: "'\(text)' is no date") }
    return date
}

public func stay(_ arrival: String, _ departure: String) throws -> Stay {
    guard let stay = Stay(from: try day(arrival), to: try day(departure)) else {
        throw Leak(description: "\(arrival) to \(departure) is no stay")
    }
    return stay
}
