import Foundation
import GuestModels
import Postgres

extension Picture {
    typealias ID = Identifier<Picture>
}

enum PictureSQL {
    /// The outcome of an upload that should be a picture.
    struct Outcome: Sendable {
        /// nil if the bytes are no picture.
        let made: Picture.Made?
    }

    /// The outcome; no row while there is none.
    static func outcome(_ id: Picture.ID) -> Query<Outcome> {
        Query(
            """
            SELECT width, height, size, crc32, taken_at, taken_offset FROM picture
            WHERE id = \(id) AND done_at IS NOT NULL
            """
        ) { row in
            guard let width = try row.decodeIfPresent("width", as: Int.self),
                let height = try row.decodeIfPresent("height", as: Int.self)
            else { return Outcome(made: nil) }
            return Outcome(
                made: Picture.Made(
                    width: width,
                    height: height,
                    size: try row.decode("size"),
                    crc32: UInt32(clamping: try row.decode("crc32", as: Int.self)),
                    takenAt: try row.decodeIfPresent("taken_at"),
                    takenOffset: try row.decodeIfPresent("taken_offset")
                )
            )
        }
    }

    static func setDone(_ id: Picture.ID, _ made: Picture.Made?, at now: Date) -> Command {
        // The process has read a stranger's file, so its texts are not trusted.
        let takenAt = made?.takenAt.flatMap { $0.unicodeScalars.count <= 19 ? $0 : nil }
        let offset = made?.takenOffset.flatMap { $0.unicodeScalars.count <= 6 ? $0 : nil }
        return Command(
            """
            INSERT INTO picture (id, width, height, size, crc32, taken_at, taken_offset, done_at)
            VALUES (\(id), \(made?.width), \(made?.height), \(made?.size), \(made.map { Int($0.crc32) }),
                \(takenAt), \(offset), \(now))
            ON CONFLICT (id) DO UPDATE SET width = EXCLUDED.width, height = EXCLUDED.height, size = EXCLUDED.size,
                crc32 = EXCLUDED.crc32, taken_at = EXCLUDED.taken_at, taken_offset = EXCLUDED.taken_offset,
                done_at = EXCLUDED.done_at
            WHERE picture.done_at IS NULL
            """
        )
    }

    /// Counts one more death of the process that reads the bytes; returns how many there were.
    static func countDeath(of id: Picture.ID) -> Query<Int> {
        Query(
            """
            INSERT INTO picture (id, deaths) VALUES (\(id), 1)
            ON CONFLICT (id) DO UPDATE SET deaths = picture.deaths + 1 RETURNING deaths
            """
        ) { try $0.decode("deaths") }
    }

    static func delete(_ id: Picture.ID) -> Command { Command("DELETE FROM picture WHERE id = \(id)") }
}
