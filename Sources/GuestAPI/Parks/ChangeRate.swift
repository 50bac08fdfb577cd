import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Rate {
    static func create(_ request: RateRequest, type: CottageType.ID, _ act: Act) async throws -> Rate {
        guard let ofPark = try await act.tx.first(ParkSQL.type(type)) else { throw Refusal.notFound }
        let rate = Rate(
            id: act.id(),
            typeId: type,
            season: request.season,
            night: request.night,
            weekendNight: request.weekendNight,
            version: 1
        )
        try await act.tx.run(RateSQL.insert(rate, at: act.now), refusing: ["rate_season_overlaps": .seasonOverlaps])
        try Audit.record("rate.create", target: rate.id.uuid, park: ofPark.parkId, after: rate, act)
        act.tx.publish(rate.id, .rate, to: .park(ofPark.parkId))
        return rate
    }

    static func change(_ id: Rate.ID, to request: RateRequest, expecting version: Int, _ act: Act) async throws -> Rate
    {
        guard let before = try await act.tx.first(RateSQL.rate(id, locked: true)),
            let type = try await act.tx.first(ParkSQL.type(before.typeId))
        else { throw Refusal.notFound }
        guard before.version == version else { throw Problem.matchFailed }
        var rate = before
        rate.season = request.season
        rate.night = request.night
        rate.weekendNight = request.weekendNight
        rate.version += 1
        try await act.tx.run(RateSQL.update(rate, at: act.now), refusing: ["rate_season_overlaps": .seasonOverlaps])
        try Audit.record("rate.change", target: id.uuid, park: type.parkId, before: before, after: rate, act)
        act.tx.publish(id, .rate, to: .park(type.parkId))
        return rate
    }

    static func delete(_ id: Rate.ID, _ act: Act) async throws {
        guard let rate = try await act.tx.first(RateSQL.rate(id, locked: true)),
            let type = try await act.tx.first(ParkSQL.type(rate.typeId))
        else { throw Refusal.notFound }
        try await act.tx.run(RateSQL.delete(id, at: act.now))
        try Audit.record("rate.delete", target: id.uuid, park: type.parkId, before: rate, act)
        act.tx.publish(id, .rate, to: .park(type.parkId))
    }
}
