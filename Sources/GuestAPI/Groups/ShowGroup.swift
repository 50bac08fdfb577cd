import Foundation
import GuestModels
import Postgres

extension TravelGroup {
    /// The group's page: its travellers, its bookings, and the shares as far as the asker may see them.
    ///
    /// The page is read in one round trip to the database.
    static func show(
        _ id: TravelGroup.ID,
        _ look: Look
    ) async throws
        -> TravelGroup
    {
        let ofGroup = BookingSQL.isOfGroup(id)
        let (groups, households, travellers, rows, cottages, people, lines, extras, shares) =
            try await look.reader.all(
                GroupSQL.group(id, for: look.principal),
                GroupSQL.households(of: id),
                GroupSQL.travellers(of: id),
                BookingSQL.rows(where: ofGroup),
                BookingSQL.cottages(where: ofGroup),
                BookingSQL.travellers(where: ofGroup),
                ChargeSQL.lines(where: ofGroup),
                ExtraSQL.orders(where: ofGroup),
                ShareSQL.seen(where: ofGroup, by: look.principal.guestID)
            )
        guard let (group, viewer) = groups.first else { throw Refusal.notFound }
        var bookings = Booking.assemble(rows, cottages, people, lines, extras)
        // A member sees the own household's lines beside the common ones; the organiser and staff see all.
        if let own = viewer, !own.isOrganiser {
            let family = Set(travellers.filter { $0.householdId == own.household }.map(\.id))
            bookings = bookings.map { $0.seen(by: own.household, family) }
        }
        return TravelGroup(
            id: id,
            name: group.name,
            version: group.version,
            households: households,
            travellers: travellers,
            bookings: bookings,
            shares: try shares.views(for: look.principal, at: look.now)
        )
    }

    /// The asker's own row in a group.
    ///
    /// A verb reads the row beside what it shows, and refuses an asker who has none.
    static func ownRow(in group: TravelGroup.ID, _ look: Look) throws(Refusal) -> Query<Traveller> {
        GroupSQL.ownRow(in: group, of: try look.principal.guest())
    }

    /// The asking guest's own row in a group, for a verb that needs a role in the group.
    ///
    /// - Parameter staying: keeps the guest in the group, and their account, until the transaction ends.
    ///
    /// Throws `notFound` for a guest outside the group, and `forbidden` for a member if the organiser is required.
    static func require(
        _ role: Traveller.Role,
        in group: TravelGroup.ID,
        staying: Bool = false,
        _ act: Act
    ) async throws -> Traveller {
        guard let guest = act.principal.guestID,
            let own = try await act.tx.first(GroupSQL.ownRow(in: group, of: guest, staying: staying))
        else { throw Refusal.notFound }
        guard role == .member || own.role == .organiser else { throw Refusal.forbidden }
        return own
    }
}

extension TravelGroup {
    /// The groups that the asker is in.
    static func list(_ look: Look) async throws -> [Membership] {
        try await look.reader.all(GroupSQL.memberships(of: look.principal.guest()))
    }
}

extension ChildGroup {
    /// A child's group as the child's phone shows it.
    static func show(_ look: Look) async throws -> ChildGroup {
        guard case .child(let child, let group) = look.principal else { throw Refusal.forbidden }
        let (names, travellers, stays) = try await look.reader.all(
            GroupSQL.name(of: group),
            GroupSQL.travellers(of: group),
            GroupSQL.visits(of: child)
        )
        guard let name = names.first else { throw Refusal.notFound }
        return ChildGroup(
            id: group,
            name: name,
            travellerId: child,
            travellers: travellers.map { .init(id: $0.id, name: $0.name) },
            stays: stays
        )
    }
}
