import GuestModels
import SyncMessages
import Testing

@testable import GuestAPI

@Suite struct FeatureTests {
    @Test func `Two route handlers with the same name stop the service's start`() throws {
        let handlers: [String: RouteTable.Handler] = ["listParks": { _ in .noContent }]
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([
                Feature(name: "one", handlers: [handlers]), Feature(name: "other", handlers: [handlers]),
            ])
        }
    }

    @Test func `Two jobs of the same kind stop the service's start`() throws {
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([Feature(name: "one", jobs: [ExpireHold.self, ExpireHold.self])])
        }
    }

    @Test func `Two mutations with the same name stop the service's start`() throws {
        let mutations = ["planItem.add@1": MutationVerb { _, _ in .applied }]
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([
                Feature(name: "one", mutations: mutations), Feature(name: "other", mutations: mutations),
            ])
        }
    }

    @Test func `Two retention rules with the same name stop the service's start`() throws {
        let retention = Retention("tokens") { _ in false }
        #expect(throws: FeatureTable.Duplicate.self) {
            _ = try FeatureTable([Feature(name: "one", retention: [retention, retention])])
        }
    }

    @Test func `No two features of the service declare the same name`() throws {
        let table = try FeatureTable(Features.all)
        #expect(table.jobs.count == table.jobKinds.count)
        #expect(table.handlers.count == Policy.rows.count)
    }

    /// Features that depend on others erase first, so a group's row still exists when its plans are deleted.
    @Test func `A guest's erasure runs each feature before the features it calls`() throws {
        let names = try FeatureTable(Features.all).personalData.map(\.name)
        let planning = try #require(names.firstIndex(of: "planning"))
        let groups = try #require(names.firstIndex(of: "groups"))
        #expect(planning < groups)
        #expect(names.last == "identity")
    }
}
