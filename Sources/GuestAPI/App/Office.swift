import Foundation
public import GuestModels
import Postgres

/// The operator's commands, such as those for staff accounts, jobs, keys and checks.
public struct Office: Sendable {
    let app: AppEnvironment

    public init(_ app: AppEnvironment) {
        self.app = app
    }

    public struct BadArgument: Error, CustomStringConvertible {
        public let description: String
    }

    /// Adds a colleague to the staff, and returns the colleague's id.
    ///
    /// - Parameters:
    ///   - functions: the colleague's work at parks, each as `park-slug:function`, such as `heidehof:reception`.
    public func addStaff(
        email: String,
        name: String,
        isHeadOffice: Bool,
        functions: [String],
        language: String
    ) async throws -> String {
        var check = Check()
        check.email(email, "--email")
        check.text(name, "--name", length: 1...100)
        guard check.errors.isEmpty else {
            throw BadArgument(description: check.errors.map { "\($0.pointer) \($0.detail)" }.joined(separator: "; "))
        }
        guard isHeadOffice || !functions.isEmpty else {
            throw BadArgument(description: "give --head-office or at least one --function park:function")
        }
        guard let language = Language(rawValue: language) else {
            throw BadArgument(description: "--language is en, nl or de")
        }
        do {
            return try await app.act(as: .job("staff")) { act in
                var posts: [StaffMember.Post] = []
                for text in functions {
                    let parts = text.split(separator: ":").map(String.init)
                    guard parts.count == 2, let function = StaffMember.Function(rawValue: parts[1]) else {
                        throw BadArgument(description: "'\(text)' is not park:function")
                    }
                    guard let park = try await act.tx.first(ParkSQL.park(slug: parts[0])) else {
                        throw BadArgument(description: "there is no park '\(parts[0])'")
                    }
                    posts.append(.init(parkId: park.id, function: function))
                }
                let member = try await StaffMember.add(
                    email: email,
                    name: name,
                    isHeadOffice: isHeadOffice,
                    posts: posts,
                    language: language,
                    act
                )
                return member.id.description
            }
        } catch let refusal as Refusal {
            throw BadArgument(description: refusal.message.english)
        }
    }

    /// Lists the staff, with one line for each colleague.
    public func listStaff() async throws -> [String] {
        let members = try await app.database.read(as: Principal.job("staff").setting) {
            try await $0.all(StaffSQL.members(after: nil, limit: 10_000))
        }
        let parks = try await app.database.read(as: Principal.job("staff").setting) { try await $0.all(ParkSQL.parks) }
        let slugs = Dictionary(parks.map { ($0.id, $0.slug) }) { first, _ in first }
        return members.map { member in
            let posts = member.posts.map { "\(slugs[$0.parkId] ?? $0.parkId.description):\($0.function.rawValue)" }
            return ([member.email, member.name] + (member.isHeadOffice ? ["head office"] : []) + posts)
                .joined(separator: "  ")
        }
    }

    /// Ends the work of the colleague with the address; their devices are signed out within a second.
    public func endStaff(email: String) async throws {
        do {
            try await app.act(as: .job("staff")) { act in
                guard let member = try await act.tx.first(StaffSQL.member(email: email.lowercased())) else {
                    throw BadArgument(description: "nobody works here under '\(email)'")
                }
                try await StaffMember.end(member.id, act)
            }
        } catch let refusal as Refusal {
            throw BadArgument(description: refusal.message.english)
        }
    }

    /// Takes somebody's authenticator app away: they are signed out, and enrol a new one when they sign in again.
    public func removeFactor(email: String) async throws {
        try await app.act(as: .job("staff")) { act in
            guard let member = try await act.tx.first(StaffSQL.member(email: email.lowercased())) else {
                throw BadArgument(description: "nobody works here under '\(email)'")
            }
            try await SecondFactor.remove(of: member.id, act)
        }
    }

    /// Makes a credential with which another system of a park calls the service.
    ///
    /// - Parameter purpose: `feed`, `reports` or `books`.
    /// - Returns: the credential's token, which cannot be shown again.
    public func makeCredential(name: String, purpose: String, park slug: String) async throws -> String {
        var check = Check()
        check.text(name, "--name", length: 1...100)
        guard check.errors.isEmpty else { throw BadArgument(description: "--name \(check.errors[0].detail)") }
        guard let purpose = SystemCredential.Purpose(rawValue: purpose) else {
            throw BadArgument(description: "--purpose is feed, reports or books")
        }
        do {
            return try await app.act(as: .job("staff")) { act in
                guard let park = try await act.tx.first(ParkSQL.park(slug: slug)) else {
                    throw BadArgument(description: "there is no park '\(slug)'")
                }
                let request = SystemCredentialRequest(name: name, purpose: purpose)
                return try await SystemCredential.make(request, at: park.id, act).token
            }
        } catch let refusal as Refusal {
            throw BadArgument(description: refusal.message.english)
        }
    }

    /// Each job of the queue, as a line for the terminal.
    public func listJobs(onlyDead: Bool) async throws -> [String] {
        let rows = try await app.database.read(as: Principal.job("list").setting) {
            try await $0.all(JobSQL.list(onlyDead: onlyDead, limit: 1000))
        }
        return rows.map { row in
            let state = row.deadAt != nil ? "dead" : row.isRunning ? "running" : "waiting"
            return "\(row.id)  \(state)  \(row.queue)/\(row.kind)  due \(row.runAt.rfc3339)  tries \(row.attempts)"
                + (row.lastError.map { "  \($0)" } ?? "")
        }
    }

    /// Runs a dead job again; returns false if there is no dead job with the id.
    public func retryJob(_ id: String) async throws -> Bool {
        guard let id = Job.ID(id) else { throw BadArgument(description: "'\(id)' is no job id") }
        return try await app.act(as: .job("retry")) { act in
            try await act.tx.run(JobSQL.retry(id, at: app.now())) == 1
        }
    }

    /// Lists all contradictions in shares, payments and the ledger.
    ///
    /// - Parameter withProvider: also compares with the provider's own books, which are read to their end first. A
    ///   payment that comes during the check may be listed too; then run the check again.
    public func checkLedger(withProvider: Bool = false) async throws -> [String] {
        if withProvider {
            guard app.payments != nil else {
                throw BadArgument(
                    description: "there are no provider's books to compare with; set VOORPRET_PAYMENTS_URL"
                )
            }
            try await ReadBooks.read(app)
            // The provider's books may show money that was moved without this service. Review it now, even if no worker
            // is running.
            let acting = Principal.job("check")
            let due = AttemptSQL.reviewsDue(since: .distantPast)
            for attempt in try await app.database.read(as: acting.setting, { try await $0.all(due) }) {
                try await ReviewCharge.carryOut(attempt, app)
            }
        }
        // The check reads all data that was ever written, so its time limit is an hour.
        return try await app.act(as: .job("check"), within: 3600) { act in
            try await CheckLedger.all(withProvider: withProvider, in: act.tx).map { "\($0.what): \($0.subject)" }
        }
    }

    /// Lists the differences between the rows published for phones and the tables that they come from.
    public func checkSync() async throws -> [String] {
        try await app.database.transaction(as: Principal.job("check").setting, within: 3600) {
            try await $0.all(PublishingSQL.differences)
        }
    }

    /// Lists the cottages for which the bits that searches read differ from the nights that are taken.
    public func checkOccupancy() async throws -> [String] {
        try await app.database.read(as: Principal.job("check").setting) {
            try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil)).map(\.description)
        }
    }

    /// Requests that make one round trip to the database, so that it can be measured without the service.
    public enum Request: String, CaseIterable, Sendable {
        /// `GET /v1/groups/{group}`
        case groupRead = "group-read"
        /// `POST /v1/sync` of a phone that has everything.
        case pullIdle = "pull-idle"
    }

    /// The SQL statements of a request, with values as literals; no statement is sent to the database.
    ///
    /// - Parameter group: the group that `groupRead` shows.
    public func statements(
        of request: Request,
        by guest: Guest.ID,
        group: TravelGroup.ID?
    ) async throws -> [String] {
        let principal = Principal.guest(guest)
        return try await app.database.statements(as: principal.setting) { reader in
            let look = Look(principal: principal, now: app.now(), app: app, reader: reader)
            switch request {
            case .groupRead:
                guard let group else { throw BadArgument(description: "group-read needs --group") }
                _ = try await TravelGroup.show(group, look)
            case .pullIdle: _ = try await look.reader.all(SyncSQL.standing(of: guest, at: look.now))
            }
        }
    }
}
