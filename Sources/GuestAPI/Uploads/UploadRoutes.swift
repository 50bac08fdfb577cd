import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes that continue, show and cancel an upload; a feature's own route begins the upload.
///
/// The protocol is the IETF's draft of resumable uploads; see `UploadHeaders`.
enum UploadRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "showUpload": show, "appendUpload": append, "cancelUpload": cancel,
    ]

    /// Begins an upload with the bytes of the request: all of them, the first, or none yet.
    ///
    /// - Parameters:
    ///   - owner: the thing that the bytes belong to, such as a group.
    ///   - name: the bytes' name at their owner.
    ///   - size: the number of bytes that the owner expects; nil if it does not know.
    static func begin(
        _ kind: UploadKind,
        of owner: UUID,
        as name: String,
        expecting size: Int? = nil,
        _ call: Call
    ) async throws -> Answer {
        let (headers, body) = (try headers(of: call), try body(of: call))
        guard headers.offset ?? 0 == 0 else {
            throw BadRequest("Upload-Offset", "must be 0 or missing at the beginning")
        }
        let told = headers.length ?? (headers.isComplete ? body.length : nil)
        guard told ?? 0 <= kind.maximum else { return refused(.bodyTooLarge, headers, kind, call) }
        if let told, let size, told != size { return refused(Problem(.uploadLength), headers, kind, call) }
        let size = size ?? told
        let isEmpty = body.length == 0 && !headers.isComplete
        return try await call.app.uploadLimit.run(for: call.principal.sender()) {
            let (upload, replaced) = try await call.act { act in
                try await StoredUpload.begin(kind, of: owner, as: name, size: size, goesOn: isEmpty, act)
            }
            if let replaced { try await remove(replaced, call) }
            guard let upload else { return answer(.noContent, headers, isComplete: true, kind, call) }
            let file = file(of: upload.id, call)
            try await Files.run { try file.make() }
            // A client that names no version of the draft may take a 104 for the final answer.
            if call.app.settings.sendsInterim, headers.dialect?.number != nil {
                var head = HTTPResponse(status: .init(code: 104, reasonPhrase: "Upload Resumption Supported"))
                for field in fields(headers, isComplete: nil, kind, about: upload, call) {
                    head.headerFields.append(field)
                }
                await body.send(interim: head)
            }
            guard let writer = try await StagingWriter.begin(file, maximum: most(of: upload, headers, kind)) else {
                throw Refusal.uploadTakenOver
            }
            return try await receive(body, headers, upload, kind, writer, call)
        }
    }

    private static func append(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.upload)
        let (headers, body) = (try headers(of: call), try body(of: call))
        let upload = try await call.read { try await StoredUpload.own(id, $0) }
        let kind = try kind(of: upload, call)
        guard call.headers[.contentType]?.lowercased() == Upload.partialType else {
            throw Problem.partNeeded
        }
        guard headers.dialect != nil, let offset = headers.offset else {
            throw BadRequest("Upload-Offset", "must be where the last durable byte ended")
        }
        guard !upload.isWhole else { return answer(.noContent, headers, isComplete: true, kind, about: upload, call) }
        if let length = headers.length {
            guard upload.size ?? length == length, length <= kind.maximum else { throw Refusal.uploadLength }
            if upload.size == nil { try await call.act { try await upload.setSize(length, $0) } }
        }
        return try await call.app.uploadLimit.run(for: upload.sender) {
            let most = most(of: upload, headers, kind)
            guard let writer = try await StagingWriter.begin(file(of: id, call), maximum: most) else {
                throw Refusal.notFound
            }
            guard offset == writer.offset else {
                return refused(Problem(.uploadOffset), headers, received: writer.offset, kind, about: upload, call)
            }
            return try await receive(body, headers, upload, kind, writer, call)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.upload)
        var headers = try headers(of: call)
        if headers.dialect == nil { headers.dialect = .standard }
        let upload = try await call.read { try await StoredUpload.own(id, $0) }
        let kind = try kind(of: upload, call)
        guard !upload.isWhole else {
            return answer(.noContent, headers, upload.size, isComplete: true, kind, about: upload, call)
        }
        // HEAD takes the file over, so an older request writes nothing after the offset was told.
        guard let writer = try await StagingWriter.begin(file(of: id, call), maximum: kind.maximum) else {
            throw Refusal.notFound
        }
        return answer(.noContent, headers, writer.offset, isComplete: false, kind, about: upload, call)
    }

    private static func cancel(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.upload)
        try await call.act { try await StoredUpload.cancel(id, $0) }
        try await remove(id, call)
        return .noContent
    }

    // MARK: The bytes

    private static func receive(
        _ body: IncomingBody,
        _ headers: UploadHeaders,
        _ upload: StoredUpload,
        _ kind: UploadKind,
        _ writer: StagingWriter,
        _ call: Call
    ) async throws -> Answer {
        let (durable, isWhole): (Int, Bool)
        do {
            (durable, isWhole) = try await call.app.admission.rest(call.load) { try await writer.receive(body) }
        } catch is StagingWriter.TooLong {
            guard upload.size ?? headers.length != nil else { return refused(.bodyTooLarge, headers, kind, call) }
            return try await end(upload, .uploadLength, headers, kind, call)
        }
        // The client has broken off the connection, so it gets no answer.
        guard isWhole else { throw Problem.malformed }
        guard headers.isComplete else {
            let status = headers.offset == nil ? HTTPResponse.Status.created : .noContent
            return answer(status, headers, durable, isComplete: false, kind, about: upload, call)
        }
        guard durable == upload.size ?? headers.length ?? durable else {
            return try await end(upload, .uploadLength, headers, kind, call)
        }
        do {
            let file = file(of: upload.id, call)
            try await Files.run { try kind.check(upload, file, durable) }
            try await call.act { try await upload.setWhole(kind, size: durable, $0) }
        } catch let refusal as Refusal where refusal.code != Refusal.uploadTakenOver.code {
            return try await end(upload, refusal, headers, kind, call)
        }
        return answer(.created, headers, isComplete: true, kind, about: upload, call)
    }

    /// Ends a refused upload, because the same bytes would be refused again.
    private static func end(
        _ upload: StoredUpload,
        _ refusal: Refusal,
        _ headers: UploadHeaders,
        _ kind: UploadKind,
        _ call: Call
    ) async throws -> Answer {
        if try await call.act({ try await upload.end($0) }) { try await remove(upload.id, call) }
        return refused(Problem(refusal), headers, isComplete: true, kind, call)
    }

    /// Removes the bytes of an upload that ended unfinished; a request that still writes them fails.
    private static func remove(_ id: Upload.ID, _ call: Call) async throws {
        let file = file(of: id, call)
        try await Files.run { try file.remove() }
    }

    private static func file(of id: Upload.ID, _ call: Call) -> StagedFile {
        StagedFile(id.uuid, in: call.app.settings.stateFolder)
    }

    private static func most(of upload: StoredUpload, _ headers: UploadHeaders, _ kind: UploadKind) -> Int {
        upload.size ?? headers.length ?? kind.maximum
    }

    private static func kind(of upload: StoredUpload, _ call: Call) throws -> UploadKind {
        guard let kind = call.app.features.uploads[upload.kind] else {
            throw Inconsistency("no feature takes uploads of kind \(upload.kind)")
        }
        return kind
    }

    // MARK: The headers

    private static func headers(of call: Call) throws -> UploadHeaders {
        do {
            return try UploadHeaders { name in HTTPField.Name(name).flatMap { call.headers[$0] } }
        } catch {
            throw BadRequest(error.name, error.reason)
        }
    }

    private static func body(of call: Call) throws -> IncomingBody {
        guard let body = call.incoming else { throw Inconsistency("\(call.row.name) takes no bytes") }
        return body
    }

    private static func answer(
        _ status: HTTPResponse.Status,
        _ headers: UploadHeaders,
        _ received: Int? = nil,
        isComplete: Bool,
        _ kind: UploadKind,
        about upload: StoredUpload? = nil,
        _ call: Call
    ) -> Answer {
        let fields = fields(headers, received, isComplete: isComplete, kind, about: upload, call)
        return Answer(
            status: status,
            headers: [HTTPField(name: .cacheControl, value: "no-store")] + fields,
            body: []
        )
    }

    private static func refused(
        _ problem: Problem,
        _ headers: UploadHeaders,
        received: Int? = nil,
        isComplete: Bool = false,
        _ kind: UploadKind,
        about upload: StoredUpload? = nil,
        _ call: Call
    ) -> Answer {
        var answer = problem.answer(in: call.language, instance: call.requestID)
        answer.headers += fields(headers, received, isComplete: isComplete, kind, about: upload, call)
        return answer
    }

    /// - Parameter isComplete: nil for an informational answer, which comes before the bytes.
    private static func fields(
        _ headers: UploadHeaders,
        _ received: Int? = nil,
        isComplete: Bool?,
        _ kind: UploadKind,
        about upload: StoredUpload?,
        _ call: Call
    ) -> [HTTPField] {
        guard let dialect = headers.dialect else { return [] }
        var fields: [HTTPField] = []
        if let upload { fields.append(HTTPField(name: .location, value: Paths.upload(upload.id))) }
        let end = (upload?.begunAt ?? call.now).addingTimeInterval(Double(Upload.daysKept) * 86400)
        let told = UploadHeaders.answer(
            in: dialect,
            received: received,
            length: upload?.size,
            isComplete: isComplete,
            maximum: kind.maximum,
            seconds: max(0, Int(end.timeIntervalSince(call.now)))
        )
        for (name, value) in told {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }
}
