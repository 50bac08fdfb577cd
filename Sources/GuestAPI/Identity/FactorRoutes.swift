import GuestModels
import HTTPTypes
import Postgres

/// A colleague's authenticator app: enrolled, proved and renewed.
enum FactorRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "enrolFactor": enrol, "confirmFactor": confirm, "proveFactor": prove, "renewRecoveryCodes": renewCodes,
        "removeFactor": remove,
    ]

    private static func enrol(_ call: Call) async throws -> Answer {
        let (member, _) = try colleague(call)
        return try await call.write { act in
            try .json(await SecondFactor.enrol(member, act), .created)
        }
    }

    private static func confirm(_ call: Call) async throws -> Answer {
        let proof = try call.body(FactorProof.self)
        let (member, session) = try colleague(call)
        return try await counting(call, member) { act in
            try .json(
                await SecondFactor.confirm(proof, by: member, in: session, act),
                .created
            )
        }
    }

    private static func prove(_ call: Call) async throws -> Answer {
        let proof = try call.body(FactorProof.self)
        let (member, session) = try colleague(call)
        return try await counting(call, member) { act in
            try await SecondFactor.prove(proof, by: member, in: session, act)
            return .noContent
        }
    }

    /// Counts the try in a transaction of its own, as at a sign-in, so that a failed try stays counted.
    private static func counting(
        _ call: Call,
        _ member: StaffMember,
        _ verb: @Sendable (Act) async throws -> Answer
    ) async throws -> Answer {
        try await call.act { act in
            try await SecondFactor.countTry(by: member.id, act)
        }
        do {
            let answer = try await call.write(verb)
            call.app.authenticator.forget()
            return answer
        } catch let refusal as Refusal where refusal == .factorCodeWrong {
            call.app.metrics.happened(.factorWrong)
            throw refusal
        } catch let refusal as Refusal where refusal == .factorCodeUsed || refusal == .factorEnrolled {
            // A right code that comes twice does not count as a failed try.
            try await call.act { act in try await SecondFactor.forgetTry(by: member.id, act) }
            throw refusal
        }
    }

    private static func renewCodes(_ call: Call) async throws -> Answer {
        let (member, _) = try colleague(call)
        return try await call.write { act in
            try .json(await SecondFactor.renewCodes(of: member.id, act), .created)
        }
    }

    private static func remove(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminColleagueSecondFactor)
        let answer = try await call.write { act in
            try await SecondFactor.remove(of: id, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func colleague(_ call: Call) throws(Refusal) -> (StaffMember, Session.ID) {
        guard case .staff(let member) = call.principal, let session = call.session else { throw .forbidden }
        return (member, session)
    }
}
