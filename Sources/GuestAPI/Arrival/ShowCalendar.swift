import Foundation
import GuestModels
import Postgres

/// A group's stays for the calendar of a phone (RFC 5545).
///
/// A calendar program cannot sign in, so the address itself is the secret: group and guest, and a digest that only this
/// server can make. It ends with the membership.
enum GroupCalendar {
    /// The last part of the address: 32 bytes of ids and 16 of digest, in hexadecimal.
    static func token(of group: TravelGroup.ID, for guest: Guest.ID, _ app: AppEnvironment) -> String {
        let ids = [group.uuid, guest.uuid].map { $0.uuidString.lowercased().replacing("-", with: "") }.joined()
        return ids + digest(group, guest, app)
    }

    private static func digest(_ group: TravelGroup.ID, _ guest: Guest.ID, _ app: AppEnvironment) -> String {
        app.secret.digest("calendar", "\(group) \(guest)").prefix(16)
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Throws `notFound` for an address that is not ours.
    static func read(_ token: String, _ app: AppEnvironment) throws(Refusal) -> (TravelGroup.ID, Guest.ID) {
        guard token.utf8.count == 96, let group = TravelGroup.ID(hex: token.prefix(32)),
            let guest = Guest.ID(hex: token.dropFirst(32).prefix(32)),
            token.dropFirst(64) == digest(group, guest, app)
        else { throw .notFound }
        return (group, guest)
    }

    static func text(_ rows: [ArrivalSQL.CalendarRow], at now: Date) -> String {
        var lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Voorpret//Stays//EN", "X-WR-CALNAME:Voorpret"]
        for row in rows {
            guard let clock = ParkClock(timeZone: row.timeZone) else { continue }
            lines += [
                "BEGIN:VEVENT", "UID:\(row.id)@voorpret", "DTSTAMP:\(instant(now))", "SEQUENCE:\(row.version)",
                "DTSTART:\(instant(clock.instant(row.stay.arrival, row.rules.checkInFrom)))",
                "DTEND:\(instant(clock.instant(row.stay.departure, row.rules.checkOutBy)))",
                "SUMMARY:\(escaped(row.park)) \(row.number)",
                "LOCATION:\(escaped(row.park + " " + row.cottages.joined(separator: ", ")))", "END:VEVENT",
            ]
        }
        return (lines + ["END:VCALENDAR"]).map(folded).joined(separator: "\r\n") + "\r\n"
    }

    /// As `20270514T130000Z`.
    private static func instant(_ date: Date) -> String {
        String(date.rfc3339.filter { $0 != "-" && $0 != ":" }.prefix(15)) + "Z"
    }

    /// Section 3.3.11.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing(";", with: "\\;").replacing(",", with: "\\,")
            .replacing("\n", with: "\\n")
    }

    /// Section 3.1: at most 75 bytes a line, the rest behind a space.
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

extension Identifier {
    /// Thirty-two digits without hyphens.
    fileprivate init?(hex: Substring) {
        let cuts = [8, 12, 16, 20]
        let text = hex.enumerated().map { cuts.contains($0.offset) ? "-\($0.element)" : "\($0.element)" }.joined()
        self.init(text)
    }
}
