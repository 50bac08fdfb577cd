import AsyncHTTPClient
public import Foundation
import GuestAPI
import GuestModels
import NIOCore
import NIOHTTP1

/// Plays the app of a guest or a colleague for commands: JSON over HTTP, and sign-in codes from the mail spool.
public struct GuestClient: Sendable {
    public let base: String
    /// The service's state folder, which holds the mail spool.
    public let state: String
    /// The service's time, for one-time passwords and for dates of stays.
    public let now: @Sendable () -> Date
    /// How long the client waits for something that the service does in the background, such as a mail.
    public let patience: Duration

    public init(
        base: String,
        state: String,
        now: @escaping @Sendable () -> Date = { Date() },
        patience: Duration = .seconds(30)
    ) {
        self.base = base
        self.state = state
        self.now = now
        self.patience = patience
    }

    /// Asks again and again until there is an answer; nil when `patience` is over.
    public func wait<Value>(for found: () async throws -> Value?) async throws -> Value? {
        let end = ContinuousClock.now + patience
        while true {
            if let value = try await found() { return value }
            guard ContinuousClock.now < end else { return nil }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// The client could not go on; `description` is a sentence that says why.
    public struct Stopped: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) {
            self.description = description
        }
    }

    public struct Answer {
        public let status: Int
        public let json: [String: Any]
    }

    /// Signs a person in with a code from the mail spool and returns the access token.
    public func signIn(_ email: String, device name: String, audience: String = "guest") async throws -> String {
        let device = UUID().uuidString
        // The time of a file may be a few milliseconds behind the clock.
        let asked = Date().addingTimeInterval(-0.1)
        let sent = try await ask(
            "POST",
            Paths.authCodes(),
            ["email": email, "audience": audience, "deviceSecret": device],
            as: nil
        )
        let code = try await code(to: email, since: asked)
        let tokens = try await ask(
            "POST",
            Paths.authSessions(),
            [
                "attemptId": sent["attemptId"] as? String ?? "", "code": code, "deviceSecret": device,
                "deviceName": name,
            ],
            as: nil
        )
        return tokens["accessToken"] as? String ?? ""
    }

    /// Signs a colleague in, and proves their second factor.
    ///
    /// - Parameter secret: the base32 secret of the colleague's authenticator app; nil to enrol a new one.
    public func signInStaff(_ email: String, device name: String, secret: String?) async throws -> String {
        let token = try await signIn(email, device: name, audience: "staff")
        guard let secret else {
            let enrolment = try await ask("POST", Paths.staffSecondFactor(), nil, as: token)
            let code = codes(of: enrolment["secret"] as? String ?? "").first ?? ""
            _ = try await ask("POST", Paths.staffSecondFactorConfirmation(), ["code": code], as: token)
            return token
        }
        // The service accepts each code once, and other clients may sign in as the same colleague, so try again.
        for _ in 0..<30 {
            for code in codes(of: secret) {
                let answer = try await send(
                    "POST",
                    Paths.authSessionsCurrentSecondFactor(),
                    ["code": code],
                    as: token
                )
                if answer.status == 204 { return token }
                guard answer.json["code"] as? String == "second_factor_used" else {
                    throw Stopped(description: "the second factor of \(email) was refused: \(answer.json)")
                }
            }
            try await Task.sleep(for: .seconds(2))
        }
        throw Stopped(description: "every code of \(email) was used already")
    }

    /// The codes that the service takes now: this half-minute's and the next one's.
    private func codes(of secret: String) -> [String] {
        guard let password = OneTimePassword(base32: secret) else { return [] }
        let step = OneTimePassword.step(at: now())
        return [password.code(at: step), password.code(at: step + 1)]
    }

    /// Searches the spool for a mail to `email` since `asked` and returns its code.
    private func code(to email: String, since asked: Date) async throws -> String {
        let root = URL(filePath: state).appending(path: "mail")
        func written(_ file: URL) -> Date {
            let values = try? file.resourceValues(forKeys: [.contentModificationDateKey])
            return values?.contentModificationDate ?? .distantPast
        }
        let found: String? = try await wait {
            let files =
                FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
            for file in files where written(file) >= asked && file.pathExtension == "eml" {
                guard let mail = try? String(contentsOf: file, encoding: .utf8), mail.contains("To: \(email)\r\n")
                else { continue }
                let body = mail.components(separatedBy: "\r\n\r\n").dropFirst().joined()
                let text = String(
                    decoding: Data(base64Encoded: body, options: .ignoreUnknownCharacters) ?? Data(),
                    as: UTF8.self
                )
                if let code = text.split(whereSeparator: { !$0.isNumber }).first(where: { $0.count == 8 }) {
                    return String(code)
                }
            }
            return nil
        }
        if let found { return found }
        throw Stopped(description: "no mail to \(email) came to \(root.path()); is this the service's state folder?")
    }

    /// Sends a request like `send`, and throws for every status that is not 2xx.
    public func ask(
        _ method: String,
        _ path: String,
        _ body: [String: any Sendable]?,
        as token: String?,
        match: Int? = nil
    ) async throws -> [String: Any] {
        let answer = try await send(method, path, body, as: token, match: match)
        guard (200..<300).contains(answer.status) else {
            let detail = answer.json["detail"] as? String ?? ""
            throw Stopped(description: "\(method) \(path) answered \(answer.status): \(detail)")
        }
        return answer.json
    }

    /// Sends a request with a JSON body and returns the answer, whatever its status.
    ///
    /// - Parameter key: the idempotency key; a repetition needs the same key, and the default is a new key.
    public func send(
        _ method: String,
        _ path: String,
        _ body: [String: any Sendable]?,
        as token: String?,
        match: Int? = nil,
        key: String = UUID().uuidString
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = HTTPMethod(rawValue: method)
        if let match { request.headers.add(name: "if-match", value: "\"\(match)\"") }
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if method == "POST" { request.headers.add(name: "idempotency-key", value: key) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: body)))
        }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: 8 << 20)
            let json = try? JSONSerialization.jsonObject(with: Data(bytes.readableBytesView)) as? [String: Any]
            return Answer(status: Int(response.status.code), json: json ?? [:])
        } catch {
            throw Stopped(description: "nothing answers at \(base); is `make run` running?")
        }
    }

    /// Sends the bytes of a photo; throws for every status that is not 2xx.
    public func send(_ bytes: Data, to path: String, as token: String) async throws {
        var request = HTTPClientRequest(url: base + path)
        request.method = .PUT
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        request.headers.add(name: "content-type", value: "application/octet-stream")
        request.body = .bytes(ByteBuffer(bytes: bytes))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(60)),
            (200..<300).contains(response.status.code)
        else { throw Stopped(description: "\(path) did not take the bytes") }
    }

    /// Submits a form as a browser does.
    public func submit(_ url: String, _ form: [String: String]) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        let fields = form.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        request.body = .bytes(ByteBuffer(string: fields.joined(separator: "&")))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(60)),
            response.status.code < 400
        else { throw Stopped(description: "\(url) did not take the form") }
    }
}
