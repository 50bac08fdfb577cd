import Foundation
import GuestModels
import Postgres

/// Once a day, writes the revenue earned by the end of the day before into the ledger, and releases money paid ahead
/// for it.
///
/// Each booking's journal is the difference between the earned amounts and the amounts in the ledger. So later changes
/// are corrected on the next day, such as goodwill after a stay or a new VAT rate. A day that was left out is made up
/// for too. Bookings that came from another system have no group: their money is in that system's books.
struct EarnRevenue: Work {
    static let kind = "earnRevenue"
    static let queue = Job.Queue.effects

    /// An account that is credited, and the VAT rate where it has one.
    struct Line: Hashable, Sendable {
        let account: Journal.Account
        let rate: Int?
    }

    let parkId: Park.ID
    /// The last day that is over, in the park's time zone.
    let day: LocalDate

    func finish(_ act: Act) async throws {
        let written = try await act.tx.first(EarnSQL.lastDay(of: parkId))
        guard let park = try await act.tx.first(ParkSQL.park(parkId)), let vat = park.rules.vat,
            written.map({ $0.day < day }) ?? true
        else { return }
        let clock = try ParkClock(stored: park.timeZone)
        // If the VAT rates have changed, look at all bookings again.
        let last = written.flatMap { $0.vat == vat ? $0.day : nil }
        // A charge of the last day's final minutes may have been committed after the last run, so look an hour back.
        let then = last.map { clock.instant($0.adding(days: 1), .midnight).addingTimeInterval(-3600) }
        let bookings = try await act.tx.all(EarnSQL.bookings(of: parkId, after: last, then, through: day))
        let (earnings, posted, ahead) = try await act.tx.all(
            EarnSQL.earnings(of: bookings.map(\.id)),
            EarnSQL.posted(of: bookings.map(\.id)),
            EarnSQL.paidAhead(of: bookings.map(\.id))
        )
        let aheadOf = Dictionary(ahead.map { ($0.booking, $0) }) { $1 }
        let earningsOf = Dictionary(grouping: earnings, by: \.booking)
        let postedOf = Dictionary(grouping: posted, by: \.booking)
        let days = Stay(from: last?.adding(days: 1) ?? day, to: day.adding(days: 1))?.nights ?? []
        for booking in bookings {
            let its = (earningsOf[booking.id] ?? []).map(\.earning)
            var standing = Dictionary((postedOf[booking.id] ?? []).map { ($0.line, $0.amount) }, uniquingKeysWith: +)
            for day in days {
                let lines = Self.lines(its.earned(through: day, vat))
                let entries = Self.entries(from: standing, to: lines)
                guard !entries.isEmpty else { continue }
                Journal(
                    key: "earned:\(booking.id):\(day)",
                    park: parkId,
                    booking: booking.id,
                    reason: "Earned by the end of \(day)",
                    day: day,
                    currency: booking.currency,
                    entries: entries
                ).post(act)
                standing = lines
            }
            // Money paid ahead for the earned part settles the guests' debt, so release it.
            let earned = standing.values.reduce(0, +)
            let paid = aheadOf[booking.id]
            let rise = max(min(paid?.paid ?? 0, earned), 0) - (paid?.released ?? 0)
            guard rise != 0 else { continue }
            Journal(
                key: "released:\(booking.id):\(day)",
                park: parkId,
                booking: booking.id,
                reason: "Paid ahead for what was earned by \(day)",
                day: day,
                currency: booking.currency,
                entries: [.init(account: .prepaid, amount: rise), .init(account: .receivable, amount: -rise)]
            ).post(act)
        }
        act.tx.later([EarnSQL.setLastDay(day, try JSONText(encoding: vat), of: parkId, at: act.now)])
    }

    /// The ledger lines that credit the earned amounts, in minor units.
    private static func lines(_ earned: Earned) -> [Line: Int64] {
        var lines = [Line(account: .touristTax, rate: nil): earned.touristTax]
        for (rate, gross) in earned.gross {
            let (net, vat) = Earned.parts(of: gross, rate: rate)
            lines[Line(account: .revenue, rate: rate)] = net
            lines[Line(account: .vat, rate: rate)] = vat
        }
        return lines
    }

    /// The entries that turn the standing lines into the new lines; the guests owe the sum.
    private static func entries(from standing: [Line: Int64], to lines: [Line: Int64]) -> [Journal.Entry] {
        var entries: [Journal.Entry] = []
        for line in Set(standing.keys).union(lines.keys) {
            let rise = (lines[line] ?? 0) - (standing[line] ?? 0)
            if rise != 0 { entries.append(.init(account: line.account, amount: -rise, rate: line.rate)) }
        }
        entries.sort { ($0.account.rawValue, $0.rate ?? 0) < ($1.account.rawValue, $1.rate ?? 0) }
        let owed = entries.reduce(0) { $0 - $1.amount }
        return owed == 0 ? entries : [.init(account: .receivable, amount: owed)] + entries
    }
}
