import Foundation
import GuestModels
import Sync
import SyncMessages
import Testing

@Suite struct ScopeTests {
    @Test func `Every scope can be read back from its text`() {
        let uuid = UUID()
        let scopes: [Scope] = [
            .guest(.init(uuid)), .group(.init(uuid)), .household(.init(uuid)), .organiser(.init(uuid)),
            .park(.init(uuid)),
            .cottage(.init(uuid)),
        ]
        for scope in scopes { #expect(Scope(scope.description) == scope) }
        #expect(Set(scopes.map(\.description)).count == 6)
    }

    @Test(arguments: ["", "guest", "guest:", "guest:1", "woods:0198a8d8-0000-7000-8000-000000000000"])
    func `A text that is not a scope is refused`(_ text: String) {
        #expect(Scope(text) == nil)
    }
}
