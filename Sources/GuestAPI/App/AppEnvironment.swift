import Crypto
public import Foundation
public import GuestModels
public import Logging
public import Postgres

/// Everything a feature may use that is not its argument.
///
/// Made once, at the start.
public struct AppEnvironment: Sendable {
    public let settings: Settings
    public let database: Database
    public let now: @Sendable () -> Date
    public internal(set) var ids: IdentifierSource
    public let logger: Logger
    let secret: ServerSecret
    let metrics = Metrics()
    let admission: Admission
    let bell: WorkBell
    let scopeBell: ScopeBell
    let authenticator = Authenticator()
    /// nil where none is configured.
    var payments: PaymentProvider? { settings.payments.map { PaymentProvider(settings: $0) } }

    /// nil where they are not set up: then notices lie in the spool.
    let apns: APNs?
    let fcm: FCM?

    public init(
        settings: Settings,
        now: @escaping @Sendable () -> Date = { Date() },
        ids: IdentifierSource = .random,
        secret: Data,
        logger: Logger
    ) throws {
        self.settings = settings
        self.now = now
        self.ids = ids
        self.logger = logger
        apns = settings.apns.map(APNs.init)
        fcm = settings.fcm.map(FCM.init)
        self.secret = ServerSecret(secret)
        admission = Admission(capacity: settings.capacity)
        var configuration = Database.Configuration(connectionString: settings.database)
        configuration.readers = settings.readers
        configuration.writers = settings.writers
        configuration.logger = logger
        let (bell, scopeBell) = (WorkBell(), ScopeBell())
        self.bell = bell
        self.scopeBell = scopeBell
        database = try Database(
            configuration,
            flush: { Publishing.flush($0, at: now()) },
            committed: { notes in
                bell.ring(notes)
                scopeBell.committed(notes)
            }
        )
    }
}

/// Derives what must be secret yet need not be stored: code digests and the successors of tokens.
struct ServerSecret: Sendable {
    private let key: SymmetricKey

    init(_ data: Data) {
        key = SymmetricKey(data: data)
    }

    /// Encrypts with AES-GCM under a key of that purpose; `context` says what it belongs to and must be the same again.
    func seal(_ data: Data, for purpose: String, context: String) throws -> Data {
        let box = try AES.GCM.seal(data, using: sealing(purpose), authenticating: Data(context.utf8))
        // A nonce of the usual twelve bytes always combines.
        guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
        return combined
    }

    /// Throws when it was sealed for something else, with another secret, or has been altered.
    func open(_ sealed: Data, for purpose: String, context: String) throws -> Data {
        try AES.GCM.open(
            AES.GCM.SealedBox(combined: sealed),
            using: sealing(purpose),
            authenticating: Data(context.utf8)
        )
    }

    private func sealing(_ purpose: String) -> SymmetricKey {
        SymmetricKey(data: digest("sealing", purpose))
    }

    /// A text that opens something and is in no table: ids and 16 bytes of digest, in hexadecimal.
    func pass(_ ids: [UUID], for purpose: String) -> String {
        ids.map { $0.lowercasedText.replacing("-", with: "") }.joined()
            + digest(purpose, ids.map(\.lowercasedText).joined(separator: " ")).prefix(16)
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// The ids in a pass that this server made for the purpose; nil for every other text.
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
        guard ids.count == count, Token(self.pass(ids, for: purpose)).hash == Token(pass).hash else { return nil }
        return ids
    }

    func digest(_ purpose: String, _ text: String) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data("\(purpose)\u{1F}\(text)".utf8), using: key))
    }
}
