import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// The log names the cause of each failure, and the request or the job that failed.
@Suite(.timeLimit(.minutes(20))) struct LogTests {
    private func lines(_ api: GuestAPITestService, with message: String) -> [String] {
        api.log.lines.filter { $0.contains(message) }
    }

    private func readPark(
        _ api: GuestAPITestService,
        after change: Command
    ) async throws -> (answer: GuestAPITestService.Response, request: String) {
        let park = try await api.given.park()
        try await api.transaction { try await $0.run(change) }
        let answer = try await api.get("/v1/parks/\(park.park.id)")
        return (answer, try #require(answer.headers["x-request-id"] ?? answer.headers["X-Request-Id"]))
    }

    @Test func `An unexpected error is logged once, with the request's id`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let (answer, request) = try await readPark(
                api,
                after: Command("ALTER TABLE park RENAME COLUMN name TO title")
            )

            #expect(answer.code == "internal")
            let errors = lines(api, with: "unexpected error")
            #expect(errors.count == 1 && errors.allSatisfy { $0.hasPrefix("error") && $0.contains(request) })
        }
    }

    @Test func `A 503 is logged with the database's error`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let guest = try await api.given.guest()
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$
                        """
                    )
                )
                try await tx.run(
                    Command("CREATE TRIGGER away BEFORE INSERT ON travel_group FOR EACH ROW EXECUTE FUNCTION away()")
                )
            }

            let answer = try await api.post("/v1/groups", GroupRequest(name: "A", myName: "B"), as: guest, key: "k")

            #expect(answer.status == 503)
            let causes = lines(api, with: "the database could not do it")
            #expect(causes.count == 1 && causes.allSatisfy { $0.contains("53100") && $0.contains("request") })
        }
    }

    @Test func `A job that fails is logged with its id`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            try await api.transaction { tx in
                try Job.enqueue(CleanUp(part: "answers"), at: api.now, api.app.act(in: tx, as: .job("test")))
                try await tx.run(Command("ALTER TABLE idempotency_key RENAME COLUMN expires_at TO ends_at"))
            }

            try await api.work()

            let failures = lines(api, with: "job failed")
            #expect(failures.count == 1 && failures.allSatisfy { $0.contains("\"job\": ") })
        }
    }
}
