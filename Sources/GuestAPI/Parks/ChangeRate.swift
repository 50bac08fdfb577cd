import Foundation
import GuestModels
import Postgres
import Sync

extension Rate {
    static func create(
        _ request: RateRequest,
        type: CottageType.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Rate {
        guard let ofPark = try await tx.first(ParkSQL.type(type)) else { throw Refusal.notFound }
        let rate = Rate(
            id: app.ids.next(at: now),
            typeId: type,
            season: request.season,
            night: request.night,
            weekendNight: request.weekendNight,
            version: 1
        )
        try await tx.run(ParkSQL.insert(rate, at: now), refusing: ["rate_season_overlaps": .seasonOverlaps])
        try Audit.record(
            "rate.create",
            target: rate.id.uuid,
            park: ofPark.parkId,
            after: rate,
            app,
            at: now,
            in: tx
        )
        tx.publish(rate.id, .rate, to: .park(ofPark.parkId))
        return rate
    }

    static func change(
        _ id: Rate.ID,
        to request: RateRequest,
        expecting version: Int,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Rate {
        guard let before = try await tx.first(ParkSQL.rate(id, locked: true)),
            let type = try await tx.first(ParkSQL.type(before.typeId))
        else { throw Refusal.notFound }
        guard before.version == version else { throw Problem.matchFailed }
        var rate = before
        rate.season = request.season
        rate.night = request.night
        rate.weekendNight = request.weekendNight
        rate.version += 1
        try await tx.run(ParkSQL.update(rate, at: now), refusing: ["rate_season_overlaps": .seasonOverlaps])
        try Audit.record(
            "rate.change",
            target: id.uuid,
            park: type.parkId,
            before: before,
            after: rate,
            app,
            at: now,
            in: tx
        )
        tx.publish(id, .rate, to: .park(type.parkId))
        return rate
    }

    static func delete(_ id: Rate.ID, _ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        guard let rate = try await tx.first(ParkSQL.rate(id, locked: true)),
            let type = try await tx.first(ParkSQL.type(rate.typeId))
        else { throw Refusal.notFound }
        try await tx.run(ParkSQL.delete(id, at: now))
        try Audit.record("rate.delete", target: id.uuid, park: type.parkId, before: rate, app, at: now, in: tx)
        tx.publish(id, .rate, to: .park(type.parkId))
    }
}
