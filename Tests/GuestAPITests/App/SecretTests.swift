import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// The server's keys: the database knows them, and they change and end while the service runs.
@Suite struct SecretTests {
    /// Two processes on one database and one state folder, with a door code and a guest's device.
    private struct Stage {
        let api: GuestAPITestService
        let folder: SecretFolder
        let one: AppEnvironment
        let other: AppEnvironment
        let cottage: Cottage.ID

        func sealed() async throws -> Data {
            let query = Query("SELECT sealed FROM cottage_access") { try $0.decode("sealed", as: Data.self) }
            return try #require(try await api.app.database.read(as: "test") { try await $0.first(query) })
        }

        func code(_ app: AppEnvironment) async throws -> String? {
            let data = try app.secret.open(try await sealed(), for: "access", context: cottage.description)
            return try JSONDecoder().decode(CottageAccess.self, from: data).doorCode
        }
    }

    private func withStage(_ body: (Stage) async throws -> Void) async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 1)
            let folder = SecretFolder(api.stateFolder + "/keys")
            func app() async throws -> AppEnvironment {
                try AppEnvironment(
                    settings: api.app.settings,
                    now: api.app.now,
                    secret: try await ServerSecret.of(folder, for: api.app.database, at: api.now),
                    logger: api.log.logger
                )
            }
            let (one, other) = (try await app(), try await app())
            let cottage = world.cottages[0].id
            let acting = Principal.job("test").setting
            let data = Data(try ResponseEncoder.encode(CottageAccess(doorCode: "2580")))
            let sealed = try one.secret.seal(data, for: "access", context: cottage.description)
            try await one.database.transaction(as: acting) {
                try await $0.run(ArrivalSQL.setAccess(cottage, sealed: sealed, at: api.now))
            }
            try await body(Stage(api: api, folder: folder, one: one, other: other, cottage: cottage))
            await one.database.close()
            await other.database.close()
        }
    }

    @Test func `A wrong or missing server secret stops the service's start`() async throws {
        try await withStage { stage in
            let file = stage.folder.file(1)
            let right = try Data(contentsOf: file)
            let mode = try FileManager.default.attributesOfItem(atPath: file.path())[.posixPermissions] as? Int
            #expect(mode == 0o600)
            func sentence() async -> String? {
                do {
                    _ = try await ServerSecret.of(stage.folder, for: stage.api.app.database, at: stage.api.now)
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            try Data(repeating: 7, count: 32).write(to: file)
            #expect(await sentence()?.contains("is not the secret that this database is sealed with") == true)
            try FileManager.default.removeItem(at: file)
            #expect(await sentence()?.contains("which is not there") == true)
            #expect(!FileManager.default.fileExists(atPath: file.path()))
            try right.write(to: file)
            #expect(await sentence() == nil)
        }
    }

    @Test func `Links signed before a key rotation stay valid`() async throws {
        try await withStage { stage in
            let (one, other) = (stage.one, stage.other)
            let id = UUID()
            let before = other.secret.pass([id], for: "payLink")
            let (number, values) = try await Office(one).rotateSecret(pause: .zero)
            #expect(number == 2 && values == 1)
            #expect(ServerSecret.number(of: try await stage.sealed()) == 2)
            // The other process has not read the folder since the change.
            #expect(try await stage.code(other) == "2580")
            let after = one.secret.pass([id], for: "payLink")
            #expect(before != after)
            for app in [one, other] {
                for pass in [before, after] { #expect(app.secret.ids(in: pass, count: 1, for: "payLink") == [id]) }
                #expect(app.secret.ids(in: before, count: 1, for: "calendar") == nil)
            }
            #expect(try await Office(one).listKeys().map { String($0.prefix(8)) } == ["secret 2", "secret 1"])
        }
    }

    @Test func `A lost answer to a token refresh is repeated after key rotation`() async throws {
        try await withStage { stage in
            let (one, other) = (stage.one, stage.other)
            let secret = "a phone of sixteen and more"
            let acting = Principal.job("test").setting
            let guest = try await stage.api.given.guest()
            let first = Token(derivedFrom: one.secret.digest("test", "first"))
            let tokens = try await one.database.transaction(as: acting) { tx in
                try await SignIn.open(
                    Session.ID(UUID()),
                    of: .guest(try guest.id()),
                    refresh: first,
                    deviceName: "",
                    deviceHash: Token(secret).hash,
                    stage.api.app.act(in: tx, as: .job("test"))
                )
            }
            let request = RefreshRequest(refreshToken: tokens.refreshToken, deviceSecret: secret)
            func refresh(_ app: AppEnvironment) async throws -> String? {
                try await app.database.transaction(as: acting) { tx in
                    switch try await SignIn.refresh(request, stage.api.app.act(in: tx, as: .job("test"))) {
                    case .tokens(let tokens): tokens.refreshToken
                    case .reuse: nil
                    }
                }
            }
            _ = try await Office(one).rotateSecret(pause: .zero)
            let told = try #require(try await refresh(one))
            #expect(try await refresh(other) == told)
            #expect(try await refresh(one) == told)
        }
    }

    @Test func `A server key cannot be ended while data is sealed with it`() async throws {
        try await withStage { stage in
            let one = stage.one
            let id = UUID()
            let before = one.secret.pass([id], for: "payLink")
            let office = Office(one)
            await #expect(throws: Office.BadArgument.self) { try await office.endKey(1) }
            // A rotation that stopped before it had sealed anything.
            try stage.folder.make(2)
            one.secret.lookAgain()
            await #expect(throws: Office.BadArgument.self) { try await office.endKey(1) }
            let (number, values) = try await office.rotateSecret(pause: .zero)
            #expect(number == 2 && values == 1)
            try await office.endKey(1)
            one.secret.lookAgain()
            #expect(one.secret.ids(in: before, count: 1, for: "payLink") == nil)
            #expect(try await stage.code(one) == "2580")
            _ = try await ServerSecret.of(stage.folder, for: one.database, at: stage.api.now)
        }
    }
}
