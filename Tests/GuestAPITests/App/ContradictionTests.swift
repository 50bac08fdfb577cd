import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ContradictionTests {
    private func contradictions(_ api: GuestAPITestService) -> String? {
        api.app.metrics.text(gauges: []).split(separator: "\n").map(String.init).last {
            $0.hasPrefix("voorpret_contradictions_total ")
        }
    }

    @Test func `Reading a booking with an unknown state fails with status 500`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let world = try await api.given.park()
            let guest = try await api.given.guest()
            let group = try await api.given.group(of: guest)
            let booking = try await api.given.booking(of: group, by: guest, in: world)

            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        DO $$ DECLARE name text; BEGIN
                            FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'booking'::regclass AND contype = 'c'
                            LOOP EXECUTE format('ALTER TABLE booking DROP CONSTRAINT %I', name); END LOOP;
                        END $$
                        """
                    )
                )
                try await tx.run(Command("UPDATE booking SET state = 'lost' WHERE id = \(booking.id)"))
            }

            #expect(try await api.get("/v1/bookings/\(booking.id)", as: guest).status == 500)
            #expect(try await api.get("/v1/groups/\(group.id)", as: guest).status == 500)
            #expect(contradictions(api) == "voorpret_contradictions_total 2")
        }
    }

    @Test func `An unreadable time zone stops no other park's daily jobs`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let (broken, whole) = (try await api.given.park(), try await api.given.park())
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE park SET time_zone = 'Mars/Olympus' WHERE id = \(broken.park.id)"))
            }
            api.clock.advance(by: 86_400)

            try await Scheduler(app: api.app).tick()

            let ours = "\(whole.park.id) %"
            #expect(try await api.count("SELECT count(*) FROM job_run WHERE due LIKE \(ours)") > 0)
            #expect(contradictions(api) == "voorpret_contradictions_total 1")
        }
    }

    @Test func `A search in a park with an unreadable time zone fails`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let world = try await api.given.park()
            let search = "/v1/parks/\(world.park.id)/availability?from=2027-05-14&to=2027-05-17&adults=2"
            #expect(try await api.get(search).status == 200)

            try await api.transaction { tx in
                try await tx.run(Command("UPDATE park SET time_zone = 'Mars/Olympus' WHERE id = \(world.park.id)"))
            }

            #expect(try await api.get(search).status == 500)
            #expect(contradictions(api) == "voorpret_contradictions_total 1")
        }
    }

    @Test func `An unknown refund status from the payment provider is an error`() throws {
        #expect(try ReconcileRefund.state("succeeded") == .succeeded)
        #expect(throws: Inconsistency.self) { _ = try ReconcileRefund.state("in_review") }
        #expect(throws: Inconsistency.self) { _ = try ReconcileRefund.state(nil) }
    }
}
