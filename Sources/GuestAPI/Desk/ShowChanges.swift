import GuestModels
import Postgres

/// The change feed for the property system and the accountant: every change of a park's bookings, cottages and guests.
enum ChangesFeed {
    /// Shows a page of the changes of a park.
    ///
    /// - Parameter since: the number of the last change that the reader has; 0 for all changes from the first.
    /// - Returns: the JSON of a page, put together from JSON that PostgreSQL has made.
    /// - Throws: `sinceAhead` for a number that the feed has not reached.
    static func show(_ park: Park.ID, since: Int, limit: Int, _ look: Look) async throws -> [UInt8] {
        try look.principal.require([.finance], or: .feed, at: park)
        let (parks, versions, changes) = try await look.reader.all(
            ParkSQL.park(park),
            DeskSQL.lastChange(of: park),
            DeskSQL.changes(of: park, after: since, limit: limit)
        )
        guard !parks.isEmpty else { throw Refusal.notFound }
        guard since <= versions.first ?? 0 else { throw Refusal.sinceAhead }
        let last = changes.last?.number ?? since
        var bytes = Array(#"{"items":["#.utf8)
        bytes.reserveCapacity(changes.reduce(64) { $0 + $1.json.utf8.count + 1 })
        for (index, change) in changes.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: change.json.utf8)
        }
        bytes.append(contentsOf: #"],"next":\#(last),"isComplete":\#(last >= versions.first ?? 0)}"#.utf8)
        return bytes
    }
}

extension Refusal {
    /// `since` is above the last number of the park's feed, as after a restored backup.
    static let sinceAhead = Refusal(
        .conflict,
        "since_ahead",
        en: "We have no change of that number; the data may have come back from a backup. Begin again from 0.",
        nl: "Wij hebben geen wijziging met dat nummer; mogelijk is er een back-up teruggezet. Begin opnieuw bij 0.",
        de:
            "Eine Änderung mit dieser Nummer haben wir nicht; vielleicht wurde ein Backup eingespielt. Beginne wieder bei 0."
    )
}
