import AsyncHTTPClient
import Foundation
import GuestClient
import NIOCore
import NIOHTTP1
import Postgres

/// The running parts: the database, the provider, the service, and the proxies between them.
struct Stage: Sendable {
    static let key = "sk_test_simulation"
    static let webhookSecret = "whsec_simulation"

    let root: String
    let cluster: String
    let name: String
    let database: String
    let scratch: String
    let programs: String
    let plan: FaultPlan
    let servicePort: Int
    let sandboxPort: Int
    let providerProxyPort: Int
    let webhookProxyPort: Int
    let service: Program
    let sandbox: Program

    init(
        root: String,
        cluster: String,
        name: String,
        database: String,
        scratch: String,
        programs: String,
        plan: FaultPlan
    ) {
        self.root = root
        self.cluster = cluster
        self.name = name
        self.database = database
        self.scratch = scratch
        self.programs = programs
        self.plan = plan
        // The ports are below the range of outgoing connections.
        let base = 10_100 + Int.random(in: 0..<900) * 10
        (servicePort, sandboxPort, providerProxyPort, webhookProxyPort) = (base, base + 2, base + 3, base + 4)
        service = Program(
            "\(programs)/voorpret",
            ["serve"],
            environment: Self.environment(database, scratch, root, servicePort, through: providerProxyPort),
            health: "http://127.0.0.1:\(servicePort + 1)/readyz"
        )
        sandbox = Program(
            "\(programs)/payment-sandbox",
            ["--port", "\(sandboxPort)", "--file", "\(scratch)/payments.sqlite", "--clearing", "1"],
            health: "http://127.0.0.1:\(sandboxPort)/livez"
        )
    }

    /// Starts separate processes and a separate database, runs `body`, and always cleans up.
    static func open(
        project: String,
        programs: String,
        plan: FaultPlan,
        _ body: (Stage) async throws -> Void
    ) async throws {
        let root = URL(filePath: project).standardizedFileURL.path()
        let name = "simulate-\(ProcessInfo.processInfo.processIdentifier)"
        let cluster = "\(root)/scripts/cluster.sh"
        let scratch = NSTemporaryDirectory() + "voorpret-\(name)"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        let (status, url) = try await run(cluster, ["start", name])
        guard status == 0 else { throw GuestClient.Stopped(description: "the database did not start") }
        let stage = Stage(
            root: root,
            cluster: cluster,
            name: name,
            database: url.trimmingCharacters(in: .whitespacesAndNewlines),
            scratch: scratch,
            programs: URL(filePath: programs).standardizedFileURL.path(),
            plan: plan
        )
        do {
            try await body(stage)
            await stage.clear()
        } catch {
            await stage.clear()
            throw error
        }
    }

    private func clear() async {
        await service.kill()
        await sandbox.kill()
        _ = try? await run(cluster, ["remove", name])
        try? FileManager.default.removeItem(atPath: scratch)
    }

    private static func environment(
        _ database: String,
        _ scratch: String,
        _ root: String,
        _ port: Int,
        through provider: Int
    ) -> [String: String] {
        [
            "VOORPRET_DATABASE": database, "VOORPRET_STATE": scratch, "VOORPRET_SCHEMA": root,
            "VOORPRET_PORT": "\(port)", "VOORPRET_ADMIN_PORT": "\(port + 1)", "VOORPRET_LOG_LEVEL": "critical",
            "VOORPRET_PAYMENTS_URL": "http://127.0.0.1:\(provider)", "VOORPRET_PAYMENTS_KEY": key,
            "VOORPRET_PAYMENTS_WEBHOOK_SECRET": webhookSecret,
        ]
    }

    /// The environment for commands that reach the provider directly, without the proxy.
    var environment: [String: String] {
        Self.environment(database, scratch, root, servicePort, through: sandboxPort)
    }

    var client: GuestClient { GuestClient(base: "http://127.0.0.1:\(servicePort)", state: scratch) }

    func proxies() -> Task<Void, any Error> {
        let toProvider = FaultProxy(
            target: "http://127.0.0.1:\(sandboxPort)",
            faults: Fault.towardsProvider,
            plan: plan
        )
        let toService = FaultProxy(
            target: "http://127.0.0.1:\(servicePort)",
            faults: Fault.towardsService,
            plan: plan,
            webhookSecret: Self.webhookSecret
        )
        let (first, second) = (providerProxyPort, webhookProxyPort)
        return Task {
            async let one: Void = toProvider.serve(port: first)
            async let two: Void = toService.serve(port: second)
            _ = try await (one, two)
        }
    }

    /// Makes the provider send all its webhooks through the proxy.
    func listen() async throws {
        _ = try await provider(
            "POST",
            "/_config/webhooks/simulation",
            [
                "url": "http://127.0.0.1:\(webhookProxyPort)/v1/webhooks/stripe", "secret": Self.webhookSecret,
            ]
        )
    }

    /// Sends a request to the provider itself, as a payer's phone or an accountant does.
    func provider(_ method: String, _ path: String, _ form: [String: String] = [:]) async throws -> [String: Any] {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(sandboxPort)\(path)")
        request.method = .init(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(Self.key)")
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        let body = form.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        if !form.isEmpty { request.body = .bytes(ByteBuffer(string: body.joined(separator: "&"))) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(15))
        let data = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// All objects of a kind at the provider.
    func all(_ what: String) async throws -> [[String: Any]] {
        var items: [[String: Any]] = []
        while true {
            let after = (items.last?["id"] as? String).map { "&starting_after=\($0)" } ?? ""
            let page = try await provider("GET", "/v1/\(what)?limit=100\(after)")
            items += page["data"] as? [[String: Any]] ?? []
            guard page["has_more"] as? Bool == true else { return items }
        }
    }

    /// Kills the service, the database or the provider during a payment; returns nil when nobody is paying.
    func breakSomething() async throws -> Fault? {
        guard try await openWork() > 0 else { return nil }
        let fault: Fault =
            switch plan.random(0...9) {
            case ..<6: .serviceKilled
            case ..<8: .databaseRestarted
            default: .providerKilled
            }
        plan.count(fault)
        switch fault {
        case .serviceKilled: try await killAndStart(service)
        case .providerKilled: try await killAndStart(sandbox)
        default:
            _ = try await run(cluster, ["crash", name])
            _ = try await run(cluster, ["start", name])
        // The service keeps running and must reconnect by itself.
        }
        return fault
    }

    private func killAndStart(_ program: Program) async throws {
        await program.kill()
        try await Task.sleep(for: .milliseconds(plan.random(0...500)))
        try await program.start()
    }

    func query(_ sql: SQL) async throws -> [Int64] { try await query(sql, as: Int64.self) }

    private func query<Value: PostgresValue & Sendable>(_ sql: SQL, as type: Value.Type) async throws -> [Value] {
        let pool = try Database(.init(connectionString: database), flush: { _ in [] })
        do {
            let rows = try await pool.read(as: "simulation") { reader in
                try await reader.all(Query(sql) { try $0.decode("value", as: type) })
            }
            await pool.close()
            return rows
        } catch {
            await pool.close()
            throw error
        }
    }

    func texts(_ sql: SQL) async throws -> [String] {
        try await query(sql, as: String.self)
    }

    private func openWork() async throws -> Int64 {
        try await query(
            """
            SELECT (SELECT count(*) FROM attempt WHERE state IN ('created', 'requiresAction', 'processing'))
                + (SELECT count(*) FROM refund WHERE state IN ('reserved', 'sent')) AS value
            """
        ).first ?? 0
    }

    /// Waits until all work is finished, however slow the machine is.
    ///
    /// - Throws: `GuestClient.Stopped` when nothing has moved for five minutes.
    func drain() async throws {
        let bar = ProgressBar("Draining")
        var (last, rounds) = (Int64(-1), 0)
        while rounds < 1500 {
            bar.show(rounds, of: 1500)
            let open = try await openWork()
            let events = try await query("SELECT count(*) AS value FROM provider_event WHERE state = 'new'").first ?? 0
            let jobs =
                try await query(
                    """
                    SELECT count(*) AS value FROM job
                    WHERE kind IN ('overpaid', 'endPayments', 'settleAttempt', 'settleRefund', 'readEvent', 'reviewCharge')
                    """
                ).first ?? 0
            let left = open + events + jobs
            if left == 0 {
                bar.finish()
                return
            }
            rounds = left == last ? rounds + 1 : 0
            last = left
            try await Task.sleep(for: .milliseconds(200))
        }
        throw GuestClient.Stopped(
            description: "\(last) payments, refunds, events and jobs have not moved for five minutes"
        )
    }
}
