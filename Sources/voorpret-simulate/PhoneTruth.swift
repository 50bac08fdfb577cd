import Foundation
import GuestModels
import Postgres

/// Compares what phones did and showed with the tables, without using code of the engine or the service.
struct PhoneTruth: Sendable {
    var differences: [String] = []
    private(set) var deeds = 0
    private(set) var applied = 0
    /// Mutations of a friend who had left, refused because the friend no longer sees the group.
    private(set) var refused = 0
    /// The number of times that a phone's storage was full.
    private(set) var full = 0
    private var done: [UUID: String?] = [:]
    private var ofLeavers: Set<UUID> = []

    /// Compares the shown lines with the tables; each line is `scope kind id body`.
    mutating func compare(_ shown: String, of guest: Guest.ID, withTablesOf stage: Stage) async throws {
        let lines = shown.split(separator: "\n").map(String.init)
        let scopes = Set(lines.map { String($0.prefix { $0 != " " }) }).sorted()
        let due = try await stage.texts(
            """
            SELECT 'group:' || group_id AS value FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL
            UNION ALL SELECT 'guest:' || \(guest)::uuid
            """
        )
        for scope in due where !scopes.contains(scope) { differences.append("a fresh phone lacks \(scope)") }
        let tables = try await stage.texts(
            """
            SELECT scope || ' ' || kind || ' ' || id || ' ' || body AS value FROM shown
            WHERE scope = ANY(\(scopes)::text[])
            """
        )
        if Set(lines) != Set(tables) || lines.count != tables.count {
            differences.append(
                "a fresh phone shows \(lines.count) rows, the tables have \(tables.count) for it, or others"
            )
        }
    }

    /// - Parameter absences: when the friend was out of the group, as far as the friend's phone had been told.
    mutating func read(
        _ notes: [PhoneNote],
        of friend: Friend,
        in group: TravelGroup.ID,
        absences: [(from: Date, to: Date)]
    ) {
        for note in notes {
            switch note {
            case .did(let id, _, let text):
                done[id] = text
                if !absences.isEmpty { ofLeavers.insert(id) }
            case .full: full += 1
            case .read(let sent, let received, let scopes):
                for scope in scopes {
                    let isTheirs = scope == "guest:\(friend.guest)"
                    let isOfGroup =
                        scope == "group:\(group)" || scope.hasPrefix("household:")
                        || scope == "organiser:\(group)" && friend.number == 0
                    if !isTheirs, !isOfGroup { differences.append("friend \(friend.number) received rows of \(scope)") }
                    // The service may have answered a request after the friend came back, although it was sent before.
                    for absence in absences where isOfGroup && sent > absence.from && received < absence.to {
                        let times = [sent, received].map { Int($0.timeIntervalSince(absence.from) * 1000) }
                        differences.append(
                            """
                            friend \(friend.number) asked \(times[0]) ms after having left and received rows of \(scope) \
                            after \(times[1]) ms
                            """
                        )
                    }
                }
            }
        }
    }

    /// Checks that every mutation has one outcome, and that every message exists once.
    mutating func check(in group: TravelGroup.ID, _ stage: Stage) async throws {
        deeds = done.count
        let outcomes = try await stage.texts(
            """
            SELECT mutation_id || ' ' || (outcome::json->>'result') || ' ' || coalesce(outcome::json->>'code', '') AS value
            FROM sync_outcome WHERE mutation_id = ANY(\(Array(done.keys))::uuid[])
            """
        )
        var results: [UUID: String] = [:]
        for line in outcomes {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let id = UUID(uuidString: parts[0]), parts.count == 2 else { continue }
            if results[id] != nil { differences.append("\(id) has two outcomes") }
            results[id] = parts[1]
        }
        let said = try await stage.texts(
            "SELECT text AS value FROM message WHERE group_id = \(group) AND text IS NOT NULL"
        )
        let counts = Dictionary(said.map { ($0, 1) }, uniquingKeysWith: +)
        for (id, text) in done {
            guard let result = results[id] else {
                differences.append("\(id) was done on a phone and never arrived")
                continue
            }
            let isApplied = !result.hasPrefix("rejected")
            if isApplied { applied += 1 }
            if result == "rejected not_found", ofLeavers.contains(id) { refused += 1 }
            if let text, (counts[text] ?? 0) != (isApplied ? 1 : 0) {
                differences.append("\(id) was \(result) and said \(counts[text] ?? 0) times")
            }
        }
    }
}
