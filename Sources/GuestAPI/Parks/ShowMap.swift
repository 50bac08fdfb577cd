import Crypto
import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// A park's map as GeoJSON (RFC 7946), each cottage with its state in the nights asked for.
struct ParkMap: Encodable, Sendable {
    struct Feature: Encodable, Sendable {
        struct Geometry: Encodable, Sendable {
            let type = "Point"
            let coordinates: [Double]
        }

        struct Properties: Encodable, Sendable {
            let number: String
            let typeId: CottageType.ID
            let state: String
        }

        let type = "Feature"
        let id: Cottage.ID
        let geometry: Geometry
        let properties: Properties
    }

    let type = "FeatureCollection"
    let features: [Feature]

    static func show(_ park: Park.ID, _ stay: Stay, _ look: Look) async throws -> ParkMap {
        let (parks, cottages, states) = try await look.reader.all(
            ParkSQL.park(park),
            ParkSQL.cottages(of: park),
            AvailabilitySQL.mapStates(of: park, stay, now: look.now)
        )
        guard !parks.isEmpty else { throw Refusal.notFound }
        let byID = Dictionary(states.map { ($0.id, $0.state) }) { first, _ in first }
        return ParkMap(
            features: cottages.map { cottage in
                Feature(
                    id: cottage.id,
                    geometry: .init(coordinates: [cottage.longitude, cottage.latitude]),
                    properties: .init(
                        number: cottage.number,
                        typeId: cottage.typeId,
                        state: byID[cottage.id] ?? "free"
                    )
                )
            }
        )
    }
}

extension Answer {
    /// The same answer with a tag of its bytes, or 304 if the client has exactly those.
    func tagged(for call: Call) -> Answer {
        let digest = SHA256.hash(data: Data(body)).prefix(12)
        let tag = "\"" + Data(digest).base64EncodedString() + "\""
        var answer = self
        answer.headers.removeAll { $0.name == .cacheControl }
        answer.headers.append(.init(name: .eTag, value: tag))
        answer.headers.append(.init(name: .cacheControl, value: "no-cache"))
        guard call.headers.knows(tag) else { return answer }
        answer.status = .notModified
        answer.body = []
        return answer
    }
}
