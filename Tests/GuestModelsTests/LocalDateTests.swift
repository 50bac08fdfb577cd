import Foundation
import GuestModels
import Testing

@Suite struct LocalDateTests {
    @Test func `Every day from 1600 to 2400 agrees with Foundation's calendar`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let first = try #require(LocalDate("1600-01-01"))
        let last = try #require(LocalDate("2400-12-31"))
        for days in stride(from: first.daysSince1970, through: last.daysSince1970, by: 1) {
            let date = LocalDate(daysSince1970: days)
            let (year, month, day) = date.components
            #expect(LocalDate(year: year, month: month, day: day) == date)
            if days % 37 == 0 {
                let parts = calendar.dateComponents(
                    [.year, .month, .day, .weekday],
                    from: Date(timeIntervalSince1970: Double(days) * 86400)
                )
                #expect(parts.year == year && parts.month == month && parts.day == day)
                #expect(Weekday.allCases[((parts.weekday ?? 0) + 5) % 7] == date.weekday)
                #expect(LocalDate(date.description) == date)
            }
        }
    }

    @Test(arguments: [
        "2027-02-29", "2027-13-01", "2027-00-10", "2027-1-1", "20270101", "2027-01-01T00", "", "٢٠٢٧-٠١-٠١",
        "0000-01-01",
    ])
    func `A text that is not a date is refused`(_ text: String) {
        #expect(LocalDate(text) == nil)
    }

    @Test func `Adding days never overflows`() {
        #expect(LocalDate.latest.adding(days: .max) == .latest)
        #expect(LocalDate.earliest.adding(days: .min) == .earliest)
    }
}
