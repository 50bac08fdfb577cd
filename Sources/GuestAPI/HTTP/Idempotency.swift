import Crypto
import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// Makes repeated requests harmless.
///
/// The business transaction claims the key, so key and effects commit together. A repeat that comes while the first
/// request is under way waits for its row.
enum Idempotency {
    /// Claims a key for a request; returns nil if the key is new, and otherwise the answer that was kept.
    ///
    /// - Throws: `Problem.keyReused` when the key belongs to another request.
    static func claim(_ key: String, for call: Call, in tx: Transaction) async throws -> Answer? {
        let fingerprint = fingerprint(of: call)
        let expires = call.now.addingTimeInterval(Double(call.row.keyDays) * 86400)
        let isOurs = try await tx.first(
            IdempotencySQL.claim(call.setting, key, fingerprint, expires: expires, now: call.now)
        )
        if isOurs != nil { return nil }
        guard let stored = try await tx.first(IdempotencySQL.stored(call.setting, key)) else {
            // The key expired between the claim and this read; the client may simply try again.
            throw Problem.unavailable
        }
        guard stored.fingerprint == fingerprint else { throw Problem.keyReused }
        let headers = stored.headers.compactMap { name, value in
            HTTPField.Name(name).map { HTTPField(name: $0, value: value) }
        }
        return Answer(status: .init(code: stored.status), headers: headers, body: Array(stored.body))
    }

    static func store(_ answer: Answer, under key: String, for call: Call, in tx: Transaction) throws {
        let headers = Dictionary(answer.headers.map { ($0.name.rawName, $0.value) }) { first, _ in first }
        let json = String(decoding: try ResponseEncoder.encode(headers), as: UTF8.self)
        tx.later([
            IdempotencySQL.store(
                call.setting,
                key,
                status: answer.status.code,
                headers: JSONText(json),
                body: Data(answer.body)
            )
        ])
    }

    /// The fingerprint of a request: its operation, path, query, bytes, guest and version.
    private static func fingerprint(of call: Call) -> Data {
        var hash = SHA256()
        let parameters = call.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let query = call.query.sorted { $0.key < $1.key }.map { "?\($0.key)=\($0.value)" }
        let facts = ["\(call.row.name)", call.principal.setting, call.headers[.ifMatch] ?? ""] + parameters + query
        hash.update(data: Data(facts.joined(separator: "\n").utf8))
        hash.update(data: [0])
        hash.update(data: call.bytes)
        return Data(hash.finalize())
    }
}
