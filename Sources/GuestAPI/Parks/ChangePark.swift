import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Park {
    static func create(_ request: ParkRequest, _ act: Act) async throws -> Park {
        let park = Park(request, id: act.id(), version: 1)
        try await act.tx.run(
            ParkSQL.insert(park, texts: JSONText(encoding: park.texts), rules: JSONText(encoding: park.rules)),
            refusing: ["park_slug_taken": .slugTaken]
        )
        try Audit.record("park.create", target: park.id.uuid, park: park.id, after: park, act)
        act.tx.publish(park.id, .park, to: .park(park.id))
        return park
    }

    /// Replaces a park's data, such as its texts and house rules.
    ///
    /// A booking keeps the house rules under which it was placed.
    static func change(_ id: Park.ID, to request: ParkRequest, expecting version: Int, _ act: Act) async throws -> Park
    {
        guard let before = try await act.tx.first(ParkSQL.park(id, locked: true)) else { throw Refusal.notFound }
        guard before.version == version else { throw Problem.matchFailed }
        if request.currency != before.currency, try await act.tx.first(ParkSQL.hasBookings(id)) == true {
            throw Refusal.currencyFixed.at("/currency")
        }
        let park = Park(request, id: id, version: version + 1)
        try await act.tx.run(
            ParkSQL.update(park, texts: JSONText(encoding: park.texts), rules: JSONText(encoding: park.rules)),
            refusing: ["park_slug_taken": .slugTaken]
        )
        try Audit.record("park.change", target: id.uuid, park: id, before: before, after: park, act)
        act.tx.publish(id, .park, to: .park(id))
        return park
    }

    private init(_ request: ParkRequest, id: ID, version: Int) {
        self.init(
            id: id,
            slug: request.slug,
            name: request.name,
            timeZone: request.timeZone,
            currency: request.currency,
            country: request.country,
            longitude: request.longitude,
            latitude: request.latitude,
            texts: request.texts ?? [:],
            rules: request.rules,
            version: version
        )
    }
}
