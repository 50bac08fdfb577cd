import Foundation
import GuestModels
import Postgres

/// A feature's contributions to the service.
///
/// Each feature declares its own in its folder, and `Features.all` lists them.
struct Feature: Sendable {
    let name: String
    /// Handlers by the name of their policy row; one table for each file of routes.
    var handlers: [[String: RouteTable.Handler]] = []
    /// The actions that phones may do offline, by name and version, such as `planItem.add@1`.
    var mutations: [String: MutationVerb] = [:]
    /// The kinds of uploads that belong to the feature.
    var uploads: [UploadKind] = []
    var jobs: [any Work.Type] = []
    var schedules: [Schedule] = []
    var retention: [Retention] = []
    var personalData: [PersonalData] = []
    var departures: [Departure] = []
    var takeOvers: [TakeOver] = []
    var regroupings: [Regrouping] = []
}

/// The contributions of all features, put together once when the process starts.
struct FeatureTable: Sendable {
    let handlers: [String: RouteTable.Handler]
    let mutations: [String: MutationVerb]
    let uploads: [String: UploadKind]
    let jobs: [String: any Work.Type]
    /// The kinds of all jobs, sorted.
    let jobKinds: [String]
    let schedules: [Schedule]
    /// Retentions by the name that jobs carry.
    let retention: [String: Retention]
    /// Personal data in the order of erasure: a feature comes before the features that it is built on.
    let personalData: [PersonalData]
    let departures: [Departure]
    let takeOvers: [TakeOver]
    let regroupings: [Regrouping]

    /// The error that two features use the same name, or that one feature declares a name twice.
    struct Duplicate: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter features: all features, each after the features that it calls.
    /// - Throws: `Duplicate`, which stops the start, because one of two equal names would never be reached.
    init(_ features: [Feature]) throws(Duplicate) {
        handlers = try Self.unique(features.flatMap { $0.handlers.joined().map { ($0.key, $0.value) } })
        mutations = try Self.unique(features.flatMap { $0.mutations.map { ($0.key, $0.value) } })
        uploads = try Self.unique(features.flatMap { $0.uploads.map { ($0.name, $0) } })
        jobs = try Self.unique(features.flatMap { $0.jobs.map { ($0.kind, $0) } })
        jobKinds = jobs.keys.sorted()
        schedules = features.flatMap(\.schedules)
        retention = try Self.unique(features.flatMap { $0.retention.map { ($0.name, $0) } })
        personalData = features.reversed().flatMap(\.personalData)
        departures = features.flatMap(\.departures)
        takeOvers = features.flatMap(\.takeOvers)
        regroupings = features.flatMap(\.regroupings)
    }

    private static func unique<Value>(_ pairs: [(String, Value)]) throws(Duplicate) -> [String: Value] {
        var values: [String: Value] = [:]
        for (name, value) in pairs {
            guard values.updateValue(value, forKey: name) == nil else {
                throw Duplicate(description: "\(name) is declared twice")
            }
        }
        return values
    }
}

/// Old rows that are deleted in portions.
struct Retention: Sendable {
    /// The name of the retention; waiting jobs contain it, so a name never gets another meaning.
    let name: String
    /// Deletes one portion of the old rows; returns whether there may be more.
    let forget: @Sendable (Act) async throws -> Bool

    init(_ name: String, _ forget: @escaping @Sendable (Act) async throws -> Bool) {
        self.name = name
        self.forget = forget
    }

    /// Makes a retention from commands, each of which deletes one portion at most.
    init(_ name: String, running commands: @escaping @Sendable (_ now: Date) -> [Command]) {
        self.init(name) { act in
            var isFull = false
            for command in commands(act.now) { isFull = try await act.tx.run(command) == Command.portion || isFull }
            return isFull
        }
    }
}

extension Date {
    func earlier(days: Int) -> Date { addingTimeInterval(-Double(days) * 86400) }
}
