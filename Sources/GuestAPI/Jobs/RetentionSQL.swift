import Postgres

extension Command {
    /// Rows that one portion of a retention deletes at most, so that it is short whatever has piled up.
    static let portion = 2000

    /// Deletes a portion of the rows that have served their time.
    static func forget(_ table: SQL, where condition: SQL) -> Command {
        Command(
            """
            DELETE FROM \(table)
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM \(table) WHERE \(condition) LIMIT \(portion) FOR UPDATE SKIP LOCKED))
            """
        )
    }
}
