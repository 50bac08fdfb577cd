import Postgres

extension Command {
    /// The most rows that one portion of a retention deletes, so that a portion is always short.
    static let portion = 2000

    /// Deletes a portion of the rows of a table that match a condition.
    static func forget(_ table: SQL, where condition: SQL) -> Command {
        Command(
            """
            DELETE FROM \(table)
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM \(table) WHERE \(condition) LIMIT \(portion) FOR UPDATE SKIP LOCKED))
            """
        )
    }
}
