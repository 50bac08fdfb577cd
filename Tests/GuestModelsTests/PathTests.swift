import Foundation
import GuestModels
import Testing

@Suite struct PathTests {
    private let group = TravelGroup.ID(UUID())
    private let option = StayOption.ID(UUID())

    @Test func `A path prints a URL with the given ids`() {
        #expect(Paths.groupOptionVote(group, option) == "/v1/groups/\(group)/options/\(option)/vote")
        #expect(Paths.groups() == "/v1/groups")
    }

    @Test func `A path reads the ids in the segments of a URL`() throws {
        let read = try #require(Paths.groupOption.values(["group": "\(group)", "option": "\(option)"]))

        #expect(read == (group, option))
    }

    @Test func `A path refuses a URL segment that is no id`() {
        #expect(Paths.groupOption.values(["group": "\(group)", "option": "first"]) == nil)
        #expect(Paths.group.values([:]) == nil)
    }

    @Test func `A text in a path is encoded as one URL segment`() {
        #expect(Paths.payPage("a/b?c d") == "/pay/a%2Fb%3Fc%20d")
        #expect(Paths.calendar("é") == "/v1/calendars/%C3%A9")
    }
}
