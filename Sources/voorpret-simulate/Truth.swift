import Foundation
import Postgres

/// Compares the provider's books with the service's tables, without using code of either.
struct Truth {
    let summary: String
    /// The difference in euros between the provider's books and the service's shares.
    let difference: String
    let differences: [String]

    static func compare(_ stage: Stage) async throws -> Truth {
        var differences: [String] = []
        let intents = try await stage.all("payment_intents")
        let paid = intents.filter { $0["status"] as? String == "succeeded" }
        func amount(_ object: [String: Any]) -> Int64 { (object["amount"] as? NSNumber)?.int64Value ?? 0 }
        func attempt(_ object: [String: Any]) -> String { (object["metadata"] as? [String: String])?["attempt"] ?? "?" }

        // No attempt may be charged twice, and every charged attempt must be recorded as paid.
        for (id, charges) in Dictionary(grouping: paid, by: attempt) where charges.count > 1 {
            differences.append("attempt \(id) was charged \(charges.count) times")
        }
        for intent in paid {
            guard let id = UUID(uuidString: attempt(intent)) else { continue }
            let known = try await stage.query(
                "SELECT amount AS value FROM attempt WHERE id = \(id) AND state = 'succeeded'"
            )
            if known != [amount(intent)] { differences.append("attempt \(id) is paid there and not here: \(known)") }
        }
        let open = intents.filter { !["succeeded", "canceled"].contains($0["status"] as? String ?? "") }
        let doubled = Dictionary(grouping: intents, by: attempt).filter { $0.value.count > 1 }
        if !open.isEmpty { differences.append("\(open.count) intents could still be paid") }

        let refunds = try await stage.all("refunds").filter { $0["status"] as? String != "failed" }
        let taken = try await stage.all("disputes").filter {
            ["needs_response", "under_review", "lost"].contains($0["status"] as? String ?? "")
        }
        let gone = (refunds + taken).reduce(0) { $0 + amount($1) }
        let kept = paid.reduce(0) { $0 + amount($1) } - gone
        let shares = try await stage.query("SELECT coalesce(sum(paid), 0)::bigint AS value FROM share").first ?? -1
        if kept != shares { differences.append("the provider keeps \(kept), the shares say \(shares)") }

        differences += try await wrongRows(stage)
        let firm = try await stage.query("SELECT count(*) AS value FROM booking WHERE state = 'confirmed'").first ?? 0
        let all = try await stage.query("SELECT count(*) AS value FROM booking").first ?? 0
        let cents = abs(kept - shares)
        return Truth(
            summary:
                "\(all) bookings, \(firm) firm, \(intents.count) intents (\(doubled.count) asked for twice), \(paid.count) paid, \(refunds.count) given back, \(taken.count) taken back",
            difference: "\(cents / 100).\(cents % 100 / 10)\(cents % 10)",
            differences: differences
        )
    }

    /// Finds contradictions that the tables show by themselves, without the provider.
    private static func wrongRows(_ stage: Stage) async throws -> [String] {
        var differences: [String] = []
        // No share may keep more than it owes, because the surplus must go back. The park may keep the fee of a
        // cancelled booking or the deposit of a firm one. A refund that failed and came back may also stay.
        let unsettled =
            try await stage.query(
                """
                SELECT count(*) AS value FROM share JOIN booking ON booking.id = booking_id
                WHERE paid > share.amount AND NOT EXISTS (
                    -- A credit that waits for the desk keeps what others fronted from going back.
                    SELECT FROM attempt JOIN share AS other ON other.id = share_id
                    WHERE other.booking_id = booking.id AND NOT is_refundable
                ) AND (SELECT sum(paid) FROM share WHERE booking_id = booking.id) > CASE
                    WHEN state IN ('held', 'expired') THEN 0
                    WHEN state = 'cancelled' THEN
                        (SELECT sum(amount) FROM charge_line WHERE charge_line.booking_id = booking.id)
                    ELSE deposit + (
                        SELECT coalesce(sum(amount), 0) FROM charge_line
                        WHERE charge_line.booking_id = booking.id AND kind = 'cancellation'
                    )
                END
                """
            ).first ?? -1
        if unsettled != 0 {
            differences.append("\(unsettled) shares have something on them that should have gone back")
        }
        let overlapping =
            try await stage.query(
                """
                SELECT count(*) AS value FROM allocation AS one JOIN allocation AS other
                    ON one.cottage_id = other.cottage_id AND one.stay && other.stay AND one.id < other.id
                WHERE one.is_live AND other.is_live
                """
            ).first ?? -1
        if overlapping != 0 { differences.append("\(overlapping) cottages are let twice") }
        let stranded =
            try await stage.query(
                """
                SELECT count(*) AS value FROM booking WHERE state = 'held' AND hold_until < now() - interval '90 seconds'
                """
            ).first ?? -1
        if stranded != 0 { differences.append("\(stranded) holds have outlived their time") }
        return differences
    }
}
