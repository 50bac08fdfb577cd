import Foundation
import GuestModels
import Postgres

enum TaskSQL {
    private static let columns: SQL = """
        id, park_id, title, detail, source, owner_id, due, state, created_at, version
        """

    private static func task(_ row: Row) throws -> StaffTask {
        StaffTask(
            id: try row.decode("id"),
            parkId: try row.decode("park_id"),
            title: try row.decode("title"),
            detail: try row.decode("detail"),
            source: try row.decode("source"),
            ownerId: try row.decodeIfPresent("owner_id"),
            due: try row.decodeIfPresent("due"),
            state: try row.word("state", as: StaffTask.State.self),
            createdAt: try row.decode("created_at"),
            version: try row.decode("version")
        )
    }

    static func task(_ id: StaffTask.ID, locked: Bool = false) -> Query<StaffTask> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(columns) FROM task WHERE id = \(id) \(lock)", decoding: task)
    }

    static func open(_ source: String, _ subject: String, in park: Park.ID) -> Query<StaffTask> {
        Query(
            """
            SELECT \(columns) FROM task
            WHERE park_id = \(park) AND source = \(source) AND subject = \(subject) AND state = 'open' FOR UPDATE
            """,
            decoding: task
        )
    }

    static func list(
        _ park: Park.ID,
        _ state: StaffTask.State,
        owner: StaffMember.ID?,
        after cursor: StaffTask.ID?,
        limit: Int
    ) -> Query<StaffTask> {
        let ofOwner: SQL = owner.map { "owner_id = \($0)" } ?? "true"
        let after: SQL = cursor.map { "id > \($0)" } ?? "true"
        return Query(
            """
            SELECT \(columns) FROM task
            WHERE park_id = \(park) AND state = \(state.rawValue) AND \(ofOwner) AND \(after)
            ORDER BY id LIMIT \(limit)
            """,
            decoding: task
        )
    }

    /// Writes a task; no row changes if an open task of that source and subject exists.
    static func insert(_ task: StaffTask, subject: String?) -> Command {
        Command(
            """
            INSERT INTO task (\(columns), subject)
            VALUES (\(task.id), \(task.parkId), \(task.title), \(task.detail), \(task.source), \(task.ownerId),
                \(task.due), \(task.state.rawValue), \(task.createdAt), \(task.version), \(subject))
            ON CONFLICT (park_id, source, subject) WHERE state = 'open' DO NOTHING
            """
        )
    }

    static func update(_ task: StaffTask) -> Command {
        Command(
            """
            UPDATE task SET title = \(task.title), detail = \(task.detail), owner_id = \(task.ownerId),
                due = \(task.due), state = \(task.state.rawValue), version = \(task.version)
            WHERE id = \(task.id)
            """
        )
    }

    static func insert(
        _ kind: StaffTaskEvent.Kind,
        of task: StaffTask.ID,
        note: String?,
        id: UUID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO task_event (id, task_id, at, kind, note)
            VALUES (\(id), \(task), \(now), \(kind.rawValue), \(note))
            """
        )
    }

    static func events(of task: StaffTask.ID) -> Query<StaffTaskEvent> {
        Query(
            "SELECT at, principal, kind, note FROM task_event WHERE task_id = \(task) ORDER BY at, id"
        ) { row in
            StaffTaskEvent(
                at: try row.decode("at"),
                principal: try row.decode("principal"),
                kind: try row.word("kind", as: StaffTaskEvent.Kind.self),
                note: try row.decodeIfPresent("note")
            )
        }
    }

    /// Whether a colleague has a function in the park, or is of head office.
    static func works(_ staff: StaffMember.ID, in park: Park.ID) -> Query<Bool> {
        Query(
            """
            SELECT is_head_office OR EXISTS (
                SELECT FROM staff_function WHERE staff_id = staff.id AND park_id = \(park)
            ) AS works
            FROM staff WHERE id = \(staff) AND left_at IS NULL
            """
        ) { try $0.decode("works") }
    }

    // MARK: Notes of the house

    static func insert(
        _ request: HouseNoteRequest,
        id: UUID,
        park: Park.ID,
        by staff: StaffMember.ID?
    ) -> Command {
        Command(
            """
            INSERT INTO house_note (id, park_id, dates, note, written_by)
            VALUES (\(id), \(park), daterange(\(request.from), \(request.through ?? request.from), '[]'),
                \(request.note), \(staff))
            """
        )
    }

    static func notes(in park: Park.ID, on day: LocalDate) -> Query<HouseNote> {
        Query(
            """
            SELECT id, lower(dates) AS first, upper(dates) - 1 AS last, note FROM house_note
            WHERE park_id = \(park) AND dates @> \(day)::date AND ended_at IS NULL ORDER BY id
            """
        ) { row in
            HouseNote(
                id: try row.decode("id"),
                from: try row.decode("first"),
                through: try row.decode("last"),
                note: try row.decode("note")
            )
        }
    }

    static func endNote(_ id: UUID, in park: Park.ID, at now: Date) -> Command {
        Command(
            "UPDATE house_note SET ended_at = \(now) WHERE id = \(id) AND park_id = \(park) AND ended_at IS NULL"
        )
    }
}
