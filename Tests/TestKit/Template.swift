public import Foundation
import GuestAPI
import Postgres

/// A database with the schema; it is loaded once per process, and the tests' databases are copies of it.
public actor Template {
    public static let shared = Template()
    private var made: Task<String, any Error>?

    public func name() async throws -> String {
        if let made { return try await made.value }
        let task = Task {
            let cluster = try testCluster()
            let name = "template_\(ProcessInfo.processInfo.processIdentifier)"
            try await Script.run("DROP DATABASE IF EXISTS \(name) WITH (FORCE)", on: cluster)
            try await Script.run("CREATE DATABASE \(name)", on: cluster)
            let url = cluster.replacing("/voorpret?", with: "/\(name)?")
            try await Migrator(connectionString: url, folder: projectFolder).run()
            return name
        }
        made = task
        return try await task.value
    }
}

/// The folder of the checkout.
public let projectFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
