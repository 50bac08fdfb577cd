import AsyncHTTPClient
import Foundation
public import GuestAPI
import GuestClient
import NIOCore
import NIOHTTP1

/// A running `payment-sandbox` executable; it ends with this process.
public actor SandboxProcess {
    private static let gate = SandboxGate()

    public nonisolated let port: Int
    private let process: ChildProcess
    /// The sandbox's standard input; when it closes, the sandbox ends.
    private let lifeline: Pipe

    /// One sandbox for all tests of this process; each test has its own account.
    public static func shared() async throws -> SandboxProcess { try await gate.shared() }

    public init(port: Int, file: String, clearing: Double = 0.3) throws {
        self.port = port
        lifeline = Pipe()
        process = try ChildProcess(
            ServiceProcess.product("payment-sandbox").path(percentEncoded: false),
            ["--port", "\(port)", "--file", file, "--clearing", "\(clearing)", "--with-parent"],
            input: lifeline.fileHandleForReading,
            showsErrors: false
        )
    }

    public func wait() async throws {
        for _ in 0..<2400 where process.exitCode == nil {
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/livez")
            if let answer = try? await HTTPClient.shared.execute(request, timeout: .seconds(1)), answer.status == .ok {
                return
            }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw Leak(description: "the payment sandbox did not start")
    }

    public func kill() async { await process.end() }
}

private actor SandboxGate {
    private var running: Task<SandboxProcess, any Error>?

    func shared() async throws -> SandboxProcess {
        if let running { return try await running.value }
        let task = Task {
            let file = NSTemporaryDirectory() + "voorpret-sandbox-\(ProcessInfo.processInfo.processIdentifier).sqlite"
            for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + end) }
            let sandbox = try SandboxProcess(port: Int.random(in: 30_001...31_000), file: file)
            try await sandbox.wait()
            return sandbox
        }
        running = task
        return try await task.value
    }
}

/// An account at the sandbox; plays a payer's phone and the provider's dashboard.
public struct SandboxAccount: Sendable {
    public let url: String
    public let key: String
    /// The seller's account that requests act for; nil means the key's own account.
    public var connected: String?
    public static let webhookSecret = "whsec_tests"

    public init(url: String, key: String) {
        self.url = url
        self.key = key
    }

    /// The same provider, acting for a seller's account.
    public func acting(for account: String) -> SandboxAccount {
        var copy = self
        copy.connected = account
        return copy
    }

    public init(sandbox: SandboxProcess, key: String) {
        self.init(url: "http://127.0.0.1:\(sandbox.port)", key: key)
    }

    public var settings: Settings.Payments {
        .init(
            url: url,
            key: key,
            webhookSecrets: [Self.webhookSecret],
            page: "\(url)/pay/{intent}?client_secret={secret}"
        )
    }

    @discardableResult
    public func ask(
        _ method: String = "POST",
        _ path: String,
        _ form: [String: String] = [:]
    ) async throws -> (status: Int, json: [String: Any]) {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        if let connected { request.headers.add(name: "stripe-account", value: connected) }
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        let body = form.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }.joined(separator: "&")
        if !form.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let data = Data(try await response.body.collect(upTo: 4 << 20).readableBytesView)
        let json = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        return (Int(response.status.code), json)
    }

    /// Makes the sandbox send webhooks to the test's service.
    public func listen(_ api: GuestAPITestService) async throws {
        try await ask(
            "POST",
            "/_config/webhooks/test",
            ["url": "http://127.0.0.1:\(api.port)/v1/webhooks/stripe", "secret": Self.webhookSecret]
        )
    }

    /// Pays like the provider's form on a phone with the client secret; returns the intent's status or the error.
    @discardableResult
    public func pay(_ secret: String, with method: String = "pm_card_visa") async throws -> String {
        let intent = secret.components(separatedBy: "_secret_")[0]
        let answer = try await ask(
            "POST",
            "/v1/payment_intents/\(intent)/confirm",
            ["client_secret": secret, "payment_method": method]
        )
        return answer.json["status"] as? String ?? (answer.json["error"] as? [String: Any])?["code"] as? String ?? "?"
    }

    @discardableResult
    public func authenticate(_ secret: String, _ isDone: Bool) async throws -> String {
        let intent = secret.components(separatedBy: "_secret_")[0]
        let answer = try await ask(
            "POST",
            "/v1/payment_intents/\(intent)/_authenticate",
            ["client_secret": secret, "success": "\(isDone)"]
        )
        return answer.json["status"] as? String ?? "?"
    }

    /// All objects of a kind at the provider, such as `payment_intents`.
    public func list(_ what: String) async throws -> [[String: Any]] {
        try await ask("GET", "/v1/\(what)?limit=100").json["data"] as? [[String: Any]] ?? []
    }
}

/// The provider's own Python library, an independent client for our sandbox.
public enum StripeLibrary {
    /// A Python with the library; `scripts/test.sh` installs one.
    public static let python = ProcessInfo.processInfo.environment["VOORPRET_TEST_STRIPE_PYTHON"]

    /// Drives a sandbox with the library; returns the status and the output.
    public static func drive(_ url: String) async throws -> (status: Int32, said: String) {
        guard let python else { throw Leak(description: "there is no Python with Stripe's library") }
        let output = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-stripe-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let script = projectFolder.appending(path: "scripts/stripe_contract.py").path(percentEncoded: false)
        let status = try await ChildProcess(python, [script, url], output: output.path()).wait()
        return (status, try String(contentsOf: output, encoding: .utf8))
    }
}
