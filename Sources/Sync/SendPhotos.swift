import Foundation
import GuestModels

/// The size of the portions in which photos are sent: about what the line carries in four seconds.
///
/// So new rows never wait long for a photo, and a good line needs few requests. The first portion is small, and a cut
/// makes the next one smaller.
struct UploadPace: Hashable, Sendable {
    static let smallest = 16 * 1024
    static let largest = 4 * 1024 * 1024
    private static let seconds = 4.0

    /// The most bytes of the next portion.
    private(set) var bytes = smallest

    /// Notes that a portion has been sent.
    mutating func sent(_ count: Int, in seconds: Double) {
        guard count > 0 else { return }
        let wanted = Double(count) / max(seconds, 0.001) * Self.seconds
        // A small portion says little about the line, so one answer changes the size by a factor of four at most.
        let next = min(max(wanted, Double(bytes) / 4), Double(bytes) * 4)
        bytes = min(max(Int(next), Self.smallest), Self.largest)
    }

    /// Notes that the line was cut.
    mutating func cut() { bytes = max(bytes / 4, Self.smallest) }
}

extension SyncEngine {
    /// Sends the next portion of a photo that waits, or sets the photo aside.
    ///
    /// A photo of one portion is one request. A larger one begins with a request without bytes, which names its upload.
    ///
    /// - Returns: false when no photo waits, or while another loop of the engine sends.
    /// - Throws: failures that would stop every other photo too, such as no network, no token or a busy service.
    func sendPortion() async throws -> Bool {
        // Two requests for one upload would take the file over from each other.
        guard !isSendingPortion else { return false }
        isSendingPortion = true
        defer { isSendingPortion = false }
        guard let next = try store.nextPortion(at: now(), atMost: pace.bytes) else { return false }
        guard let bytes = next.bytes else {
            // A photo without its file cannot be sent, so the phone gives it up.
            try store.sent(next, received: nil, upload: nil)
            return true
        }
        let began = ContinuousClock.now
        let answer: SyncAnswer
        do {
            answer = try await ask(next, bytes)
        } catch {
            pace.cut()
            // The service may have got some of the bytes, so the phone asks before it sends more.
            try store.sent(next, received: next.received, upload: next.upload, isUnsure: true)
            throw error
        }
        if (200..<300).contains(answer.status), next.hasBody {
            pace.sent(bytes.count, in: began.duration(to: .now) / .seconds(1))
        }
        try take(answer, of: next)
        return true
    }

    private func ask(_ next: LocalStore.NextPortion, _ bytes: Data) async throws -> SyncAnswer {
        guard let upload = next.upload else {
            var headers = ["content-type": next.type, "upload-complete": next.hasBody ? "?1" : "?0"]
            if !next.hasBody { headers["upload-length"] = String(next.size) }
            return try await transport.send("PUT", next.address, headers: headers, body: next.hasBody ? bytes : Data())
        }
        guard next.hasBody else {
            return try await transport.send("HEAD", Paths.upload(upload), headers: [:], body: nil)
        }
        let headers = [
            "content-type": Upload.partialType, "upload-offset": String(next.received),
            "upload-complete": next.isLast ? "?1" : "?0",
        ]
        return try await transport.send("PATCH", Paths.upload(upload), headers: headers, body: bytes)
    }

    private func take(_ answer: SyncAnswer, of next: LocalStore.NextPortion) throws {
        let offset = answer.headers["upload-offset"].flatMap { Int($0) }
        let failure = Self.failure(answer)
        guard case .status(let status, let code, _) = failure else { throw failure }
        switch (status, code) {
        case (200..<300, _):
            // An answer without the header did not come from the service.
            switch answer.headers["upload-complete"] {
            case "?1": try store.sent(next, received: nil, upload: nil)
            case "?0":
                // Only the id counts, so that no answer can send the token to another address.
                let named = answer.headers["location"]?.split(separator: "/").last.flatMap { Upload.ID(String($0)) }
                guard let upload = named ?? next.upload, let offset else { throw Failure.malformed }
                try store.sent(next, received: offset, upload: upload)
            default: throw Failure.malformed
            }
        case (409, "upload_offset"):
            guard let offset else { throw Failure.malformed }
            try store.sent(next, received: offset, upload: next.upload)
        case (409, "upload_taken_over"),
            (409, _) where next.upload != nil && !next.hasBody:
            try store.sent(next, received: next.received, upload: next.upload, isUnsure: true)
        case (404, _) where next.upload != nil && (next.received > 0 || next.isUnsure):
            // The service has forgotten the upload.
            try store.sent(next, received: 0, upload: nil, isUnsure: true)
        case (404, "not_found") where next.upload == nil, (_, "too_many_photos"):
            // The group or the photo is gone, or there are too many. Sending the photo again would change nothing.
            try store.sent(next, received: nil, upload: nil)
        case (400..<500, _) where status != 401 && status != 429, (507, _): try store.setAside(next, at: now())
        default: throw failure
        }
    }
}
