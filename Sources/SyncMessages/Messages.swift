public import Foundation
public import GuestModels

/// What a phone sends to `POST /v1/sync`: what it did, and how far it has read.
public struct SyncRequest: Codable, Sendable {
    /// The version of what is exchanged that this build speaks.
    public static let schema = 1
    /// Whose phones a service of this schema serves: of this one and the two before it, from the first on.
    public static let schemas = max(1, schema - 2)...schema
    /// What one request may carry.
    public static let maximumMutations = 50
    /// What every JSON library reads exactly: 2^53 - 1 (RFC 8259, section 6).
    static let largestSequence: Int64 = 9_007_199_254_740_991
    /// Bytes of a mutation's arguments.
    public static let maximumArguments = 16 * 1024
    public static let rows = 1...5_000
    public static let longestWait = 25

    /// The device, as it has been registered.
    public var deviceId: UUID
    public var schema: Int
    /// What the last answer gave; nil for everything from the start.
    public var cursor: String?
    /// Rows of an answer at most; 1,000 unless told.
    public var limit: Int?
    /// Seconds to wait for something new, when there is nothing; 0 unless told.
    public var wait: Int?
    /// In the order they were made, without gaps.
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

/// One thing a person did, to be done once on the server however often it is sent.
public struct Mutation: Codable, Hashable, Sendable {
    /// Counts the device's mutations from 1, without gaps.
    public var sequence: Int64
    /// Stays the same when it is sent again, also by another device.
    public var id: UUID
    /// What was done, with its version: `planItem.change@1`.
    public var name: String
    /// What the verb needs, as JSON text.
    public var arguments: String
    /// When, by the phone's clock; it only decides between two who did the same.
    public var at: Date

    public init(sequence: Int64, id: UUID, name: String, arguments: String, at: Date) {
        self.sequence = sequence
        self.id = id
        self.name = name
        self.arguments = arguments
        self.at = at
    }
}

/// What became of a mutation.
public struct Outcome: Codable, Hashable, Sendable {
    public enum Result: String, Codable, CaseIterable, Sendable {
        /// Done as asked.
        case applied
        /// Done but for what somebody else had changed later.
        case merged
        /// There was nothing left to do.
        case noop
        /// Accepted; what comes of it will show in the rows.
        case pending
        /// Refused, once and for all; `code` says why.
        case rejected
    }

    public var id: UUID
    public var result: Result
    /// As in a problem document.
    public var code: String?
    /// The same for the person, in their language.
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

    /// The id in lower case, as everywhere.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.lowercasedText, forKey: .id)
        try container.encode(result, forKey: .result)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(detail, forKey: .detail)
    }
}

/// A line of the answer to `POST /v1/sync`, which is JSON in lines.
///
/// A line that this build does not know is none: it is passed over.
public enum SyncLine: Hashable, Sendable {
    /// Of the mutation with that sequence number.
    case outcome(Int64, Outcome)
    /// The next number the server expects of this device: what was sent begins behind it. Nothing was done.
    case expected(Int64)
    /// Another phone has used these numbers: this one, restored from a backup, must register anew and send again.
    case forked
    /// Nothing was done just now: send it again later, and less of it.
    case busy
    /// The rows that follow belong to this scope.
    case scope(String)
    /// The same, and what the phone has of it is to be dropped first.
    case reset(String)
    /// The guest no longer sees it: what the phone has of it is to be dropped.
    case removed(String)
    case row(SyncRow)
    /// More is to come with this cursor; until `complete` nothing of it is shown.
    case page(cursor: String)
    /// What has come makes the phone show exactly this.
    case complete(cursor: String, [ScopeState])
}

extension SyncLine {
    /// About what was done, not about what is new.
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
    /// nil when it is there no more.
    public var content: Content?

    public struct Content: Hashable, Sendable {
        /// The first 64 bits of SHA-256 over kind, a line feed, id, a line feed and body.
        public var hash: UInt64
        /// JSON, byte for byte as the server has it.
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

/// How a scope stands.
public struct ScopeState: Codable, Hashable, Sendable {
    public var scope: String
    public var version: Int64
    /// Rows that are not deleted.
    public var count: Int
    /// The exclusive or of their hashes, as 16 hexadecimal digits.
    public var digest: String

    public init(scope: String, version: Int64, count: Int, digest: String) {
        self.scope = scope
        self.version = version
        self.count = count
        self.digest = digest
    }
}
