import Foundation
import GuestModels
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import GuestAPI

/// The requirements for every way of sending a mail, whichever is configured.
@Suite struct MailTests {
    private let message = MailMessage(
        id: "0198a8d8-0000-7000-8000-000000000001",
        from: "Park <park@example.org>",
        to: "mira@example.org",
        subject: "Grüße\r\nBcc: everybody@example.org",
        body: "Übermorgen.\n.\nA line that is a dot, and \(String(repeating: "long ", count: 300))",
        date: Date(timeIntervalSince1970: 1_795_258_800)
    )

    /// Checks that headers and body arrive complete, and that no value becomes a header.
    private func expectMessage(_ received: String) throws {
        let parts = received.replacing("\r\n", with: "\n").components(separatedBy: "\n\n")
        let headers = parts[0]
        #expect(headers.contains("To: mira@example.org"))
        #expect(headers.contains("Date: Sat, 21 Nov 2026 11:00:00 +0000"))
        #expect(!headers.contains("\nBcc:"))
        let body = Data(base64Encoded: parts.dropFirst().joined(), options: .ignoreUnknownCharacters)
        #expect(String(decoding: try #require(body), as: UTF8.self) == message.body)
    }

    @Test func `A mail put into the spool twice is there once`() async throws {
        let folder = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let spool = Spool(Settings(database: "", stateFolder: folder), "mail")
        try await spool.put(message)
        try await spool.put(message)
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".eml") }
        #expect(files.count == 1)
        try expectMessage(String(contentsOfFile: folder + "/" + files[0], encoding: .utf8))
        try await spool.erase(Spool.folder(of: "MIRA@example.org"))
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".eml") }.isEmpty)
    }

    @Test func `A hanging mail command is stopped and counts as failed`() async throws {
        await #expect(throws: MailCommand.Failed.self) {
            try await MailCommand("cat > /dev/null; exec sleep 600", within: 0.2).send(message)
        }
    }

    @Test func `A mail command gets the mail on its standard input`() async throws {
        let file = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await MailCommand("cat > \(file)").send(message)
        try expectMessage(String(contentsOfFile: file, encoding: .utf8))
        await #expect(throws: MailCommand.Failed.self) {
            try await MailCommand("cat > /dev/null; exit 75").send(message)
        }
    }

    @Test func `A mail is sent to a relay over SMTP`() async throws {
        let relay = try await Relay.start(refusing: nil)
        try await SMTP(host: "127.0.0.1", port: relay.port).send(message)
        let session = try await relay.session.value
        #expect(session.contains("MAIL FROM:<park@example.org>\r\n"))
        #expect(session.contains("RCPT TO:<mira@example.org>\r\n"))
        let start = try #require(session.range(of: "DATA\r\n"))
        let end = try #require(session.range(of: "\r\n.\r\n"))
        try expectMessage(String(session[start.upperBound..<end.lowerBound]))

        let grumpy = try await Relay.start(refusing: "RCPT")
        await #expect(throws: SMTP.Refused.self) { try await SMTP(host: "127.0.0.1", port: grumpy.port).send(message) }
    }
}

/// A foreign mail server for one conversation.
private struct Relay {
    let port: Int
    let session: Task<String, any Error>

    static func start(refusing word: String?) async throws -> Relay {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let session = Task {
            try await server.executeThenClose { clients in
                for try await client in clients {
                    return try await client.executeThenClose { inbound, outbound in
                        try await converse(inbound, outbound, refusing: word)
                    }
                }
                return ""
            }
        }
        return Relay(port: server.channel.localAddress?.port ?? 0, session: session)
    }

    private static func converse(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        refusing word: String?
    ) async throws -> String {
        func say(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text + "\r\n")) }
        var heard = ""
        var pending = ""
        var isInData = false
        try await say("220 relay")
        for try await buffer in inbound {
            pending += String(buffer: buffer)
            while let end = pending.range(of: isInData ? "\r\n.\r\n" : "\r\n") {
                let line = String(pending[..<end.upperBound])
                pending = String(pending[end.upperBound...])
                heard += line
                if let word, line.hasPrefix(word) {
                    try await say("550 no")
                } else if isInData {
                    isInData = false
                    try await say("250 queued")
                } else if line.hasPrefix("EHLO") {
                    try await say("250-relay\r\n250 8BITMIME")
                } else if line.hasPrefix("DATA") {
                    isInData = true
                    try await say("354 go on")
                } else if line.hasPrefix("QUIT") {
                    try await say("221 bye")
                    return heard
                } else {
                    try await say("250 fine")
                }
            }
        }
        return heard
    }
}
