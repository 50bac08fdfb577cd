import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SecondFactorTests {
    private func enrol(_ api: GuestAPITestService, _ who: Given.Person) async throws -> OneTimePassword {
        let answer = try await api.post("/v1/staff/second-factor", as: who)
        #expect(answer.status == 201)
        let enrolment = try answer.decode(FactorEnrolment.self)
        #expect(enrolment.url.hasPrefix("otpauth://totp/Voorpret:") && enrolment.url.contains(enrolment.secret))
        return try #require(OneTimePassword(base32: enrolment.secret))
    }

    private func code(_ password: OneTimePassword, _ api: GuestAPITestService, later steps: Int64 = 0) -> String {
        password.code(at: OneTimePassword.step(at: api.now) + steps)
    }

    private func confirm(
        _ api: GuestAPITestService,
        _ code: String,
        as who: Given.Person
    ) async throws -> GuestAPITestService.Response {
        try await api.post("/v1/staff/second-factor/confirmation", FactorProof(code: code), as: who)
    }

    private func prove(
        _ api: GuestAPITestService,
        _ code: String,
        as who: Given.Person
    ) async throws -> GuestAPITestService.Response {
        try await api.post("/v1/auth/sessions/current/second-factor", FactorProof(code: code), as: who)
    }

    /// Makes the device forget the proved factor, as after a new sign-in.
    private func signInAnew(_ api: GuestAPITestService, _ who: Given.Person) async throws {
        try await api.transaction { tx in
            try await tx.run(Command("UPDATE session SET factor_at = NULL WHERE staff_id = \(who.staff)"))
        }
        api.app.authenticator.forget()
    }

    @Test func `Reception reaches the desk's routes only after enrolling a second factor`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.unproven([.reception], at: world.park.id)
            let desk = "/v1/admin/parks/\(world.park.id)/arrivals"
            #expect(try await api.get(desk, as: reception).code == "second_factor_needed")
            // Public routes need no second factor.
            #expect(try await api.get("/v1/parks", as: reception).status == 200)
            let password = try await enrol(api, reception)
            #expect(try await prove(api, code(password, api), as: reception).code == "second_factor_missing")
            #expect(try await confirm(api, "12345", as: reception).status == 400)
            let codes = try await confirm(api, code(password, api), as: reception)
            #expect(try codes.decode(RecoveryCodes.self).codes.count == 10)
            #expect(try await api.get(desk, as: reception).status == 200)
            #expect(try await api.post("/v1/staff/second-factor", as: reception).code == "second_factor_enrolled")
            #expect(try await confirm(api, code(password, api), as: reception).code == "second_factor_enrolled")
        }
    }

    @Test func `A code of the authenticator app works only once`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.unproven([.reception], at: world.park.id)
            let password = try await enrol(api, reception)
            #expect(try await confirm(api, code(password, api), as: reception).status == 201)
            #expect(try await prove(api, code(password, api), as: reception).code == "second_factor_used")
            #expect(try await prove(api, code(password, api, later: -1), as: reception).code == "second_factor_used")
            #expect(try await prove(api, code(password, api, later: 1), as: reception).status == 204)
            #expect(try await prove(api, code(password, api, later: 2), as: reception).code == "second_factor_wrong")
            api.clock.advance(by: 90)
            #expect(try await prove(api, code(password, api, later: -1), as: reception).status == 204)
        }
    }

    @Test func `Five wrong second-factor codes block the right code for ten minutes`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.unproven([.reception], at: world.park.id)
            let password = try await enrol(api, reception)
            #expect(try await confirm(api, code(password, api), as: reception).status == 201)
            api.clock.advance(by: 60)
            // A used code does not count as a guess.
            #expect(try await prove(api, code(password, api), as: reception).status == 204)
            for _ in 0..<8 {
                #expect(try await prove(api, code(password, api), as: reception).code == "second_factor_used")
            }
            for _ in 0..<5 {
                let wrong = try await prove(api, code(password, api, later: 9), as: reception)
                #expect(wrong.code == "second_factor_wrong")
            }
            let stopped = try await prove(api, code(password, api, later: 1), as: reception)
            #expect(stopped.code == "too_many_factor_tries" && stopped.headers["retry-after"] == "600")
            api.clock.advance(by: 600)
            #expect(try await prove(api, code(password, api), as: reception).status == 204)
        }
    }

    @Test func `A recovery code works only once`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.unproven([.reception], at: world.park.id)
            let password = try await enrol(api, reception)
            let codes = try await confirm(api, code(password, api), as: reception).decode(RecoveryCodes.self).codes
            try await signInAnew(api, reception)
            #expect(try await prove(api, codes[0].lowercased(), as: reception).status == 204)
            #expect(try await prove(api, codes[0], as: reception).code == "second_factor_wrong")
            let fresh = try await api.post("/v1/staff/second-factor/recovery-codes", as: reception)
            #expect(fresh.status == 201)
            #expect(try await prove(api, codes[1], as: reception).code == "second_factor_wrong")
            #expect(try await prove(api, fresh.decode(RecoveryCodes.self).codes[9], as: reception).status == 204)
        }
    }

    @Test func `An irreversible action needs a second-factor code of the last ten minutes`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let colleague = try await api.given.staff([.host], at: world.park.id)
            let path = "/v1/admin/staff/\(try #require(colleague.staff))"
            try await signInAnew(api, office)
            let password = try await enrol(api, office)
            #expect(try await confirm(api, code(password, api), as: office).status == 201)
            api.clock.advance(by: 600)
            #expect(try await api.get(path, as: office).status == 200)
            #expect(try await api.send("DELETE", path, as: office).code == "second_factor_stale")
            #expect(try await prove(api, code(password, api), as: office).status == 204)
            #expect(try await api.send("DELETE", path, as: office).status == 204)
        }
    }

    @Test func `Head office can remove a colleague's second factor`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let reception = try await api.given.unproven([.reception], at: world.park.id)
            let password = try await enrol(api, reception)
            #expect(try await confirm(api, code(password, api), as: reception).status == 201)
            let path = "/v1/admin/staff/\(try #require(reception.staff))/second-factor"
            #expect(try await api.send("DELETE", path, as: reception).status == 403)
            #expect(try await api.send("DELETE", path, as: office).status == 204)
            #expect(try await api.get("/v1/staff/me", as: reception).status == 401)
            #expect(try await api.count("SELECT count(*) FROM recovery_code") == 0)
            let trail = try await api.count("SELECT count(*) FROM audit WHERE action = 'staff.renewFactor'")
            #expect(trail == 1)
        }
    }
}
