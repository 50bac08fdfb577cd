import Crypto
import Foundation
import GuestModels
import Logging
import Postgres
import Sync

/// Does what a phone has done, each mutation once, however often and from however many of its connections it comes.
enum Push {
    /// Writes an outcome for each mutation into `lines`, or why none was done.
    ///
    /// Effects, outcomes and the device's number commit together. One that is refused changes nothing, and the next one
    /// goes on.
    static func push(
        _ mutations: [Mutation],
        from device: UUID,
        as guest: Guest.ID,
        in language: Language,
        _ app: AppEnvironment,
        at now: Date
    ) async throws -> SyncLines {
        try await app.database.transaction(as: Principal.guest(guest).setting) { tx in
            var lines = SyncLines()
            let (devices, known) = try await tx.all(
                SyncSQL.device(device, of: guest),
                SyncSQL.outcomes(of: mutations.map(\.id), by: guest)
            )
            guard let last = devices.first else { throw Refusal.deviceUnknown }
            guard let first = mutations.first else { return lines }
            guard first.sequence <= last &+ 1 else {
                lines.expected(last + 1)
                return lines
            }
            tx.later(Mutations.locks(for: mutations.filter { $0.sequence > last }, by: guest))
            let former = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
            for mutation in mutations {
                if let former = former[mutation.id] {
                    let isSame = former.fingerprint == mutation.fingerprint
                    lines.outcome(
                        mutation.sequence,
                        isSame ? former.outcome : try rejected(mutation, Problem(Refusal.mutationReused), in: language)
                    )
                } else if mutation.sequence <= last {
                    // The number is another mutation's: a second phone goes by the same name.
                    return SyncLines(forked: ())
                } else {
                    let outcome = try await done(mutation, as: guest, in: language, app, at: now, in: tx)
                    tx.later([
                        SyncSQL.keep(outcome, of: mutation.id, fingerprint: mutation.fingerprint, by: guest, at: now)
                    ])
                    lines.outcome(mutation.sequence, outcome)
                }
            }
            let newest = max(last, mutations.last?.sequence ?? last)
            tx.later([SyncSQL.advance(device, to: newest, at: now)])
            return lines
        }
    }

    /// The outcome as the JSON that is kept.
    private static func done(
        _ mutation: Mutation,
        as guest: Guest.ID,
        in language: Language,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> String {
        var outcome = Outcome(id: mutation.id, result: .applied)
        do {
            guard let verb = Mutations.all[mutation.name] else { throw Refusal.mutationUnknown }
            outcome.result = try await tx.savepoint { tx in
                let result = try await verb(
                    Mutations.Act(
                        bytes: Array(mutation.arguments.utf8),
                        // Within what the phone can mean: no later than now.
                        madeAt: min(mutation.at, now),
                        principal: .guest(guest),
                        app: app,
                        now: now
                    ),
                    tx
                )
                try await tx.settle()
                return result
            }
        } catch {
            // What will never be possible is refused, so that the queue goes on; the rest is worth another try.
            guard let problem = Problem(error) ?? hopeless(error, app), !problem.isRetryable else { throw error }
            return try rejected(mutation, problem, in: language)
        }
        return String(decoding: try ResponseEncoder.encode(outcome), as: UTF8.self)
    }

    private static func rejected(_ mutation: Mutation, _ problem: Problem, in language: Language) throws -> String {
        let detail = ([problem.detail[language]] + problem.errors.map { "\($0.pointer) \($0.detail)" })
            .joined(separator: " ").prefix(500)
        let outcome = Outcome(id: mutation.id, result: .rejected, code: problem.code, detail: String(detail))
        return String(decoding: try ResponseEncoder.encode(outcome), as: UTF8.self)
    }
}

extension Push {
    /// What comes to the same however often it is tried is our mistake: it must not stop all that comes after it.
    private static func hopeless(_ error: any Error, _ app: AppEnvironment) -> Problem? {
        if error is CancellationError { return nil }
        if let error = error as? PostgresError {
            switch error {
            case .server where !error.isUnavailability, .undecodable: break
            default: return nil
            }
        }
        app.logger.error("mutation failed", metadata: ["error": "\(String(reflecting: error))"])
        return Problem.internalError
    }
}

extension Refusal {
    static let deviceUnknown = Refusal(
        .conflict,
        "device_unknown",
        en: "This device has to register for sync first.",
        nl: "Dit apparaat moet zich eerst aanmelden voor synchronisatie.",
        de: "Dieses Gerät muss sich zuerst für den Abgleich anmelden."
    )
    static let mutationReused = Refusal(
        .invalid,
        "mutation_reused",
        en: "This id belongs to something else that was done.",
        nl: "Dit kenmerk hoort bij iets anders dat is gedaan.",
        de: "Diese Kennung gehört zu etwas anderem, das getan wurde."
    )
    static let mutationUnknown = Refusal(
        .invalid,
        "mutation_unknown",
        en: "The service does not know this kind of change; please update the app.",
        nl: "De service kent dit soort wijziging niet; werk de app bij.",
        de: "Der Dienst kennt diese Art von Änderung nicht; bitte aktualisiere die App."
    )
    static let cursorForeign = Refusal(
        .invalid,
        "cursor_invalid",
        en: "This cursor is none of ours; begin without one.",
        nl: "Deze cursor is niet van ons; begin zonder.",
        de: "Dieser Cursor ist keiner von uns; beginne ohne."
    )
}

extension Mutation {
    /// Of what it does; not of its number, which is another one on another device.
    fileprivate var fingerprint: Data {
        Data(SHA256.hash(data: Data("\(name)\n\(at.rfc3339)\n\(arguments)".utf8)))
    }
}
