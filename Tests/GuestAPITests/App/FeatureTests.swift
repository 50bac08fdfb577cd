import GuestModels
import SyncMessages
import Testing

@testable import GuestAPI

@Suite struct FeatureTests {
    @Test func `Two features with a handler of one name stop the start`() throws {
        let handlers: [String: RouteTable.Handler] = ["listParks": { _ in .noContent }]
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([
                Feature(name: "one", handlers: [handlers]), Feature(name: "other", handlers: [handlers]),
            ])
        }
    }

    @Test func `Two jobs of one kind stop the start`() throws {
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([Feature(name: "one", jobs: [ExpireHold.self, ExpireHold.self])])
        }
    }

    @Test func `Two mutations of one name stop the start`() throws {
        let mutations = ["planItem.add@1": MutationVerb { _, _ in .applied }]
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([
                Feature(name: "one", mutations: mutations), Feature(name: "other", mutations: mutations),
            ])
        }
    }

    @Test func `Two retentions of one name stop the start`() throws {
        let retention = Retention("tokens") { _ in false }
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([Feature(name: "one", retention: [retention, retention])])
        }
    }

    @Test func `The features of the service have each name once`() throws {
        let table = try FeatureTable(Features.all)
        #expect(table.jobs.count == table.jobKinds.count)
        #expect(table.handlers.count == Policy.rows.count)
    }

    /// Features that depend on others erase first, so a group's row still exists when its plans are deleted.
    @Test func `An erasure begins with the features that call others`() throws {
        let names = try FeatureTable(Features.all).personalData.map(\.name)
        let planning = try #require(names.firstIndex(of: "planning"))
        let groups = try #require(names.firstIndex(of: "groups"))
        #expect(planning < groups)
        #expect(names.last == "identity")
    }
}
