import Foundation
import GuestModels
import Postgres
import SyncMessages

extension ExtraOrder {
    /// Orders an extra for a booking.
    ///
    /// A member orders for the own household; the organiser also orders for everybody.
    ///
    /// Throws `extraSoldOut` when too few are left on a date.
    static func place(_ request: ExtraOrderRequest, for id: Booking.ID, _ act: Act) async throws -> Booking {
        var booking = try await Booking.locked(id, by: .member, act)
        try booking.allowExtras(at: act.now)
        guard let extra = try await act.tx.first(ExtraSQL.extra(request.extraId)), extra.parkId == booking.parkId,
            extra.isOpen, extra.slots.isEmpty ? request.slot == nil : request.slot.map(extra.slots.contains) ?? false
        else { throw Refusal.extraNotOffered.at("/extraId") }
        // A booking without group is billed by the property system alone.
        guard booking.groupId != nil else { throw Refusal.notChangeable }
        guard let money = try await BookingMoney.of(id, act) else { throw Refusal.notChangeable }
        let isOwn = try money.allowOrder(for: request.householdId, by: act.principal)
        let order = ExtraOrder(
            id: request.id ?? act.id(),
            bookingId: id,
            extraId: extra.id,
            from: request.from,
            through: request.through ?? request.from,
            slot: request.slot,
            quantity: request.quantity,
            householdId: request.householdId,
            cottageId: request.cottageId,
            checkOutBy: extra.checkOutBy,
            unitAmount: extra.price,
            isCancelled: false
        )
        guard order.fits(booking.stay) else { throw Refusal.outsideStay.at("/from") }
        guard request.cottageId.map({ id in booking.cottages.contains { $0.id == id } }) ?? true else {
            throw Refusal.unknownCottage.at("/cottageId")
        }
        guard extra.checkOutBy == nil || order.quantity == 1 else { throw Refusal.oneLateCheckOut.at("/quantity") }
        guard !booking.extras.contains(where: order.repeats) else { throw Refusal.oneLateCheckOut.at("/extraId") }
        booking.version += 1
        try await act.tx.run(
            ExtraSQL.reserve(order) + [
                ExtraSQL.insert(
                    order,
                    taxedAs: extra.taxedAs ?? .extras,
                    isOwn: isOwn,
                    by: act.principal.guestID,
                    at: act.now
                ),
                ChargeSQL.insert(
                    order.line(isDaily: extra.isDaily),
                    id: act.id(),
                    booking: id,
                    at: act.now
                ),
                BookingSQL.update(booking),
            ],
            refusing: ["extra_sold_out": .extraSoldOut.at("/quantity"), "extra_order_pkey": .idTaken.at("/id")]
        )
        try await Booking.divide(id, act)
        if act.principal.guestID == nil {
            try Audit.record("extra.order", target: id.uuid, park: booking.parkId, after: order, act)
        }
        booking.publish(in: act.tx)
        return try await Booking.found(id, by: .member, act)
    }

    /// Cancels an order: guests until the day before it begins, staff at any time with a reason.
    ///
    /// An order that staff cancel later than a guest could is a gift under their mandate. The call is safe to repeat.
    static func cancel(
        _ order: ExtraOrder.ID,
        of id: Booking.ID,
        for reason: String?,
        _ act: Act
    ) async throws -> Booking {
        var booking = try await Booking.locked(id, by: .member, act)
        let (orders, zones) = try await act.tx.all(ExtraSQL.order(order, of: id), BookingSQL.zone(of: id))
        guard let order = orders.first, let clock = zones.first.flatMap(ParkClock.init(timeZone:)) else {
            throw Refusal.notFound
        }
        guard !order.isCancelled else { return booking }
        if let money = try await BookingMoney.of(id, act) {
            try money.allowCancellation(of: order, by: act.principal)
        }
        let isLate = clock.date(at: act.now) >= order.from
        if act.principal.guestID != nil {
            if isLate { throw Refusal.tooLateToCancel }
        } else {
            guard let reason else { throw Refusal.reasonNeeded.at("?reason") }
            let amount = booking.charges.filter { $0.extraOrderId == order.id }.total
            if isLate {
                try await Mandate.give(amount, as: .extra, on: booking, for: reason, act)
            }
            try Audit.record("extra.cancel", target: id.uuid, park: booking.parkId, reason: reason, before: order, act)
        }
        booking.version += 1
        cancel([order], act)
        act.tx.later([ChargeSQL.reverseLines(ofOrders: [order.id], of: id, at: act.now), BookingSQL.update(booking)])
        try await Booking.divide(id, act)
        booking.publish(in: act.tx)
        return try await Booking.found(id, by: .member, act)
    }

    /// Marks orders as cancelled and gives their stock back; the caller takes back their lines.
    static func cancel(_ orders: [ExtraOrder], _ act: Act) {
        guard !orders.isEmpty else { return }
        let ids = orders.map(\.id)
        act.tx.later([ExtraSQL.release(ids), ExtraSQL.cancel(ids, at: act.now)])
    }
}

extension BookingMoney {
    /// Checks that the principal may order an extra.
    ///
    /// Members order for the own household, staff for everybody. The organiser also orders for everybody and for other
    /// households, which are then asked to agree.
    ///
    /// - Returns: whether the household orders it for itself.
    fileprivate func allowOrder(for household: Household.ID?, by principal: Principal) throws -> Bool {
        if let household {
            guard statement.bill.travellers.contains(where: { $0.householdId == household }) else {
                throw Refusal.notFound.at("/householdId")
            }
            if household == terms.asker { return true }
        }
        guard principal.guestID != nil else { return false }
        guard terms.isOrganiser else { throw Refusal.forbidden.at("/householdId") }
        try terms.requireBacked(by: principal)
        return false
    }

    /// Checks that the principal may cancel an order: anybody who could have made it.
    fileprivate func allowCancellation(of order: ExtraOrder, by principal: Principal) throws {
        guard principal.guestID != nil, order.householdId == nil || order.householdId != terms.asker else { return }
        guard terms.isOrganiser else { throw Refusal.forbidden }
        // Another household's own order is for that household alone to cancel.
        guard !statement.ownOrders.contains(order.id) else { throw Refusal.forbidden }
    }
}

extension Extra {
    static func create(_ request: ExtraRequest, park: Park.ID, _ act: Act) async throws -> Extra {
        guard try await act.tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let extra = Extra(request, id: act.id(), parkId: park, version: 1)
        try await act.tx.run(ExtraSQL.insert(extra), refusing: ["extra_code_taken": .codeTaken])
        try Audit.record("extra.create", target: extra.id.uuid, park: park, after: extra, act)
        act.tx.publish(extra.id, .extra, to: .park(park))
        return extra
    }

    static func change(
        _ id: Extra.ID,
        to request: ExtraRequest,
        expecting version: Int,
        _ act: Act
    ) async throws -> Extra {
        guard let before = try await act.tx.first(ExtraSQL.extra(id, locked: true)) else { throw Refusal.notFound }
        guard before.version == version else { throw Problem.matchFailed }
        let extra = Extra(request, id: id, parkId: before.parkId, version: version + 1)
        try await act.tx.run(ExtraSQL.update(extra), refusing: ["extra_code_taken": .codeTaken])
        try Audit.record("extra.change", target: id.uuid, park: extra.parkId, before: before, after: extra, act)
        act.tx.publish(id, .extra, to: .park(extra.parkId))
        return extra
    }

    /// Sets the stock of one date and slot.
    ///
    /// Throws `stockPromised` when more than the new stock is ordered already.
    static func setStock(_ id: Extra.ID, _ request: StockRequest, _ act: Act) async throws {
        guard let extra = try await act.tx.first(ExtraSQL.extra(id)),
            act.principal.has([.reception, .host], at: extra.parkId)
        else { throw Refusal.notFound }
        guard extra.slots.isEmpty ? request.slot == nil : request.slot.map(extra.slots.contains) ?? false else {
            throw Refusal.extraNotOffered.at("/slot")
        }
        try await act.tx.run(ExtraSQL.setStock(id, request), refusing: ["extra_sold_out": .stockPromised.at("/stock")])
        try Audit.record("extra.stock", target: id.uuid, park: extra.parkId, after: request, act)
        act.tx.publish(id, .extra, to: .park(extra.parkId))
    }

    /// An extra that a park offers, with the stock left on some days.
    struct Offered: Encodable, Sendable {
        let extra: Extra
        /// Dates with orders or with an unusual stock; all other dates have `extra.stock`.
        let dates: [ExtraStock]
    }

    static func offered(in park: Park.ID, from: LocalDate, through: LocalDate, _ look: Look) async throws -> [Offered] {
        let (parks, extras, stock) = try await look.reader.all(
            ParkSQL.park(park),
            ExtraSQL.extras(of: park),
            ExtraSQL.stock(of: park, from: from, through: through)
        )
        guard !parks.isEmpty else { throw Refusal.notFound }
        let dates = Dictionary(grouping: stock, by: \.extra)
        return extras.filter(\.isOpen).map { Offered(extra: $0, dates: dates[$0.id]?.map(\.stock) ?? []) }
    }
}

extension Extra {
    /// The orders that a park has to prepare for a day.
    static func toPrepare(at park: Park.ID, on day: LocalDate, _ look: Look) async throws -> [ExtraSQL.ToPrepare] {
        try look.principal.require([.reception, .host, .housekeeping], at: park)
        return try await look.reader.all(ExtraSQL.toPrepare(in: park, on: day))
    }
}
