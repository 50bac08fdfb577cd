import Crypto
import Foundation
import GuestModels
import Logging
import Postgres
import SyncMessages

/// Does what a phone has done, each mutation once, however often and from however many of its connections it comes.
enum Push {
    /// An outcome for each mutation, or that there was no time for them now: what is new may be read all the same.
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

    /// An outcome for each mutation, or why none was done.
    ///
    /// Effects, outcomes and the device's number commit together. One that is refused changes nothing, and the next one
    /// goes on.
    ///
    /// A phone's own order counts before its clock: whatever time it names, each mutation is later than the one before, and
    /// none is later than now but for those thousandths.
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
            // A number that is another mutation's: a second phone goes by the same name.
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

    /// Does mutations of one name; the outcome of each is the JSON that is kept.
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
        // Nothing of them was done, and their locks are gone; which of them it was shows when each is done alone.
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

    /// What a rule forbids is refused, so that the queue goes on; throws what is worth another try at once.
    ///
    /// A rule may allow later what it forbids now, such as a 21st hold. The guest decides then: an automatic retry would
    /// block all mutations behind it.
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
    /// What comes to the same however often it is tried is our mistake: it must not stop all that comes after it.
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
    /// The same mutations may be done a moment later: the database is away, it is not known whether they were done, or
    /// another connection of the guest did them at this moment.
    fileprivate var isPassing: Bool {
        if case .outcomeUnknown = self { return true }
        return isUnavailability || violatedConstraint == "sync_outcome_pkey"
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
    var fingerprint: Data {
        Data(SHA256.hash(data: Data("\(name)\n\(at.rfc3339)\n\(arguments)".utf8)))
    }
}
