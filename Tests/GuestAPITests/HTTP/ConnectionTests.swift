import Foundation
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import GuestAPI

/// Slow, endless and rude clients over raw sockets; the deadlines are a tenth of those in service.
@Suite(.serialized) struct ConnectionTests {
    private static let limits = ConnectionGuard.Limits(
        head: .milliseconds(500),
        body: .milliseconds(1000),
        progress: .milliseconds(1500),
        idle: .milliseconds(1500),
        linger: .milliseconds(200),
        pipelined: .milliseconds(20)
    )

    private typealias Socket = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private func connect(_ api: GuestAPITestService) async throws -> Socket {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: api.port) { channel in
                channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
            }
    }

    /// Writes the pieces and reads until the server closes; returns the text and how long it took.
    private func talk(
        _ api: GuestAPITestService,
        _ pieces: [String],
        every pause: Duration = .zero
    ) async throws -> (text: String, seconds: Double) {
        let started = ContinuousClock.now
        let socket = try await connect(api)
        let text = try await socket.executeThenClose { inbound, outbound in
            let writer = Task {
                for piece in pieces {
                    try await outbound.write(ByteBuffer(string: piece))
                    try await Task.sleep(for: pause)
                }
            }
            var text = ""
            do {
                for try await buffer in inbound { text += String(buffer: buffer) }
            } catch is IOError {
                // A reset is a close too.
            }
            writer.cancel()
            return text
        }
        return (text, (ContinuousClock.now - started) / .seconds(1))
    }

    private func connections(_ api: GuestAPITestService) throws -> Int {
        let entries = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return entries.count
    }

    private let host = "Host: localhost\r\n"

    @Test func `A slow request head is closed at its deadline`() async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let drip = Array(repeating: "X", count: 100).enumerated().map {
                $0.offset == 0 ? "GET / HTTP/1.1\r\n" : "X-\($0.offset): 1\r\n"
            }
            let slow = try await talk(api, drip, every: .milliseconds(100))
            #expect(slow.seconds < 2, "\(slow)")
            let silent = try await talk(api, [])
            #expect(silent.seconds < 2)
        }
    }

    @Test func `A slow request body is closed at its deadline`() async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let head =
                "POST /v1/auth/codes HTTP/1.1\r\n\(host)Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            let slow = try await talk(api, [head] + Array(repeating: " ", count: 100), every: .milliseconds(100))
            #expect(slow.seconds < 3, "\(slow)")
        }
    }

    @Test func `A refused upload is closed without reading the rest`() async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let head =
                "POST /v1/auth/codes HTTP/1.1\r\n\(host)Content-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"
            let chunk = String(repeating: " ", count: 100_000)
            let rude = try await talk(api, [head] + Array(repeating: chunk, count: 200), every: .milliseconds(20))
            #expect(rude.seconds < 3)
            #expect(rude.text.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", "NONSENSE\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func `Input that is not HTTP gets a 400 problem`(_ bytes: String) async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let answer = try await talk(api, [bytes])
            #expect(answer.text.hasPrefix("HTTP/1.1 400"), "\(answer.text)")
            #expect(answer.text.contains("application/problem+json"))
            #expect(answer.seconds < 3)
        }
    }

    @Test func `Too many header bytes are answered with 431`() async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let big = String(repeating: "x", count: 20_000)
            let header = try await talk(api, ["GET /v1/parks HTTP/1.1\r\n\(host)X-Big: \(big)\r\n\r\n"])
            #expect(header.text.hasPrefix("HTTP/1.1 431"), "\(header.text.prefix(200))")
            #expect(header.text.contains(#""code":"headers_too_large""#))
            let address = try await api.get("/v1/parks?" + String(repeating: "x", count: 9000))
            #expect(address.status == 414 && address.code == "uri_too_long")
        }
    }

    @Test func `Every pipelined request gets its answer`() async throws {
        try await withGuestAPI(limits: Self.limits) { api in
            let one = "GET /nothing HTTP/1.1\r\n\(host)\r\n"
            let last = "GET /v1/parks HTTP/1.1\r\n\(host)Connection: close\r\n\r\n"
            let answer = try await talk(api, [String(repeating: one, count: 50) + last])
            #expect(answer.text.components(separatedBy: "HTTP/1.1 404").count == 51)
            #expect(answer.text.components(separatedBy: "HTTP/1.1 200").count == 2)
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/fd")))
    func `Guests are still served while 300 connections misbehave`() async throws {
        try await withGuestAPI(limits: Self.limits, turn: .alone) { api in
            let guest = try await api.given.guest()
            _ = try await api.get("/v1/groups", as: guest)
            let before = try connections(api)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for number in 0..<300 {
                    tasks.addTask {
                        let head = "POST /v1/auth/codes HTTP/1.1\r\n\(host)Content-Length: 90000000\r\n\r\n"
                        let pieces =
                            number % 3 == 0
                            ? [head, "{"] : number % 3 == 1 ? ["GET / HT"] : [String(repeating: "x", count: 40_000)]
                        _ = try await talk(api, pieces, every: .milliseconds(200))
                    }
                }
                for _ in 0..<20 { #expect(try await api.get("/v1/groups", as: guest).status == 200) }
                try await tasks.waitForAll()
            }
            try await Task.sleep(for: .milliseconds(500))
            #expect(try connections(api) - before < 30)
        }
    }

    @Test func `Slow request bodies hold no slot in the admission queue`() async throws {
        try await withGuestAPI(capacity: 8) { api in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let head = "POST /v1/auth/codes HTTP/1.1\r\n\(host)Content-Length: 500\r\n\r\n{"
                        _ = try await talk(api, [head] + Array(repeating: "a", count: 60), every: .milliseconds(50))
                    }
                }
                try await Task.sleep(for: .milliseconds(500))
                let started = ContinuousClock.now
                #expect(try await api.get("/v1/parks").status == 200)
                #expect(ContinuousClock.now - started < .seconds(1))
                #expect(api.app.admission.load.running == 0)
                group.cancelAll()
            }
        }
    }
}
