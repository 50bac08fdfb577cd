import Foundation
import GuestModels
import Postgres

/// A group's stays for the calendar of a phone (RFC 5545).
///
/// A calendar program cannot sign in, so the address itself is the secret. It contains the group, the guest and a
/// digest that only this server can make. When the membership ends, the address answers an empty calendar.
enum GroupCalendar {
    /// The secret last part of the calendar's address, for a member of the group.
    static func token(of group: TravelGroup.ID, _ look: Look) async throws -> String {
        let guest = try look.principal.guest()
        guard try await look.reader.first(TravelGroup.ownRow(in: group, look)) != nil else { throw Refusal.notFound }
        return look.app.secret.pass([group.uuid, guest.uuid], for: "calendar")
    }

    /// The text of the calendar that belongs to the last part of an address.
    ///
    /// Throws `notFound` for an address that this server did not make.
    static func show(_ token: String, _ look: Look) async throws -> String {
        guard let ids = look.app.secret.ids(in: token, count: 2, for: "calendar") else { throw Refusal.notFound }
        let query = ArrivalSQL.calendar(of: TravelGroup.ID(ids[0]), for: Guest.ID(ids[1]))
        return try await text(look.reader.all(query))
    }

    private static func text(_ rows: [ArrivalSQL.CalendarRow]) throws -> String {
        var lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Voorpret//Stays//EN", "X-WR-CALNAME:Voorpret"]
        for row in rows {
            let clock = try ParkClock(stored: row.timeZone)
            lines += [
                "BEGIN:VEVENT", "UID:\(row.id)@voorpret", "DTSTAMP:\(instant(row.changedAt))",
                "SEQUENCE:\(row.version)",
                "DTSTART:\(instant(clock.instant(row.stay.arrival, row.rules.checkInFrom)))",
                "DTEND:\(instant(clock.instant(row.stay.departure, row.checkOutBy)))",
                "SUMMARY:\(escaped(row.park)) \(row.number)",
                "LOCATION:\(escaped(row.park + " " + row.cottages.joined(separator: ", ")))", "END:VEVENT",
            ]
        }
        return (lines + ["END:VCALENDAR"]).map(folded).joined(separator: "\r\n") + "\r\n"
    }

    /// An instant in the format of calendar files, such as `20270514T130000Z`.
    private static func instant(_ date: Date) -> String {
        String(date.rfc3339.filter { $0 != "-" && $0 != ":" }.prefix(15)) + "Z"
    }

    /// Escapes a text as RFC 5545, section 3.3.11, asks.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing(";", with: "\\;").replacing(",", with: "\\,")
            .replacing("\n", with: "\\n")
    }

    /// Folds a long line as RFC 5545, section 3.1, asks: parts of at most 75 bytes, each next part behind a space.
    private static func folded(_ line: String) -> String {
        var parts: [String] = []
        var part = ""
        for character in line {
            if part.utf8.count + String(character).utf8.count > (parts.isEmpty ? 75 : 74) {
                parts.append(part)
                part = ""
            }
            part.append(character)
        }
        return (parts + [part]).joined(separator: "\r\n ")
    }
}
