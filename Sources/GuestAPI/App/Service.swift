import Foundation
import GuestModels
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Postgres
public import ServiceLifecycle
import Synchronization

/// The whole service: the public port, the private one, and the workers.
public struct GuestService: Service {
    private let app: AppEnvironment
    private let limits: ConnectionGuard.Limits
    private let onRunning: @Sendable (Int) async -> Void

    /// - Parameter onRunning: called with the public port once it takes connections.
    public init(_ app: AppEnvironment, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) {
        self.init(app, limits: ConnectionGuard.Limits(), onRunning: onRunning)
    }

    init(_ app: AppEnvironment, limits: ConnectionGuard.Limits, onRunning: @escaping @Sendable (Int) async -> Void) {
        self.app = app
        self.limits = limits
        self.onRunning = onRunning
    }

    /// Runs the service until the task is cancelled or a graceful shutdown is asked for.
    ///
    /// At a shutdown the service takes no new requests, finishes those that are running, and ends within 25 s.
    public func run() async throws {
        let lifecycle = Lifecycle()
        let routes = try RouteTable(app.features.handlers)
        let limits = limits
        let onRunning = onRunning
        let front = Application(
            responder: Responder(app: app, routes: routes),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionGuard(limits: limits)],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 * 1024,
                        maxHeaderListSize: 16 * 1024,
                        maxHeaderFieldCount: 100
                    )
                )
            ),
            configuration: .init(
                address: .hostname(app.settings.host, port: app.settings.port),
                serverName: nil,
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    app.settings.maximumConnections,
                    logger: app.logger
                )
            ),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: app.logger
        )
        let back = Application(
            responder: AdminResponder(app: app, lifecycle: lifecycle),
            server: .http1(configuration: .init(additionalChannelHandlers: [ConnectionGuard(limits: limits)])),
            configuration: .init(
                address: .hostname(app.settings.adminHost, port: app.settings.adminPort),
                serverName: nil
            ),
            logger: app.logger
        )
        var services: [any Service] = [back, Herald(app: app)]
        if app.settings.workers > 0 {
            services += Worker.all(app, queues: Job.Queue.allCases)
            services.append(Scheduler(app: app))
        }
        services.append(front)
        services.append(Draining(lifecycle: lifecycle))
        var configuration = ServiceGroupConfiguration(services: services, logger: app.logger)
        configuration.maximumGracefulShutdownDuration = .seconds(25)
        let group = ServiceGroup(configuration: configuration)
        do {
            try await group.run()
        } catch {
            await app.close()
            throw error
        }
        await app.close()
    }
}

/// The service of a process that only works on jobs and takes no requests.
public struct WorkerService: Service {
    private let app: AppEnvironment
    private let queues: [String]

    /// - Parameter queues: the names of the queues to work on; an empty list means all queues.
    public init(_ app: AppEnvironment, queues: [String]) {
        self.app = app
        self.queues = queues
    }

    public func run() async throws {
        let chosen = queues.isEmpty ? Job.Queue.allCases : queues.compactMap { Job.Queue(rawValue: $0) }
        guard !chosen.isEmpty else {
            throw SettingsError(
                description: "there is no such queue; effects, mail, push, payments, objects and photos are"
            )
        }
        let services: [any Service] = [Scheduler(app: app), Herald(app: app)] + Worker.all(app, queues: chosen)
        let group = ServiceGroup(configuration: .init(services: services, logger: app.logger))
        try await group.run()
        await app.close()
    }
}

/// Remembers whether the service is shutting down and wants no more requests.
final class Lifecycle: Sendable {
    private let draining = Mutex(false)
    var isDraining: Bool { draining.withLock { $0 } }
    func drain() { draining.withLock { $0 = true } }
}

/// Reports "not ready" for a second before a shutdown closes the ports, so that a load balancer stops sending.
///
/// This service is the last of the group, because the last one is the first to hear of a shutdown.
private struct Draining: Service {
    let lifecycle: Lifecycle

    func run() async throws {
        try? await gracefulShutdown()
        lifecycle.drain()
        try? await Task.sleep(for: .seconds(1))
    }
}

/// `/livez`, `/readyz` and `/metrics`, on a port the public does not reach.
private struct AdminResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let app: AppEnvironment
    let lifecycle: Lifecycle

    func respond(to request: Request, context: Context) async throws -> Response {
        switch request.uri.path {
        case "/livez": return plain(.ok, "ok\n")
        case "/readyz":
            if lifecycle.isDraining { return plain(.serviceUnavailable, "draining\n") }
            guard let version = await quickly({ try? await Migrator.version(of: app.database) }) else {
                return plain(.serviceUnavailable, "no database\n")
            }
            guard Migrator.isServed(version) else {
                return plain(.serviceUnavailable, "schema \(version), expected \(Migrator.expectedVersion)\n")
            }
            return plain(.ok, "ready\n")
        case "/metrics": return plain(.ok, await metrics())
        default: return plain(.notFound, "not found\n")
        }
    }

    /// The database's answer within two seconds, or nil, because a monitor does not wait long.
    private func quickly<Value: Sendable>(_ body: @escaping @Sendable () async -> Value?) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await Task.sleep(for: .seconds(2))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func metrics() async -> String {
        let census = await app.database.census()
        let load = app.admission.load
        var gauges: [Metrics.Gauge] = [
            .init(
                "voorpret_build_info",
                "What this build is; always 1.",
                1,
                ["version": Version.number, "schema": "\(Migrator.expectedVersion)"]
            ),
            .init("voorpret_database_connections", "Open connections to the database.", census.open),
            .init("voorpret_database_leased", "Connections that a transaction has to itself.", census.leased),
            .init("voorpret_database_waiting", "Tasks that wait for a connection.", census.waiting),
            .init("voorpret_requests_running", "Requests that are worked on.", load.running),
            .init("voorpret_requests_waiting", "Requests that wait for their turn.", load.waiting),
            .init("voorpret_phones_waiting", "Phones that wait for news.", app.scopeBell.waiting),
        ]
        gauges += ProcessGauges.all(since: app.metrics.startedAt)
        let isUp = await quickly { try? await Migrator.version(of: app.database) } == nil ? 0 : 1
        let now = app.now()
        let known: [Metrics.Gauge]? = isUp == 0 ? nil : await quickly { try? await gaugesOfDatabase(at: now) }
        gauges.append(.init("voorpret_database_up", "Whether the database answered within two seconds.", isUp))
        return app.metrics.text(gauges: gauges + (known ?? []))
    }

    /// The gauges with values that are read from the database.
    private func gaugesOfDatabase(at now: Date) async throws -> [Metrics.Gauge] {
        let (queues, counts, checks) = try await app.database.read(as: "metrics", at: .slow) { reader in
            try await reader.all(JobSQL.backlog(at: now), AttemptSQL.openCounts, CheckSQL.checkedFrom)
        }
        var gauges: [Metrics.Gauge] = []
        for queue in queues {
            let label = ["queue": queue.queue]
            gauges.append(.init("voorpret_jobs_due", "Jobs whose time has come.", queue.due, label))
            gauges.append(
                .init("voorpret_jobs_age_seconds", "How long the oldest due job has been due.", queue.age, label)
            )
            gauges.append(.init("voorpret_jobs_dead", "Jobs that gave up; somebody must look.", queue.dead, label))
        }
        if let counts = counts.first {
            gauges.append(.init("voorpret_attempts_open", "Payments that are not over.", counts.attempts))
            gauges.append(.init("voorpret_refunds_open", "Refunds that are not over.", counts.refunds))
            gauges.append(
                .init("voorpret_provider_events_parked", "Events of the provider's that are not ours.", counts.parked)
            )
        }
        // Before the first check of the ledger, the gauge shows the time since this process began.
        gauges.append(
            .init(
                "voorpret_ledger_check_age_seconds",
                "Since the last check of the whole ledger began.",
                Int(now.timeIntervalSince(checks.first ?? app.metrics.startedAt))
            )
        )
        return gauges
    }

    private func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "text/plain; version=0.0.4"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
