import Foundation
import GuestModels
import Testing

@Suite struct IdentifierTests {
    @Test func `Every UUID is written and read as Foundation does`() throws {
        for _ in 0..<10_000 {
            let uuid = UUID()
            let id = Booking.ID(uuid)
            #expect(id.description == uuid.uuidString.lowercased())
            #expect(Booking.ID(id.description) == id)
            #expect(Booking.ID(uuid.uuidString) == id)
        }
    }

    @Test(arguments: [
        "", "0198a8d8-0000-7000-8000-00000000000", "0198a8d8-0000-7000-8000-0000000000000",
        "0198a8d8x0000-7000-8000-000000000000", "0198a8d8-0000-7000-8000-00000000000g",
        "٠198a8d8-0000-7000-8000-00000000000",
    ])
    func `A text that is not a UUID is refused`(_ text: String) {
        #expect(Booking.ID(text) == nil)
    }

    @Test func `New identifiers are version 7 and sort by time`() {
        let source = IdentifierSource.random
        let early: Booking.ID = source.next(at: Date(timeIntervalSince1970: 1_795_258_800))
        let late: Booking.ID = source.next(at: Date(timeIntervalSince1970: 1_795_258_800.001))
        #expect(early < late)
        #expect(early.description.dropFirst(14).first == "7")
        #expect("89ab".contains(early.description.dropFirst(19).first ?? "x"))
    }
}
