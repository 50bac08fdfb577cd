import Foundation
import GuestModels
import Testing

@Suite struct NoticeTests {
    private func clock() throws -> ParkClock { try #require(ParkClock(timeZone: "Europe/Amsterdam")) }

    @Test func `Quiet hours end on the park's clock when the clocks change`() throws {
        let clock = try clock()
        let from = try #require(LocalTime("22:00"))
        let until = try #require(LocalTime("08:00"))
        let night = QuietHours(from: from, until: until)
        // The clocks go back at three in the morning of 25 October 2026.
        let day = try #require(LocalDate("2026-10-24"))
        let noon = clock.instant(day, .noon)
        #expect(night.end(after: noon, clock) == noon)
        let late = clock.instant(day, from)
        let morning = clock.instant(day.adding(days: 1), until)
        #expect(night.end(after: late, clock) == morning)
        #expect(morning.timeIntervalSince(late) == 11 * 3600)
        #expect(night.end(after: late.addingTimeInterval(-1), clock) == late.addingTimeInterval(-1))
        #expect(night.end(after: morning.addingTimeInterval(-1), clock) == morning)
        #expect(night.end(after: morning, clock) == morning)
        let siesta = QuietHours(from: .noon, until: from)
        #expect(siesta.end(after: noon, clock) == late)
        #expect(siesta.end(after: late, clock) == late)
        #expect(QuietHours(from: .noon, until: .noon).end(after: noon, clock) == noon)
    }

    @Test func `A notice rings at once or when quiet hours end`() throws {
        let clock = try clock()
        let from = try #require(LocalTime("22:00"))
        let until = try #require(LocalTime("08:00"))
        let night = QuietHours(from: from, until: until)
        let start = clock.instant(try #require(LocalDate("2026-01-01")), .midnight)
        var random = SeededGenerator(seed: 5)
        for _ in 0..<20_000 {
            let instant = start.addingTimeInterval(Double.random(in: 0...63_072_000, using: &random))
            let end = night.end(after: instant, clock)
            #expect(end == instant || clock.instant(clock.date(at: end), until) == end)
            #expect(end.timeIntervalSince(instant) <= 11 * 3600)
            #expect(night.end(after: end, clock) == end)
        }
    }

    @Test func `Every notice has a text in every language`() {
        let subject = Notice.Subject(
            group: Identifier(UUID()),
            booking: Identifier(UUID()),
            topic: Identifier(UUID())
        )
        for notice in Notice.allCases {
            let (title, body) = notice.text(group: "Friends", park: "Park", number: "ABCD-EFGH")
            for language in Language.allCases {
                #expect(!title[language].isEmpty && !body[language].isEmpty)
            }
            #expect(subject.thread(of: notice).utf8.count <= 64)
        }
    }
}
