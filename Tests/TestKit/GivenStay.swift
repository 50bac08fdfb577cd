import Foundation
public import GuestModels

@testable import GuestAPI

extension Given {
    /// A booking of a group of two households: the organiser's and the member's.
    public struct BookedStay: Sendable {
        public let api: GuestAPITestService
        public let world: World
        public let organiser: Person
        public let member: Person
        /// The group before the member joined.
        public let group: TravelGroup
        public let booking: Booking
        /// The organiser's household, then the member's.
        public let homes: [Household.ID]
        public let reception: Person

        public var path: String { "/v1/bookings/\(booking.id)" }

        /// The booking as somebody sees it now.
        public func seen(by who: Person) async throws -> Booking { try await api.get(path, as: who).decode() }

        public func checkIn(as who: Person) async throws -> GuestAPITestService.Response {
            try await api.post("\(path)/check-in", as: who, key: UUID().uuidString)
        }

        /// The shares as somebody sees them.
        public func shares(as who: Person) async throws -> [ShareView] {
            try await api.get("\(path)/shares", as: who).decode(Listed<ShareView>.self).items
        }

        /// The share of somebody's own household; throws when there is none.
        public func share(of who: Person) async throws -> ShareView {
            guard let own = try await shares(as: who).first(where: \.isOwn) else {
                throw Leak(description: "no share is \(who.email)'s own")
            }
            return own
        }

        /// Sets the clock to an instant of the park's wall clock, such as `2027-05-14 15:00`.
        public func wait(until text: String) throws { try api.wait(until: text, at: world.park) }
    }

    /// A stay in the first cottages of a new park.
    ///
    /// - Parameter everybody: whether the member travels too; otherwise the organiser alone.
    /// - Parameter confirmed: whether the booking is firm; otherwise it is held.
    public func stay(
        in booked: Int = 1,
        of count: Int = 3,
        rules: HouseRules = Given.rules,
        everybody: Bool = true,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17",
        confirmed: Bool = false
    ) async throws -> BookedStay {
        let world = try await park(cottages: count, rules: rules)
        let organiser = try await guest()
        let group = try await group(of: organiser)
        let member = try await member(of: group, invitedBy: organiser)
        let page: TravelGroup = try await api.get("/v1/groups/\(group.id)", as: organiser).decode()
        var request = try request(
            group,
            world,
            cottages: Array(world.cottages.prefix(booked)),
            from: arrival,
            to: departure
        )
        if everybody { request.travellerIds = page.travellers.map(\.id) }
        let reception = try await staff([.reception], at: world.park.id)
        var booking: Booking = try await api.post("/v1/bookings", request, as: organiser, key: "booking").decode()
        if confirmed {
            let reason = ReasonRequest(reason: "on account")
            booking = try await api.post("/v1/bookings/\(booking.id)/confirm", reason, as: reception, key: "firm")
                .decode()
        }
        let homes = [Traveller.Role.organiser, .member].compactMap { role in
            page.travellers.first { $0.role == role }?.householdId
        }
        return BookedStay(
            api: api,
            world: world,
            organiser: organiser,
            member: member,
            group: group,
            booking: booking,
            homes: homes,
            reception: reception
        )
    }
}

/// A page of a list, as the service answers it.
public struct Listed<Item: Decodable & Sendable>: Decodable, Sendable {
    public let items: [Item]
    public let next: String?
}

extension GuestAPITestService {
    /// Sets the clock to an instant of a park's wall clock, such as `2027-05-14 15:00`.
    public func wait(until text: String, at park: Park) throws {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 2, let hour = LocalTime(parts[1]), let parkClock = ParkClock(timeZone: park.timeZone)
        else {
            throw Leak(description: "'\(text)' is no instant of a park")
        }
        clock.advance(by: parkClock.instant(try day(parts[0]), hour).timeIntervalSince(now))
    }
}
