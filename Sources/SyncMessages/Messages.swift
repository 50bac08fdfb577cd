public import Foundation
public import GuestModels

/// A phone's request to `POST /v1/sync`: its mutations, and the cursor up to which it has read.
public struct SyncRequest: Codable, Sendable {
    /// The version of the sync messages that this build speaks.
    public static let schema = 1
    /// The versions of phones that this build serves: its own and the two before, from 1 on.
    public static let schemas = max(1, schema - 2)...schema
    /// The most mutations of one request.
    public static let maximumMutations = 50
    /// The largest integer that every JSON library reads exactly: 2^53 - 1 (RFC 8259, section 6).
    static let largestSequence: Int64 = 9_007_199_254_740_991
    /// The most bytes of a mutation's arguments.
    public static let maximumArguments = 16 * 1024
    public static let rows = 1...5_000
    public static let longestWait = 25

    /// The device id, as it was registered.
    public var deviceId: UUID
    public var schema: Int
    /// The cursor of the last answer; nil to read everything from the start.
    public var cursor: String?
    /// The most rows of the answer; 1,000 when nil.
    public var limit: Int?
    /// Seconds that the service may wait when it has nothing new; 0 when nil.
    public var wait: Int?
    /// The mutations in the order they were made, without gaps in their numbers.
    public var mutations: [Mutation]?

    public init(
        deviceId: UUID,
        schema: Int = SyncRequest.schema,
        cursor: String? = nil,
        limit: Int? = nil,
        wait: Int? = nil,
        mutations: [Mutation]? = nil
    ) {
        self.deviceId = deviceId
        self.schema = schema
        self.cursor = cursor
        self.limit = limit
        self.wait = wait
        self.mutations = mutations
    }
}

extension SyncRequest: Checked {
    public func check(_ check: inout Check) {
        check.range(limit, "/limit", Self.rows)
        check.range(wait, "/wait", 0...Self.longestWait)
        check.range(schema, "/schema", Self.schemas)
        let mutations = mutations ?? []
        check.require(
            mutations.count <= Self.maximumMutations,
            "/mutations",
            "must be at most \(Self.maximumMutations)"
        )
        for (index, mutation) in mutations.enumerated() {
            let place = "/mutations/\(index)"
            check.range(mutation.sequence, "\(place)/sequence", 1...Self.largestSequence)
            check.require(
                index == 0 || mutation.sequence == mutations[index - 1].sequence &+ 1,
                "\(place)/sequence",
                "must be one more than the one before"
            )
            check.require(
                (1...100).contains(mutation.name.unicodeScalars.count),
                "\(place)/name",
                "must have 1 to 100 characters"
            )
        }
        check.require(Set(mutations.map(\.id)).count == mutations.count, "/mutations", "must have an id each")
    }
}

/// One thing a person did; the server does it once, however often the phone sends it.
public struct Mutation: Codable, Hashable, Sendable {
    /// Counts the device's mutations from 1, without gaps.
    public var sequence: Int64
    /// The id stays the same when the mutation is sent again, even by another device.
    public var id: UUID
    /// The kind of mutation with its version, such as `planItem.change@1`.
    public var name: String
    /// The arguments of the verb, as JSON text.
    public var arguments: String
    /// The time by the phone's clock; it only decides which of two changes to the same thing is later.
    public var at: Date

    public init(sequence: Int64, id: UUID, name: String, arguments: String, at: Date) {
        self.sequence = sequence
        self.id = id
        self.name = name
        self.arguments = arguments
        self.at = at
    }
}

/// The outcome of a mutation.
public struct Outcome: Codable, Hashable, Sendable {
    public enum Result: String, Codable, CaseIterable, Sendable {
        /// The mutation was done as asked.
        case applied
        /// The mutation was done, except for parts that somebody else had changed later.
        case merged
        /// There was nothing left to do.
        case noop
        /// The mutation is accepted; the rows will show its result later.
        case pending
        /// The mutation is refused for good; `code` says why.
        case rejected
    }

    public var id: UUID
    public var result: Result
    /// The reason of the outcome as a code, as in a problem document.
    public var code: String?
    /// The same reason as a sentence for the person, in their language.
    public var detail: String?

    public init(id: UUID, result: Result, code: String? = nil, detail: String? = nil) {
        self.id = id
        self.result = result
        self.code = code
        self.detail = detail
    }

    private enum CodingKeys: String, CodingKey {
        case id, result, code, detail
    }

    /// Encodes the outcome with its id in lower case, as everywhere.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.lowercasedText, forKey: .id)
        try container.encode(result, forKey: .result)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(detail, forKey: .detail)
    }
}

/// A line of the answer to `POST /v1/sync`; the answer is JSON in lines.
///
/// A phone skips lines that its build does not know.
public enum SyncLine: Hashable, Sendable {
    /// The outcome of the mutation with this sequence number.
    case outcome(Int64, Outcome)
    /// The next number that the server expects of this device. The phone sent a higher one, so nothing was done.
    case expected(Int64)
    /// Another phone has used the sequence numbers of the phone's mutations.
    ///
    /// The phone, which was restored from a backup, must register anew and send its mutations again.
    case forked
    /// The service was busy, and may not have done the mutations. The phone sends them again later, fewer at a time.
    case busy
    /// The rows that follow belong to this scope.
    case scope(String)
    /// The rows that follow belong to this scope; the phone first drops its old rows of the scope.
    case reset(String)
    /// The guest no longer sees this scope; the phone drops its rows.
    case removed(String)
    case row(SyncRow)
    /// More pages follow from this cursor; the phone shows none of the rows before `complete`.
    case page(cursor: String)
    /// The answer is complete; the phone now has exactly these scopes in these states.
    case complete(cursor: String, [ScopeState])
}

extension SyncLine {
    /// Whether this line of a sync answer is about the phone's mutations; other lines are about new rows.
    package var isOfPush: Bool {
        switch self {
        case .outcome, .expected, .forked, .busy: true
        case .scope, .reset, .removed, .row, .page, .complete: false
        }
    }
}

/// An entity as a scope shows it.
public struct SyncRow: Hashable, Sendable {
    public var kind: String
    public var id: UUID
    /// The row's contents; nil when the row is deleted.
    public var content: Content?

    public struct Content: Hashable, Sendable {
        /// The first 64 bits of SHA-256 over kind, a line feed, id, a line feed and body.
        public var hash: UInt64
        /// The entity as JSON, byte for byte as the server has it.
        public var body: String

        public init(hash: UInt64, body: String) {
            self.hash = hash
            self.body = body
        }
    }

    public init(kind: String, id: UUID, content: Content?) {
        self.kind = kind
        self.id = id
        self.content = content
    }
}

/// The state of a scope at the server.
public struct ScopeState: Codable, Hashable, Sendable {
    public var scope: String
    public var version: Int64
    /// The number of rows that are not deleted.
    public var count: Int
    /// The exclusive or of the rows' hashes, as 16 hexadecimal digits.
    public var digest: String

    public init(scope: String, version: Int64, count: Int, digest: String) {
        self.scope = scope
        self.version = version
        self.count = count
        self.digest = digest
    }
}
