import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension LocalStore {
    /// The tables of the store.
    ///
    /// `row` holds the server's rows. `staged` holds rows of an answer that is not complete. `pending` holds local
    /// mutations that wait. `done` holds mutations that the server has done but not shown yet. `overlay` holds how
    /// `pending` and `done` change the rows.
    static let tables = """
        CREATE TABLE row (
            scope TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, hash INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (scope, kind, id)
        ) WITHOUT ROWID;
        CREATE INDEX row_by_kind ON row (kind, id);
        CREATE TABLE staged (
            place INTEGER PRIMARY KEY, scope TEXT NOT NULL, kind TEXT, id TEXT, hash INTEGER, body TEXT
        );
        CREATE INDEX staged_by_key ON staged (scope, kind, id, place);
        CREATE TABLE pending (
            sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL
        );
        CREATE TABLE done (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL
        );
        CREATE TABLE refused (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, arguments TEXT NOT NULL,
            at REAL NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL
        );
        CREATE TABLE overlay (
            scope TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT, PRIMARY KEY (scope, kind, id)
        ) WITHOUT ROWID;
        CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE VIEW shown AS
        SELECT scope, kind, id, body FROM overlay WHERE body IS NOT NULL
        UNION ALL
        SELECT scope, kind, id, body FROM row AS told WHERE NOT EXISTS (
            SELECT 1 FROM overlay
            WHERE overlay.scope = told.scope AND overlay.kind = told.kind AND overlay.id = told.id
        );
        """
}
