import Foundation
import GuestModels
import Postgres
import SyncMessages

extension CottageType {
    static func create(_ request: CottageTypeRequest, park: Park.ID, _ act: Act) async throws -> CottageType {
        guard try await act.tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let type = CottageType(request, id: act.id(), park: park, version: 1)
        try await act.tx.run(
            ParkSQL.insert(type, texts: JSONText(encoding: type.texts)),
            refusing: ["cottage_type_code_taken": .codeTaken]
        )
        try Audit.record("cottageType.create", target: type.id.uuid, park: park, after: type, act)
        act.tx.publish(type.id, .cottageType, to: .park(park))
        return type
    }

    static func change(
        _ id: CottageType.ID,
        to request: CottageTypeRequest,
        expecting version: Int,
        _ act: Act
    ) async throws -> CottageType {
        guard let before = try await act.tx.first(ParkSQL.type(id, locked: true)) else { throw Refusal.notFound }
        guard before.version == version else { throw Problem.matchFailed }
        let type = CottageType(request, id: id, park: before.parkId, version: version + 1)
        try await act.tx.run(
            ParkSQL.update(type, texts: JSONText(encoding: type.texts)),
            refusing: ["cottage_type_code_taken": .codeTaken]
        )
        try Audit.record("cottageType.change", target: id.uuid, park: type.parkId, before: before, after: type, act)
        act.tx.publish(id, .cottageType, to: .park(type.parkId))
        return type
    }

    private init(_ request: CottageTypeRequest, id: ID, park: Park.ID, version: Int) {
        self.init(
            id: id,
            parkId: park,
            code: request.code,
            name: request.name,
            texts: request.texts ?? [:],
            capacity: request.capacity,
            bedrooms: request.bedrooms,
            pets: request.pets,
            isStepFree: request.isStepFree,
            cleaningFee: request.cleaningFee,
            version: version
        )
    }
}
