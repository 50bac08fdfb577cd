import Foundation
import GuestModels
import Postgres

enum SecretSQL {
    struct Known: Sendable {
        let number: Int
        let digest: Data
        let madeAt: Date
    }

    static let isPrepared = Query("SELECT to_regclass('server_key') IS NOT NULL AS is_there") {
        try $0.decode("is_there", as: Bool.self)
    }

    static let keys = Query("SELECT number, digest, made_at FROM server_key ORDER BY number") { row in
        Known(
            number: try row.decode("number"),
            digest: try row.decode("digest"),
            madeAt: try row.decode("made_at")
        )
    }

    static func insert(_ key: ServerSecret.Key, at now: Date) -> Command {
        Command(
            """
            INSERT INTO server_key (number, digest, made_at) VALUES (\(key.number), \(key.digest), \(now))
            ON CONFLICT DO NOTHING
            """
        )
    }

    static func delete(_ number: Int) -> Command { Command("DELETE FROM server_key WHERE number = \(number)") }

    /// The columns that hold sealed values.
    ///
    /// Every new column with sealed values must get a case, so that a rotation of keys reaches it.
    enum Place: CaseIterable {
        case attempt, access, register, factor

        var purpose: String {
            switch self {
            case .attempt: "attempt"
            case .access: "access"
            case .register: "register"
            case .factor: SecondFactor.purpose
            }
        }

        fileprivate var table: SQL {
            switch self {
            case .attempt: "(SELECT id, id AS owner, secret AS sealed FROM attempt WHERE secret IS NOT NULL)"
            case .access: "(SELECT cottage_id AS id, cottage_id AS owner, sealed FROM cottage_access)"
            case .register: "(SELECT booking_id AS id, traveller_id AS owner, sealed FROM register_entry)"
            case .factor: "(SELECT staff_id AS id, staff_id AS owner, sealed FROM staff_factor)"
            }
        }
    }

    struct Value: Sendable {
        let id: UUID
        let owner: UUID
        let sealed: Data
        /// The context of the seal: the owner's id.
        var context: String { owner.lowercasedText }
    }

    static func values(in place: Place, after last: Value?, limit: Int) -> Query<Value> {
        Query(
            """
            SELECT id, owner, sealed FROM \(place.table) AS place
            WHERE \(last?.id)::uuid IS NULL OR (id, owner) > (\(last?.id)::uuid, \(last?.owner)::uuid)
            ORDER BY id, owner LIMIT \(limit)
            """
        ) { row in
            Value(id: try row.decode("id"), owner: try row.decode("owner"), sealed: try row.decode("sealed"))
        }
    }

    /// Writes values that have not changed since they were read.
    static func replace(_ values: [(Value, Data)], in place: Place) -> Command {
        let anew: SQL = """
            unnest(\(values.map(\.0.id))::uuid[], \(values.map(\.0.owner))::uuid[], \(values.map(\.0.sealed))::bytea[],
                \(values.map(\.1))::bytea[]) AS anew (id, owner, old, sealed)
            """
        switch place {
        case .attempt:
            return Command(
                "UPDATE attempt SET secret = sealed FROM \(anew) WHERE attempt.id = anew.id AND secret = old"
            )
        case .access:
            return Command(
                """
                UPDATE cottage_access AS place SET sealed = anew.sealed FROM \(anew)
                WHERE cottage_id = anew.owner AND place.sealed = old
                """
            )
        case .factor:
            return Command(
                """
                UPDATE staff_factor AS place SET sealed = anew.sealed FROM \(anew)
                WHERE staff_id = anew.owner AND place.sealed = old
                """
            )
        case .register:
            return Command(
                """
                UPDATE register_entry AS place SET sealed = anew.sealed FROM \(anew)
                WHERE booking_id = anew.id AND traveller_id = anew.owner AND place.sealed = old
                """
            )
        }
    }
}
