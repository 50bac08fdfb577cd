import Foundation
import GuestModels
import HTTPTypes
import Logging
import Postgres

/// One request on its way to its verb: matched, authenticated and allowed.
struct Call: Sendable {
    let app: AppEnvironment
    let row: Policy.Row
    /// The method of the request; a policy row for GET also takes HEAD.
    let method: HTTPRequest.Method
    /// The class of the request, which decides in which queue it waits.
    let load: Policy.Load
    let principal: Principal
    /// The colleague at the desk who acts for the guest that `principal` is.
    let actor: StaffMember?
    let session: Session.ID?
    /// The address of the client; nil if the connection has no address.
    let client: ClientAddress?
    let parameters: [String: String]
    let query: [String: String]
    let headers: HTTPFields
    let bytes: [UInt8]
    /// The body of a row that takes bytes; nil for all other rows.
    let incoming: IncomingBody?
    let language: Language
    let requestID: String
    /// The time of the request, taken once, so that everything in a request happens at one instant.
    let now: Date

    /// A logger that adds the request id to each line.
    var logger: Logger { app.logger }

    // MARK: What was asked

    /// The values in the request's path, such as ids; a text that cannot be read as its value gives a 404.
    func path<each Value>(_ path: Path<repeat each Value>) throws -> (repeat each Value) {
        guard path.pattern == row.path else {
            throw Inconsistency("the handler of \(row.name) reads another path: \(path.pattern)")
        }
        guard let values = path.values(parameters) else { throw Refusal.notFound }
        return values
    }

    /// - Parameter isRaw: true for a request whose texts are JSON themselves.
    func body<Value: Decodable>(_ type: Value.Type = Value.self, isRaw: Bool = false) throws -> Value {
        try RequestDecoder.decode(type, from: bytes, at: now, isRaw: isRaw)
    }

    /// The version in `If-Match`; rows with `needsMatch` have been refused already when there is none.
    func expectedVersion() throws -> Int {
        guard let value = headers[.ifMatch] else { throw Problem.matchRequired }
        let tag = value.trimmingCharacters(in: CharacterSet(charactersIn: " \""))
        guard let version = Int(tag) else {
            throw BadRequest("If-Match", "must be the version in quotes, such as \"3\"")
        }
        return version
    }

    func guest() throws(Refusal) -> Guest.ID { try principal.guest() }

    // MARK: Reading and writing

    /// Runs a verb that only reads.
    func read<Value>(_ verb: (Look) async throws -> Value) async throws -> Value {
        try await app.database.read(as: setting, at: row.pace) { reader in
            try await verb(Look(principal: principal, now: now, app: app, reader: reader))
        }
    }

    /// Runs a verb in a transaction as the principal, without the idempotency key.
    @discardableResult
    func act<Value>(_ verb: (Act) async throws -> Value) async throws -> Value {
        try await app.database.transaction(as: setting) { tx in
            try await verb(app.act(in: tx, as: principal, at: now))
        }
    }

    /// Runs a verb in a transaction as the principal.
    ///
    /// With an `Idempotency-Key`, the same transaction claims the key and keeps the answer. A repeated request gets the
    /// kept bytes, even if the answer was a refusal. An answer that may change at a later try is not kept.
    func write(_ verb: @Sendable (Act) async throws -> Answer) async throws -> Answer {
        try await act { act in
            guard row.key != .none, let key = try idempotencyKey() else { return try await audited(verb, act) }
            if let stored = try await Idempotency.claim(key, for: self, in: act.tx) { return stored }
            let answer: Answer
            do {
                answer = try await act.tx.savepoint { _ in try await audited(verb, act) }
            } catch let refusal as Refusal {
                let problem = Problem(refusal)
                guard !problem.isRetryable else { throw problem }
                answer = problem.answer(in: language, instance: requestID)
            }
            try Idempotency.store(answer, under: key, for: self, in: act.tx)
            return answer
        }
    }

    /// Runs a verb; an action of the desk for a guest is audited with both names.
    private func audited(_ verb: @Sendable (Act) async throws -> Answer, _ act: Act) async throws -> Answer {
        let answer = try await verb(act)
        if actor != nil, row.method != .get, let guest = principal.guestID {
            try Audit.record("desk.\(row.name)", target: target, onBehalfOf: guest, act)
        }
        return answer
    }

    /// The name of the actor: the colleague at the desk, or the principal of the request.
    var setting: String { actor.map { Principal.staff($0).setting } ?? principal.setting }

    /// The first object that the path names.
    var target: UUID? {
        row.path.split(separator: "/").lazy.filter { $0.hasPrefix("{") }
            .compactMap { parameters[String($0.dropFirst().dropLast())].flatMap { UUID(uuidString: $0) } }.first
    }

    private func idempotencyKey() throws -> String? {
        guard let key = headers[.idempotencyKey] else {
            if row.key == .required { throw Problem.keyRequired }
            return nil
        }
        guard (1...200).contains(key.utf8.count), key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw Problem.keyRequired
        }
        return key
    }
}

extension HTTPField.Name {
    // The name is a constant token, so it is valid.
    static let idempotencyKey = HTTPField.Name(constant: "Idempotency-Key")
}
