import Foundation
import GuestModels
import Postgres

/// The events that the provider has sent by webhook.
enum ProviderEventSQL {
    /// Keeps an event; no row changes if the event is known already.
    static func insert(_ event: ProviderEvent, at now: Date) -> Command {
        Command(
            """
            INSERT INTO provider_event (id, kind, subject, account, received_at)
            VALUES (\(event.id), \(event.kind), \(event.subject), \(event.account), \(now)) ON CONFLICT DO NOTHING
            """
        )
    }

    static func event(_ id: String) -> Query<(event: ProviderEvent, receivedAt: Date)> {
        Query("SELECT kind, subject, account, received_at FROM provider_event WHERE id = \(id) AND state = 'new'") {
            row in
            (
                ProviderEvent(
                    id: id,
                    kind: try row.decode("kind"),
                    subject: try row.decodeIfPresent("subject"),
                    account: try row.decodeIfPresent("account")
                ),
                try row.decode("received_at")
            )
        }
    }

    static func closeEvent(_ id: String, isParked: Bool, note: String?) -> Command {
        Command(
            "UPDATE provider_event SET state = \(isParked ? "parked" : "done"), note = \(note) WHERE id = \(id)"
        )
    }

    static func deleteOldEvents(now: Date) -> Command {
        .forget("provider_event", where: "state = 'done' AND received_at < \(now.addingTimeInterval(-60 * 86400))")
    }

    /// Parked events, the oldest first: the provider's events that head office must look at.
    static func parkedEvents(limit: Int) -> Query<ParkedEvent> {
        Query(
            """
            SELECT id, kind, subject, received_at, note FROM provider_event WHERE state = 'parked'
            ORDER BY received_at, id LIMIT \(limit)
            """
        ) { row in
            ParkedEvent(
                id: try row.decode("id"),
                kind: try row.decode("kind"),
                subject: try row.decodeIfPresent("subject"),
                receivedAt: try row.decode("received_at"),
                note: try row.decodeIfPresent("note")
            )
        }
    }
}
