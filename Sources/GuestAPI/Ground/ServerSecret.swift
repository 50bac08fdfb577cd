import Crypto
public import Foundation
import GuestModels
import Synchronization

/// The keys of this installation.
///
/// Keys seal stored values, sign links and cursors, and derive secrets that need not be stored. Each key is a file of
/// 32 bytes in the state folder: `secret` is key 1, `secret.2` is the next one. The newest key seals, signs and
/// derives; every key opens and checks. Processes read the folder again every five seconds, and at once when no known
/// key fits.
public final class ServerSecret: Sendable {
    /// One key and its number; numbers grow.
    struct Key: Sendable, Equatable {
        let number: Int
        fileprivate let bytes: Data
        fileprivate var key: SymmetricKey { SymmetricKey(data: bytes) }
        /// The digest by which the database recognises the key; it opens nothing.
        let digest: Data

        init(number: Int, bytes: Data) {
            self.number = number
            self.bytes = bytes
            digest = ServerSecret.code(SymmetricKey(data: bytes), "known by", "\(number)")
        }
    }

    private struct State {
        /// The keys that were read last, the newest first.
        var keys: [Key]
        var lookedAt: ContinuousClock.Instant
    }

    let folder: SecretFolder?
    private let state: Mutex<State>

    /// Reads the keys in a folder, which may hold none yet.
    init(_ folder: SecretFolder) throws {
        self.folder = folder
        state = Mutex(State(keys: try folder.keys(), lookedAt: .now))
    }

    /// Makes a secret with one key of at least 32 bytes, without a folder.
    public init(_ bytes: Data) {
        folder = nil
        state = Mutex(State(keys: [Key(number: 1, bytes: bytes)], lookedAt: .now))
    }

    /// All keys, the newest first.
    var keys: [Key] {
        state.withLock { state in
            if folder != nil, state.lookedAt.duration(to: .now) > .seconds(5) { look(&state) }
            return state.keys
        }
    }

    /// Reads the keys in the folder again at once.
    ///
    /// - Returns: whether there are keys that were not known before.
    @discardableResult
    func lookAgain() -> Bool {
        guard folder != nil else { return false }
        return state.withLock { state in
            let known = Set(state.keys.map(\.number))
            look(&state)
            return state.keys.contains { !known.contains($0.number) }
        }
    }

    /// Reads the keys again; a folder that cannot be read for a moment removes no key.
    private func look(_ state: inout State) {
        state.lookedAt = .now
        if let keys = try? folder?.keys(), !keys.isEmpty { state.keys = keys }
    }

    private var newest: Key {
        // `of(_:for:at:)` makes the first key where there is none, and `look` keeps the keys when the folder is empty.
        guard let newest = keys.first else { preconditionFailure("no process runs without a key") }
        return newest
    }

    // MARK: Sealing

    /// Encrypts data with AES-GCM, under a key that is derived for the purpose.
    ///
    /// The context names the owner of the data; opening the value needs the same context. A sealed value begins with
    /// the number of its key, unless the key is the first one.
    func seal(_ data: Data, for purpose: String, context: String) throws -> Data {
        let newest = newest
        let sealing = Self.sealing(newest, purpose)
        let box = try AES.GCM.seal(data, using: sealing, authenticating: Data(context.utf8))
        // A nonce of the usual twelve bytes always combines.
        guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
        return Self.mark(newest.number) + combined
    }

    /// Decrypts a sealed value.
    ///
    /// Throws if the value was sealed for another purpose or context, if its key is missing, or if it was altered.
    func open(_ sealed: Data, for purpose: String, context: String) throws -> Data {
        let number = Self.number(of: sealed)
        var keys = keys
        if !keys.contains(where: { $0.number == number }), lookAgain() { keys = self.keys }
        if number > 1, let key = keys.first(where: { $0.number == number }),
            let data = try? Self.open(sealed.dropFirst(4), key, purpose, context)
        {
            return data
        }
        // Values of the first key begin with random bytes that may look like a mark, so try the first key too.
        guard let first = keys.first(where: { $0.number == 1 }) else { throw CryptoKitError.authenticationFailure }
        return try Self.open(sealed, first, purpose, context)
    }

    private static func open(_ sealed: Data, _ key: Key, _ purpose: String, _ context: String) throws -> Data {
        try AES.GCM.open(
            AES.GCM.SealedBox(combined: Data(sealed)),
            using: sealing(key, purpose),
            authenticating: Data(context.utf8)
        )
    }

    private static func sealing(_ key: Key, _ purpose: String) -> SymmetricKey {
        SymmetricKey(data: code(key.key, "sealing", purpose))
    }

    /// The number of the key that sealed a value.
    static func number(of sealed: Data) -> Int {
        let mark = [UInt8](sealed.prefix(4))
        guard mark.count == 4, mark[0] == 0x76, mark[1] == 0x6B else { return 1 }
        return max(Int(mark[2]) << 8 | Int(mark[3]), 1)
    }

    private static func mark(_ number: Int) -> Data {
        number == 1 ? Data() : Data([0x76, 0x6B, UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)])
    }

    // MARK: Signing and deriving

    /// Makes a pass: ids and 16 bytes of their digest in hexadecimal, which no table needs to store.
    func pass(_ ids: [UUID], for purpose: String) -> String { Self.pass(ids, for: purpose, newest) }

    private static func pass(_ ids: [UUID], for purpose: String, _ key: Key) -> String {
        ids.map { $0.lowercasedText.replacing("-", with: "") }.joined()
            + code(key.key, purpose, ids.map(\.lowercasedText).joined(separator: " ")).prefix(16)
            .hexadecimal
    }

    /// The ids in a pass that one of the keys made for the purpose; nil for every other text.
    func ids(in pass: String, count: Int, for purpose: String) -> [UUID]? {
        guard pass.utf8.count == 32 * (count + 1) else { return nil }
        let cuts = [8, 12, 16, 20]
        let ids = (0..<count).compactMap { index in
            let hex = pass.dropFirst(32 * index).prefix(32)
            return UUID(
                uuidString: hex.enumerated().map { cuts.contains($0.offset) ? "-\($0.element)" : "\($0.element)" }
                    .joined()
            )
        }
        guard ids.count == count else { return nil }
        let given = Token(pass).hash
        return isOurs { Token(Self.pass(ids, for: purpose, $0)).hash == given } ? ids : nil
    }

    /// Whether one of the keys has made a signature of a text.
    func isSignature(_ signature: Data, of text: String, for purpose: String) -> Bool {
        isOurs { key in
            // Compare all bytes, so that the comparison always takes the same time.
            let own = Self.code(key.key, purpose, text).prefix(signature.count)
            return own.count == signature.count && zip(signature, own).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
        }
    }

    private func isOurs(_ isOwn: (Key) -> Bool) -> Bool {
        if keys.contains(where: isOwn) { return true }
        return lookAgain() && keys.contains(where: isOwn)
    }

    /// The digest that the newest key makes of a text.
    func digest(_ purpose: String, _ text: String) -> Data { Self.code(newest.key, purpose, text) }

    /// The digests that the keys make of a text, the newest key's first.
    func digests(_ purpose: String, _ text: String) -> [Data] { keys.map { Self.code($0.key, purpose, text) } }

    private static func code(_ key: SymmetricKey, _ purpose: String, _ text: String) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data("\(purpose)\u{1F}\(text)".utf8), using: key))
    }
}

/// Where the keys of the installation lie, as files that only their owner may read.
public struct SecretFolder: Sendable {
    private let url: URL

    /// - Parameter path: the state folder, which all processes share.
    public init(_ path: String) {
        url = URL(filePath: path)
    }

    /// True if the folder holds no key.
    public var isEmpty: Bool { get throws { try keys().isEmpty } }

    /// The file of a key.
    func file(_ number: Int) -> URL { url.appending(path: number == 1 ? "secret" : "secret.\(number)") }

    /// The keys in the folder, the newest first.
    func keys() throws -> [ServerSecret.Key] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path())) ?? []
        let numbers = names.compactMap { $0 == "secret" ? 1 : $0.hasPrefix("secret.") ? Int($0.dropFirst(7)) : nil }
        return try numbers.filter { 1...0xFFFF ~= $0 }.sorted(by: >).map { number in
            let bytes = try Data(contentsOf: file(number))
            guard bytes.count >= 32 else {
                throw SettingsError(description: "\(file(number).path()) is too short for a secret")
            }
            return ServerSecret.Key(number: number, bytes: bytes)
        }
    }

    /// Writes the file of a new key, complete or not at all; two processes that do so at once get the same key.
    func make(_ number: Int) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        var random = SystemRandomNumberGenerator()
        let bytes = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let draft = url.appending(path: "new-secret-\(UUID().lowercasedText)")
        defer { try? FileManager.default.removeItem(at: draft) }
        guard
            FileManager.default.createFile(
                atPath: draft.path(),
                contents: bytes,
                attributes: [.posixPermissions: 0o600]
            )
        else { throw SettingsError(description: "\(url.path()) cannot be written") }
        do {
            // Make a hard link, because it fails if the key's file exists already; a move would replace the file.
            try FileManager.default.linkItem(at: draft, to: file(number))
        } catch {
            guard FileManager.default.fileExists(atPath: file(number).path()) else { throw error }
        }
    }

    func remove(_ number: Int) throws {
        try FileManager.default.removeItem(at: file(number))
    }
}
