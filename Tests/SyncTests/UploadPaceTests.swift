import Testing

@testable import Sync

@Suite struct UploadPaceTests {
    @Test func `Portions grow on a good line up to four mebibytes`() {
        var pace = UploadPace()
        for _ in 0..<10 { pace.sent(pace.bytes, in: 0.05) }
        #expect(pace.bytes == UploadPace.largest)
    }

    @Test func `Portions take about four seconds on a slow line`() {
        var pace = UploadPace()
        // 30 kbit/s are 3,750 bytes a second.
        for _ in 0..<10 { pace.sent(pace.bytes, in: Double(pace.bytes) / 3_750) }
        #expect(pace.bytes == UploadPace.smallest)
        for _ in 0..<10 { pace.sent(pace.bytes, in: Double(pace.bytes) / 100_000) }
        #expect((380_000...420_000).contains(pace.bytes))
    }

    @Test func `A cut makes the next portion smaller`() {
        var pace = UploadPace()
        for _ in 0..<3 { pace.sent(pace.bytes, in: 0.05) }
        let before = pace.bytes
        pace.cut()
        #expect(pace.bytes == before / 4)
        for _ in 0..<10 { pace.cut() }
        #expect(pace.bytes == UploadPace.smallest)
    }
}
