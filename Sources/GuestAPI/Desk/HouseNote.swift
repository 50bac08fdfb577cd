import Foundation
import GuestModels
import Postgres

/// A note for everybody who works at a park on some days.
struct HouseNote: Encodable, Sendable {
    let id: UUID
    let from: LocalDate
    let through: LocalDate
    let note: String

    static func write(_ request: HouseNoteRequest, at park: Park.ID, _ act: Act) async throws -> HouseNote {
        try act.principal.require(StaffTask.readers, at: park)
        guard case .staff(let member) = act.principal else { throw Refusal.forbidden }
        let note = HouseNote(
            id: act.app.ids.uuid(at: act.now),
            from: request.from,
            through: request.through ?? request.from,
            note: request.note
        )
        try await act.tx.run(
            TaskSQL.insert(request, id: note.id, park: park, by: member.id),
            refusing: ["house_note_park_id_fkey": .notFound]
        )
        return note
    }

    static func end(_ id: Identifier<HouseNote>, at park: Park.ID, _ act: Act) async throws {
        try act.principal.require(StaffTask.readers, at: park)
        guard try await act.tx.run(TaskSQL.endNote(id.uuid, in: park, at: act.now)) == 1 else { throw Refusal.notFound }
    }
}
