import Foundation
import GRDB
import GuestModels
import Synchronization

/// The table of photos and its migrations.
extension LocalStore {
    static let photoTable = """
        CREATE TABLE photo (
            groupId TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL,
            -- How much the service has; NULL once it has all of it, or wants none of it.
            received INTEGER,
            PRIMARY KEY (groupId, name)
        ) WITHOUT ROWID;
        """

    /// Columns of a photo: when a refused photo is tried again, how often it was tried, and when it was last looked at.
    static let photoTries = """
        ALTER TABLE photo ADD COLUMN asideUntil REAL;
        ALTER TABLE photo ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE photo ADD COLUMN usedAt REAL NOT NULL DEFAULT 0;
        """

    /// Moves the photos that wait to be sent from the database into files.
    ///
    /// Fetched photos are deleted, because they can be fetched again and a full phone has no room for both. A stop in
    /// between changes nothing in the database, so the next start moves the photos again.
    static func movePhotos(to files: PhotoFiles, _ database: Database) throws {
        let waiting = "SELECT groupId, name, bytes FROM photo WHERE received IS NOT NULL ORDER BY groupId, name"
        let rows = try Row.fetchCursor(database, sql: waiting)
        while let row = try rows.next() {
            guard let (group, name) = key(row) else { continue }
            try files.write(row[2], as: .photo(name, in: group))
        }
        try database.execute(
            sql: """
                CREATE TABLE photoFile (
                    groupId TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
                    -- How much the service has; NULL once it has all of it, or wants none of it.
                    received INTEGER,
                    -- When the guest took the photo, or the phone fetched it.
                    keptAt REAL NOT NULL,
                    -- When a refused photo is tried again, and how often it was tried.
                    asideUntil REAL, tries INTEGER NOT NULL DEFAULT 0,
                    -- When somebody last looked at it.
                    usedAt REAL NOT NULL DEFAULT 0,
                    -- The upload, and whether the phone must ask how much has come.
                    upload TEXT, isUnsure INTEGER NOT NULL DEFAULT 0,
                    PRIMARY KEY (groupId, name)
                ) WITHOUT ROWID;
                INSERT INTO photoFile (groupId, name, size, received, keptAt, asideUntil, tries, usedAt)
                SELECT groupId, name, length(bytes), 0, usedAt, asideUntil, tries, usedAt FROM photo
                WHERE received IS NOT NULL;
                DROP TABLE photo;
                ALTER TABLE photoFile RENAME TO photo;
                """
        )
    }

    /// The group and the name of a photo's row.
    static func key(_ row: Row) -> (group: TravelGroup.ID, name: PhotoName)? {
        guard let group = TravelGroup.ID(row[0] as String), let name = PhotoName(row[1] as String) else { return nil }
        return (group, name)
    }

    /// Makes room in the table for photos of albums.
    static let photosOfAlbums = """
        CREATE TABLE photoFile (
            -- The name of the file; a photo of a message and of an album may share one.
            file TEXT NOT NULL,
            -- The booking of the album that a photo is sent to; empty for others.
            album TEXT NOT NULL,
            -- A photo as it was taken, or as a message has it.
            groupId TEXT, name TEXT,
            -- The photo of an album whose picture was fetched.
            photoId TEXT,
            size INTEGER NOT NULL,
            -- How much the service has; NULL once it has all of it, or wants none of it, and for fetched photos.
            received INTEGER,
            -- When the guest took the photo, or the phone fetched it.
            keptAt REAL NOT NULL,
            -- When a refused photo is tried again, and how often it was tried.
            asideUntil REAL, tries INTEGER NOT NULL DEFAULT 0,
            -- When somebody last looked at it.
            usedAt REAL NOT NULL DEFAULT 0,
            -- The upload, and whether the phone must ask how much has come.
            upload TEXT, isUnsure INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (file, album)
        ) WITHOUT ROWID;
        INSERT INTO photoFile (file, album, groupId, name, size, received, keptAt, asideUntil, tries, usedAt, upload,
            isUnsure)
        SELECT groupId || '-' || name, '', groupId, name, size, received, keptAt, asideUntil, tries, usedAt, upload,
            isUnsure
        FROM photo;
        DROP TABLE photo;
        ALTER TABLE photoFile RENAME TO photo;
        """

    /// Deletes the files of photos whose rows are gone.
    func sweepPhotos() throws {
        try photos.withLock { files in
            files.sweep(except: try read { try String.fetchSet($0, sql: "SELECT file FROM photo") })
        }
    }
}
