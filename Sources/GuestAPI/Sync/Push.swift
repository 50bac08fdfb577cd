import Crypto
import Foundation
import GuestModels
import Logging
import Postgres
import SyncMessages

/// Applies the mutations of a phone.
///
/// Each mutation is applied once, even if the phone sends it again or over several connections.
enum Push {
    /// Returns an outcome for each mutation, or `busy` when the database cannot take them now.
    ///
    /// The pull goes on in both cases.
    static func outcomes(
        of mutations: [Mutation],
        from device: UUID,
        by guest: Guest.ID,
        _ call: Call
    ) async throws -> SyncLines {
        guard !mutations.isEmpty else { return SyncLines() }
        do {
            return try await push(mutations, from: device, by: guest, call)
        } catch let error as PostgresError where error.isPassing {
            var lines = SyncLines()
            lines.busy()
            return lines
        }
    }

    /// Returns an outcome for each mutation, or the reason why none was applied.
    ///
    /// Effects, outcomes and the device's sequence number commit together. A refused mutation changes nothing, and the
    /// next one goes on.
    ///
    /// The order of a phone's mutations counts more than its clock. Each mutation counts as at least a millisecond
    /// later than the one before. Apart from these milliseconds, no mutation is later than now.
    private static func push(
        _ mutations: [Mutation],
        from device: UUID,
        by guest: Guest.ID,
        _ call: Call
    ) async throws -> SyncLines {
        let language = call.language
        return try await call.act { act in
            var lines = SyncLines()
            let (devices, known) = try await act.tx.all(
                SyncSQL.device(device, of: guest),
                SyncSQL.outcomes(of: mutations.map(\.id), by: guest)
            )
            guard let newest = devices.first else { throw Refusal.deviceUnknown }
            let last = newest.sequence
            guard let first = mutations.first else { return lines }
            guard first.sequence <= last &+ 1 else {
                lines.expected(last + 1)
                return lines
            }
            let former = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
            // A known sequence number with an unknown mutation id: a second phone uses the same device id.
            guard mutations.allSatisfy({ $0.sequence > last || former[$0.id] != nil }) else {
                return SyncLines(forked: ())
            }
            let new = mutations.filter { former[$0.id] == nil }
            var saidAt = newest.saidAt ?? .distantPast
            var times: [UUID: Date] = [:]
            for mutation in new {
                saidAt = max(min(mutation.at, act.now), saidAt.addingTimeInterval(0.001))
                times[mutation.id] = saidAt
            }
            let order = Mutations(verbs: act.app.features.mutations)
            let runs = order.runs(of: new)
            act.tx.later(order.locks(for: runs, by: guest))
            var outcomesOfNew: [(mutation: Mutation, outcome: String)] = []
            for run in runs {
                outcomesOfNew += try await self.outcomes(of: run, madeAt: times, by: guest, in: language, act)
            }
            if !outcomesOfNew.isEmpty { act.tx.later([SyncSQL.insert(outcomesOfNew, by: guest, at: act.now)]) }
            let outcomes = Dictionary(outcomesOfNew.map { ($0.mutation.id, $0.outcome) }) { first, _ in first }
            for mutation in mutations {
                if let former = former[mutation.id] {
                    let isSame = former.fingerprint == mutation.fingerprint
                    lines.outcome(
                        mutation.sequence,
                        isSame ? former.outcome : try rejected(mutation, Problem(Refusal.mutationReused), in: language)
                    )
                } else if let outcome = outcomes[mutation.id] {
                    lines.outcome(mutation.sequence, outcome)
                }
            }
            let sequence = max(last, mutations.last?.sequence ?? last)
            act.tx.later([SyncSQL.advance(device, to: sequence, said: new.isEmpty ? nil : saidAt, at: act.now)])
            return lines
        }
    }

    /// Applies mutations of one name.
    ///
    /// Each outcome is the JSON text that is stored.
    private static func outcomes(
        of run: [Mutation],
        madeAt times: [UUID: Date],
        by guest: Guest.ID,
        in language: Language,
        _ act: Act
    ) async throws -> [(mutation: Mutation, outcome: String)] {
        let all = run.map { mutation in
            MutationVerb.Sent(
                bytes: Array(mutation.arguments.utf8),
                madeAt: times[mutation.id] ?? min(mutation.at, act.now),
                now: act.now
            )
        }
        let problem: Problem
        do {
            guard let verb = run.first.flatMap({ act.app.features.mutations[$0.name] }) else {
                throw Refusal.mutationUnknown
            }
            let results = try await act.tx.savepoint { _ in
                let results = try await verb.run(all, act)
                guard results.count == run.count else { throw Problem.internalError }
                try await act.tx.flushPending()
                return results
            }
            return try zip(run, results).map { mutation, result in
                switch result {
                case .success(let result): (mutation, try text(Outcome(id: mutation.id, result: result)))
                case .failure(let error): (mutation, try rejected(mutation, final(error, act), in: language))
                }
            }
        } catch {
            // Do not log yet: the mutations are retried one by one, and the failing one logs.
            problem = try final(error, run.count > 1 ? nil : act)
        }
        guard run.count > 1 else { return try run.map { ($0, try rejected($0, problem, in: language)) } }
        // The savepoint has undone the run's mutations and released their locks. Applying each alone shows which
        // fails.
        act.tx.later(Mutations(verbs: act.app.features.mutations).locks(for: run.map { [$0] }, by: guest))
        var outcomes: [(mutation: Mutation, outcome: String)] = []
        for mutation in run {
            outcomes += try await self.outcomes(of: [mutation], madeAt: times, by: guest, in: language, act)
        }
        return outcomes
    }

    private static func text(_ outcome: Outcome) throws -> String {
        String(decoding: try ResponseEncoder.encode(outcome), as: UTF8.self)
    }

    /// Turns an error into a refusal of the mutation, so that the queue goes on.
    ///
    /// The error is thrown on when an immediate retry may help.
    ///
    /// A rule that refuses now, such as the limit of holds, may allow the mutation later. The guest decides then. An
    /// automatic retry would block all mutations behind it.
    private static func final(_ error: any Error, _ act: Act?) throws -> Problem {
        guard let problem = Problem(error) ?? hopeless(error, act), error is Refusal || !problem.isRetryable else {
            throw error
        }
        return problem
    }

    private static func rejected(_ mutation: Mutation, _ problem: Problem, in language: Language) throws -> String {
        let detail = ([problem.detail[language]] + problem.errors.map { "\($0.pointer) \($0.detail)" })
            .joined(separator: " ").prefix(500)
        return try text(Outcome(id: mutation.id, result: .rejected, code: problem.code, detail: String(detail)))
    }
}

extension Push {
    /// Turns an error that every retry would repeat into an internal error.
    ///
    /// Such an error is a mistake of the service, and must not block the mutations behind it.
    private static func hopeless(_ error: any Error, _ act: Act?) -> Problem? {
        if error is CancellationError { return nil }
        if let error = error as? PostgresError {
            switch error {
            case .server where !error.isUnavailability, .undecodable: break
            default: return nil
            }
        }
        act?.app.metrics.met(error)
        act?.logger.error("mutation failed", metadata: ["error": "\(String(reflecting: error))"])
        return Problem.internalError
    }
}

extension PostgresError {
    /// Whether the phone may send the same mutations again a moment later.
    ///
    /// The database is away, or it is unknown whether the mutations were applied. Or another connection of the guest
    /// applied them at this moment.
    fileprivate var isPassing: Bool {
        if case .outcomeUnknown = self { return true }
        return isUnavailability || violatedConstraint == "sync_outcome_pkey"
    }
}

extension Refusal {
    /// The phone was never registered, or was removed as the longest unused beyond twenty; register it, then push
    /// again.
    static let deviceUnknown = Refusal(
        .conflict,
        "device_unknown",
        en: "This device has to register for sync first.",
        nl: "Dit apparaat moet zich eerst aanmelden voor synchronisatie.",
        de: "Dieses Gerät muss sich zuerst für den Abgleich anmelden."
    )

    /// A pushed mutation has the id of an earlier one but other content; give each mutation its own id.
    static let mutationReused = Refusal(
        .invalid,
        "mutation_reused",
        en: "This id belongs to something else that was done.",
        nl: "Dit kenmerk hoort bij iets anders dat is gedaan.",
        de: "Diese Kennung gehört zu etwas anderem, das getan wurde."
    )

    /// The service has no mutation of this name; the phone is newer or older than the service.
    static let mutationUnknown = Refusal(
        .invalid,
        "mutation_unknown",
        en: "The service does not know this kind of change; please update the app.",
        nl: "De service kent dit soort wijziging niet; werk de app bij.",
        de: "Der Dienst kennt diese Art von Änderung nicht; bitte aktualisiere die App."
    )

    /// The cursor was changed, or was made for another guest or with another secret of the service.
    static let cursorForeign = Refusal(
        .invalid,
        "cursor_invalid",
        en: "This cursor is none of ours; begin without one.",
        nl: "Deze cursor is niet van ons; begin zonder.",
        de: "Dieser Cursor ist keiner von uns; beginne ohne."
    )
}

extension Mutation {
    /// The fingerprint of what the mutation does.
    ///
    /// The sequence number is left out, because it differs on another device.
    var fingerprint: Data {
        Data(SHA256.hash(data: Data("\(name)\n\(at.rfc3339)\n\(arguments)".utf8)))
    }
}
