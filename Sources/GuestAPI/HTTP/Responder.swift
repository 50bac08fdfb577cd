import Foundation
import GuestModels
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Postgres

/// The way of every request: route, admission, authentication, policy, body, verb, response.
struct Responder: HTTPResponder {
    /// The request's context, with its connection.
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: Source) {
            coreContext = .init(source: source)
            channel = source.channel
        }
    }

    let app: AppEnvironment
    let routes: RouteTable

    static let maximumBody = 64 * 1024
    static let maximumURI = 8 * 1024

    func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        let requestID = app.ids.uuid(at: app.now()).lowercasedText
        let app = app.logging(["request": "\(requestID)"])
        var language = request.headers[.acceptLanguage].flatMap { Language(acceptLanguage: $0) } ?? .english
        var route = "unmatched"
        var answer: Answer
        do {
            answer = try await reply(to: request, on: context.channel, requestID, app, &language, &route)
        } catch {
            if let problem = Problem(error) {
                noteCause(of: problem, error, on: route, app)
                answer = problem.answer(in: language, instance: requestID)
            } else {
                note(error, on: route, app)
                answer = Problem.internalError.answer(in: language, instance: requestID)
            }
        }
        answer.headers.append(HTTPField(name: .requestID, value: requestID))
        let elapsed = ContinuousClock.now - start
        app.metrics.answered(route, status: answer.status.code, seconds: elapsed / .seconds(1))
        app.logger.info(
            "answered",
            metadata: [
                "route": "\(route)", "status": "\(answer.status.code)", "ms": "\(Int(elapsed / .milliseconds(1)))",
            ]
        )
        return response(answer, isHead: request.method == .head) { [route] error in
            note(error, on: route, app)
        }
    }

    /// Logs an unexpected error of a request; no other place logs it.
    private func note(_ error: any Error, on route: String, _ app: AppEnvironment) {
        app.metrics.met(error)
        app.logger.error("unexpected error", metadata: ["route": "\(route)", "error": "\(String(reflecting: error))"])
    }

    /// Logs the error of the database or the object store behind a 503, because the answer does not say it.
    private func noteCause(of problem: Problem, _ error: any Error, on route: String, _ app: AppEnvironment) {
        guard problem.status == .serviceUnavailable else { return }
        let place: String
        switch error {
        case is PostgresError: place = "database"
        case is ObjectsUnavailable: place = "object store"
        default: return
        }
        app.logger.warning("the \(place) could not do it", metadata: ["route": "\(route)", "error": "\(error)"])
    }

    private func reply(
        to request: Request,
        on channel: any Channel,
        _ requestID: String,
        _ app: AppEnvironment,
        _ language: inout Language,
        _ route: inout String
    ) async throws -> Answer {
        let target = Substring(request.head.path ?? "/")
        guard target.utf8.count <= Self.maximumURI else { throw Problem.uriTooLong }
        guard request.head.authority != nil else { throw Problem.malformed }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let found: RouteTable.Route
        let parameters: [String: String]
        switch routes.match(request.method, parts[0]) {
        case .nothing: throw Refusal.notFound
        case .wrongMethod(let allow, let limit):
            guard request.method == .options, let limit else { throw Problem.methodNotAllowed(allow) }
            return .uploadLimit(limit, allow: allow)
        case .found(let match, let values):
            found = match
            parameters = values
        }
        route = found.row.name

        // Read a body of JSON before entering the queue, so that slow clients hold no slot. Report its errors only after
        // authentication. The handler reads a body of bytes.
        var bytes: Result<[UInt8], any Error> = .success([])
        let takesBytes = found.row.takes != .json
        if !takesBytes {
            do { bytes = .success(try await body(of: request, channel)) } catch { bytes = .failure(error) }
        }
        let load = found.row.load(hasToken: request.headers[.authorization] != nil)
        guard await app.admission.enter(load) else { throw Problem.unavailable }
        defer { app.admission.leave(load) }

        let credentials = try await credentials(of: request, for: found.row, app)
        if request.headers[.acceptLanguage] == nil, let preferred = credentials.language { language = preferred }
        var principal = credentials.principal
        var actor: StaffMember?
        if let header = request.headers[.onBehalfOf] {
            let found = try await DeskGuests.find(header, by: principal, for: found.row, parameters, app)
            principal = .guest(found.guest)
            actor = found.actor
        }
        try found.row.admit(principal)
        if found.row.needsMatch, request.headers[.ifMatch] == nil { throw Problem.matchRequired }
        let call = Call(
            app: app,
            row: found.row,
            method: request.method,
            load: load,
            principal: principal,
            actor: actor,
            session: credentials.session,
            client: app.settings.trustedProxies.client(channel.remoteAddress, request.headers),
            parameters: parameters,
            query: parts.count > 1 ? try QueryReader.parse(parts[1]) : [:],
            headers: request.headers,
            bytes: try bytes.get(),
            incoming: takesBytes ? IncomingBody(of: request, channel) : nil,
            language: language,
            requestID: requestID,
            now: app.now()
        )
        let answer = try await found.handler(call)
        try await DeskGuests.recordRead(call)
        return answer
    }

    /// The credentials of the request; checks the second factor if the row needs one.
    private func credentials(
        of request: Request,
        for row: Policy.Row,
        _ app: AppEnvironment
    ) async throws -> Credentials {
        let header = request.headers[.authorization]
        let known = try await app.authenticator.authenticate(header, app)
        do {
            try row.requireFactor(known, at: app.now())
            return known
        } catch {
            // The authenticator keeps credentials for a second, and the colleague may have proved the factor since at
            // another process. So read the credentials from the database.
            let fresh = try await app.authenticator.authenticate(header, isFresh: true, app)
            try row.requireFactor(fresh, at: app.now())
            return fresh
        }
    }

    private func body(of request: Request, _ channel: any Channel) async throws -> [UInt8] {
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > Self.maximumBody {
            throw Problem.bodyTooLarge
        }
        if request.headers[.expect] != nil {
            try? await channel.triggerUserOutboundEvent(BodyQuestion.wanted(isFlowing: false)).get()
        }
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            guard bytes.count + buffer.readableBytes <= Self.maximumBody else { throw Problem.bodyTooLarge }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        guard !bytes.isEmpty else { return [] }
        let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() } ?? ""
        let encoding = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard type == "application/json" || type.hasSuffix("+json"), encoding == "identity" else {
            throw Problem.unsupportedMedia
        }
        return bytes
    }

    /// - Parameter failed: called with the error when an answer that has begun cannot be finished.
    private func response(
        _ answer: Answer,
        isHead: Bool,
        failed: @escaping @Sendable (any Error) -> Void
    ) -> Response {
        var headers = HTTPFields()
        for field in answer.headers { headers.append(field) }
        headers[.xContentTypeOptions] = "nosniff"
        if let stream = answer.stream {
            guard !isHead else {
                headers[.contentLength] = stream.length.map(String.init)
                return Response(status: answer.status, headers: headers)
            }
            let body = ResponseBody(contentLength: stream.length) { writer in
                // A client that has closed the connection is not an error of the service.
                var isGone = false
                do {
                    try await stream.write { part in
                        do {
                            try await writer.write(part)
                        } catch {
                            isGone = true
                            throw error
                        }
                    }
                } catch {
                    if !isGone, !(error is CancellationError) { failed(error) }
                    throw error
                }
                try await writer.finish(nil)
            }
            return Response(status: answer.status, headers: headers, body: body)
        }
        guard !answer.body.isEmpty else {
            var response = Response(status: answer.status, headers: headers)
            if answer.status != .noContent, answer.status != .notModified { response.headers[.contentLength] = "0" }
            return response
        }
        if isHead {
            var response = Response(status: answer.status, headers: headers)
            response.headers[.contentLength] = String(answer.body.count)
            return response
        }
        return Response(
            status: answer.status,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}

extension HTTPField.Name {
    fileprivate static let requestID = HTTPField.Name(constant: "X-Request-Id")
    fileprivate static let onBehalfOf = HTTPField.Name(constant: "On-Behalf-Of")
}
