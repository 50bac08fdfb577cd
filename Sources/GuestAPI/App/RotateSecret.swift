public import Foundation
import GuestModels
public import Postgres

extension ServerSecret {
    /// Reads the keys in a folder, and compares them with the digests of keys in the database.
    ///
    /// A database without digests accepts the keys in the folder, or a new key. Every other database needs all keys of
    /// its digests.
    ///
    /// - Throws: `SettingsError` with a sentence for the operator who starts the service.
    public static func of(_ folder: SecretFolder, for database: Database, at now: Date) async throws -> ServerSecret {
        let acting = Principal.job("secret").setting
        guard try await database.read(as: acting, { try await $0.first(SecretSQL.isPrepared) }) == true else {
            throw SettingsError(description: "the database has no schema of this version yet; run `voorpret migrate`")
        }
        let known = try await database.read(as: acting) { try await $0.all(SecretSQL.keys) }
        if known.isEmpty, try folder.keys().isEmpty { try folder.make(1) }
        let secret = try ServerSecret(folder)
        for row in known {
            guard let key = secret.keys.first(where: { $0.number == row.number }) else {
                throw SettingsError(
                    description: "this database is sealed with \(folder.file(row.number).path()), which is not there. "
                        + "Put it back from a backup, or set VOORPRET_STATE to the folder that has it"
                )
            }
            guard key.digest == row.digest else {
                throw SettingsError(
                    description:
                        "\(folder.file(row.number).path()) is not the secret that this database is sealed with. "
                        + "Put the right one back from a backup, or set VOORPRET_STATE to the folder that has it"
                )
            }
        }
        try await database.transaction(as: acting) { tx in
            for key in secret.keys where !known.contains(where: { $0.number == key.number }) {
                try await tx.run(SecretSQL.insert(key, at: now))
            }
        }
        return secret
    }
}

extension Office {
    /// Lists the keys, the newest first: a line with the key's date and the number of values that it seals.
    public func listKeys() async throws -> [String] {
        let counts = try await sealed()
        let keys = try await app.database.read(as: Self.acting.setting) { try await $0.all(SecretSQL.keys) }
        return keys.reversed().map { key in
            "secret \(key.number)  since \(key.madeAt.rfc3339)  seals \(counts[key.number] ?? 0) values"
        }
    }

    /// Makes a new key, waits until all processes have seen it, and seals all stored values with it.
    ///
    /// A second call continues a rotation that was interrupted. Nothing stops working: the older keys still open links,
    /// calendars and cursors, until `endKey`.
    ///
    /// - Parameter pause: the wait before values are sealed; longer than other processes take to read the folder again.
    /// - Returns: the number of the new key, and how many values are now sealed with it.
    public func rotateSecret(pause: Duration = .seconds(6)) async throws -> (number: Int, values: Int) {
        guard let folder = app.secret.folder else { throw BadArgument(description: "this secret lies in no folder") }
        var newest = app.secret.keys.first?.number ?? 0
        if try await sealed().keys.allSatisfy({ $0 == newest }) {
            newest += 1
            guard newest <= 0xFFFF else { throw BadArgument(description: "there are no numbers left") }
            try folder.make(newest)
            app.secret.lookAgain()
            guard let key = app.secret.keys.first, key.number == newest else {
                throw BadArgument(description: "\(folder.file(newest).path()) cannot be read")
            }
            try await app.act(as: Self.acting) { act in
                try await act.tx.run(SecretSQL.insert(key, at: act.now))
                try Audit.record("secret.rotate", target: nil, after: key.number, act)
            }
        }
        try await Task.sleep(for: pause)
        var values = 0
        for place in SecretSQL.Place.allCases { values += try await seal(place, with: newest) }
        return (newest, values)
    }

    /// Ends an older key, with all links, calendars and cursors that it signed.
    ///
    /// - Throws: `BadArgument` for the newest key, and for a key that still seals a value.
    public func endKey(_ number: Int) async throws {
        guard let folder = app.secret.folder else { throw BadArgument(description: "this secret lies in no folder") }
        guard number != app.secret.keys.first?.number else {
            throw BadArgument(description: "secret \(number) is the newest; rotate first")
        }
        let values = try await sealed()[number] ?? 0
        guard values == 0 else {
            throw BadArgument(description: "secret \(number) still seals \(values) values; rotate to the end first")
        }
        let isKnown = try await app.act(as: Self.acting) { act in
            guard try await act.tx.run(SecretSQL.delete(number)) == 1 else { return false }
            try Audit.record("secret.end", target: nil, before: number, act)
            return true
        }
        guard isKnown || FileManager.default.fileExists(atPath: folder.file(number).path()) else {
            throw BadArgument(description: "there is no secret \(number)")
        }
        try folder.remove(number)
    }

    private static let acting = Principal.job("secret")

    /// The number of values that each key seals, by the number of the key.
    private func sealed() async throws -> [Int: Int] {
        var counts: [Int: Int] = [:]
        for place in SecretSQL.Place.allCases {
            try await portions(of: place) { values in
                for value in values { counts[ServerSecret.number(of: value.sealed), default: 0] += 1 }
            }
        }
        return counts
    }

    private func seal(_ place: SecretSQL.Place, with newest: Int) async throws -> Int {
        var sealed = 0
        try await portions(of: place) { values in
            let anew = try values.filter { ServerSecret.number(of: $0.sealed) != newest }.map { value in
                let data = try app.secret.open(value.sealed, for: place.purpose, context: value.context)
                return (value, try app.secret.seal(data, for: place.purpose, context: value.context))
            }
            guard !anew.isEmpty else { return }
            // A value that has changed since it was read is not replaced: it is sealed with the newest key already.
            sealed += try await app.database.transaction(as: Self.acting.setting) {
                try await $0.run(SecretSQL.replace(anew, in: place))
            }
        }
        return sealed
    }

    private func portions(
        of place: SecretSQL.Place,
        _ body: ([SecretSQL.Value]) async throws -> Void
    ) async throws {
        var last: SecretSQL.Value?
        while true {
            let after = last
            let values = try await app.database.read(as: Self.acting.setting) {
                try await $0.all(SecretSQL.values(in: place, after: after, limit: 200))
            }
            guard !values.isEmpty else { return }
            try await body(values)
            last = values.last
        }
    }
}
