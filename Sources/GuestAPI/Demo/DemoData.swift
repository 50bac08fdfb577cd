import Foundation
import GuestModels
import Postgres
import Synchronization

/// The data of the demo: three parks with cottages, rates, extras, staff, guests and bookings.
///
/// The data is the same on every machine; its dates are relative to today.
public struct DemoData: Sendable {
    static let principal = Principal.job("demo")

    var app: AppEnvironment
    let today: LocalDate
    let now: Date

    /// The mail address of the demo's guest, which the demo command prints.
    public static let guestEmail = "anna@example.org"
    public static let hostEmail = "host@example.org"
    public static let headOfficeEmail = "office@example.org"
    /// The secret of the authenticator app that the demo's staff share, in base32.
    public static let factorSecret = "VOORPRETVOORPRETVOORPRETVOORPRET"

    public init(_ app: AppEnvironment) {
        self.app = app
        now = app.now()
        today = LocalDate(daysSince1970: Int(now.timeIntervalSince1970 / 86400))
    }

    /// Loads the demo data; returns false and loads nothing if the database has a park already.
    ///
    /// - Parameter progress: called with the number of steps that are done and the number of all steps.
    public func load(_ progress: @Sendable (Int, Int) -> Void) async throws -> Bool {
        let parks = try await app.look(as: Self.principal) { try await $0.reader.all(ParkSQL.parks) }
        guard parks.isEmpty else { return false }
        var seeded = self
        seeded.app.ids = .seeded(20_270_514)
        try await seeded.fill(progress)
        return true
    }

    private func fill(_ progress: @Sendable (Int, Int) -> Void) async throws {
        var random = SeededGenerator(seed: 20_270_514)
        let total = Self.plans.count + Self.groupNames.count
        var step = 0
        var worlds: [World] = []
        for plan in Self.plans {
            let world = try await app.act(as: Self.principal, within: 60) { act in
                try await make(plan, &random, act)
            }
            worlds.append(world)
            step += 1
            progress(step, total)
        }
        let made = worlds
        try await app.act(as: Self.principal) { try await staff(made, $0) }
        for (index, name) in Self.groupNames.enumerated() {
            try await group(name, index, made, &random)
            step += 1
            progress(step, total)
        }
        // The demo's guests do not exist, so delete their mails.
        try await app.act(as: Self.principal) { try await $0.tx.run(JobSQL.deleteAllMails) }
    }

    // MARK: A way in

    /// Signs the demo's guest in for a day; returns an access token, the guest's group and a park.
    public func signIn() async throws -> (token: String, group: String, park: String)? {
        let now = app.now()
        return try await app.act(as: Self.principal) { act in
            guard let guest = try await act.tx.first(IdentitySQL.guestID(email: Self.guestEmail)),
                let group = try await act.tx.first(GroupSQL.memberships(of: guest)),
                let park = try await act.tx.all(ParkSQL.parks).first
            else { return nil }
            let refresh = Token(derivedFrom: app.secret.digest("demo", app.ids.uuid(at: now).uuidString))
            let session: Session.ID = app.ids.next(at: now)
            let tokens = try await SignIn.open(
                session,
                of: .guest(guest),
                refresh: refresh,
                deviceName: "demo",
                deviceHash: refresh.hash,
                act
            )
            try await act.tx.run(
                IdentitySQL.lengthenAccess(Token(tokens.accessToken), until: now.addingTimeInterval(86400))
            )
            return (tokens.accessToken, group.groupId.description, park.id.description)
        }
    }
}

extension IdentifierSource {
    /// UUIDv7 that count up from the first instant of 2026, with random bits that are the same every time.
    fileprivate static func seeded(_ seed: UInt64) -> IdentifierSource {
        let state = Mutex((count: UInt64(0), random: SeededGenerator(seed: seed)))
        return IdentifierSource { _ in
            let (high, low) = state.withLock { state in
                state.count += 1
                let millis = 1_767_225_600_000 + state.count
                return (millis << 16 | 0x7000, 0x8000_0000_0000_0000 | state.random.next() >> 2)
            }
            return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
                UUID(uuid: $0.loadUnaligned(as: uuid_t.self))
            }
        }
    }
}
