import Foundation
import GuestModels
import Postgres

enum UploadSQL {
    private static let columns: SQL =
        "id, kind, owner, name, guest_id, traveller_id, size, begun_at, whole_at IS NOT NULL AS is_whole"

    private static func stored(_ row: Row) throws -> StoredUpload {
        StoredUpload(
            id: try row.decode("id"),
            kind: try row.decode("kind"),
            owner: try row.decode("owner"),
            name: try row.decode("name"),
            sender: try sender(row),
            size: try row.decodeIfPresent("size"),
            begunAt: try row.decode("begun_at"),
            isWhole: try row.decode("is_whole")
        )
    }

    private static func sender(_ row: Row) throws -> UploadSender {
        if let guest = try row.decodeIfPresent("guest_id", as: Guest.ID.self) { return .guest(guest) }
        return .child(try row.decode("traveller_id"))
    }

    private static func isBy(_ sender: UploadSender) -> SQL {
        switch sender {
        case .guest(let id): "guest_id = \(id)"
        case .child(let id): "traveller_id = \(id)"
        }
    }

    /// Locks a sender's uploads of some bytes until the transaction ends.
    static func lock(_ kind: String, _ owner: UUID, _ name: String, of sender: UploadSender) -> Query<Bool> {
        let key = "\(kind) \(owner) \(name) \(sender)"
        return Query("SELECT pg_advisory_xact_lock(hashtextextended(\(key), 2)) IS NULL AS is_ours") {
            try $0.decode("is_ours")
        }
    }

    /// Locks the sender's upload of some bytes until the transaction ends.
    static func upload(_ kind: String, _ owner: UUID, _ name: String, of sender: UploadSender) -> Query<StoredUpload> {
        Query(
            """
            SELECT \(columns) FROM upload
            WHERE kind = \(kind) AND owner = \(owner) AND name = \(name) AND \(isBy(sender)) AND gone_at IS NULL
            FOR UPDATE
            """,
            decoding: stored
        )
    }

    static func upload(_ id: Upload.ID) -> Query<StoredUpload> {
        Query("SELECT \(columns) FROM upload WHERE id = \(id) AND gone_at IS NULL", decoding: stored)
    }

    /// The upload; a whole upload is found until its row is deleted, an hour after it was stored.
    static func recent(_ id: Upload.ID) -> Query<StoredUpload> {
        Query(
            "SELECT \(columns) FROM upload WHERE id = \(id) AND (gone_at IS NULL OR whole_at IS NOT NULL)",
            decoding: stored
        )
    }

    /// Locks the upload's row until the transaction ends.
    static func locked(_ id: Upload.ID) -> Query<StoredUpload> {
        Query("SELECT \(columns) FROM upload WHERE id = \(id) AND gone_at IS NULL FOR UPDATE", decoding: stored)
    }

    static func insert(_ upload: StoredUpload) -> Command {
        Command(
            """
            INSERT INTO upload (id, kind, owner, name, guest_id, traveller_id, size, begun_at)
            VALUES (\(upload.id), \(upload.kind), \(upload.owner), \(upload.name), \(upload.sender.guest),
                \(upload.sender.child), \(upload.size), \(upload.begunAt))
            """
        )
    }

    static func setSize(of id: Upload.ID, _ size: Int) -> Command {
        Command("UPDATE upload SET size = \(size) WHERE id = \(id) AND size IS NULL AND whole_at IS NULL")
    }

    static func setWhole(_ id: Upload.ID, size: Int, at now: Date) -> Command {
        Command("UPDATE upload SET size = \(size), whole_at = \(now) WHERE id = \(id) AND whole_at IS NULL")
    }

    /// Whether a whole upload of a thing waits for its job, besides the one named.
    static func hasWhole(_ kind: String, of owner: UUID, but id: Upload.ID) -> Query<Bool> {
        Query(
            """
            SELECT EXISTS (
                SELECT FROM upload WHERE kind = \(kind) AND owner = \(owner) AND id <> \(id)
                    AND whole_at IS NOT NULL AND gone_at IS NULL
            ) AS has_whole
            """
        ) { try $0.decode("has_whole") }
    }

    /// Ends the uploads of children.
    ///
    /// - Parameter travellers: a subquery of their ids.
    static func end(sentBy travellers: SQL, at now: Date) -> Command {
        Command("UPDATE upload SET gone_at = \(now) WHERE traveller_id IN (\(travellers)) AND gone_at IS NULL")
    }

    static func end(_ id: Upload.ID, at now: Date) -> Command {
        Command("UPDATE upload SET gone_at = \(now) WHERE id = \(id) AND gone_at IS NULL")
    }

    /// Ends an upload unless all bytes have come, because a job passes them on then.
    static func endUnfinished(_ id: Upload.ID, at now: Date) -> Command {
        Command("UPDATE upload SET gone_at = \(now) WHERE id = \(id) AND gone_at IS NULL AND whole_at IS NULL")
    }

    static func end(allOf guest: Guest.ID, at now: Date) -> Command {
        Command("UPDATE upload SET gone_at = \(now) WHERE guest_id = \(guest) AND gone_at IS NULL")
    }

    /// Ends uploads that nobody has finished, and whole ones whose job has failed for a month more.
    static func endOld(at now: Date) -> Command {
        let unfinished = now.earlier(days: Upload.daysKept)
        return Command(
            """
            UPDATE upload SET gone_at = \(now)
            WHERE gone_at IS NULL AND begun_at < \(unfinished)
                AND (whole_at IS NULL OR begun_at < \(unfinished.earlier(days: 30)))
            """
        )
    }

    /// The uploads that ended before the instant.
    static func ended(before instant: Date) -> Query<Upload.ID> {
        Query("SELECT id FROM upload WHERE gone_at < \(instant) ORDER BY gone_at, id LIMIT \(Command.portion)") {
            try $0.decode("id")
        }
    }

    static func delete(_ ids: [Upload.ID]) -> Command {
        Command("DELETE FROM upload WHERE id = ANY(\(ids)::uuid[])")
    }

    /// An upload as a guest's export shows it.
    struct Exported: Encodable, Sendable {
        let kind: String
        let name: String
        let begunAt: Date
    }

    static func uploads(of guest: Guest.ID) -> Query<Exported> {
        Query(
            """
            SELECT kind, name, begun_at FROM upload WHERE guest_id = \(guest) AND gone_at IS NULL ORDER BY begun_at, id
            """
        ) { row in
            Exported(
                kind: try row.decode("kind"),
                name: try row.decode("name"),
                begunAt: try row.decode("begun_at")
            )
        }
    }
}

extension UploadSender {
    fileprivate var guest: Guest.ID? {
        guard case .guest(let id) = self else { return nil }
        return id
    }

    fileprivate var child: Traveller.ID? {
        guard case .child(let id) = self else { return nil }
        return id
    }
}
