import Foundation
import NIOCore
import NIOPosix

/// A minimal SMTP client (RFC 5321) for a relay on this machine or network: no TLS, no authentication;
/// the relay does both towards the world.
struct SMTP {
    let host: String
    let port: Int

    struct Refused: Error {
        let reply: String
    }

    /// Sends a message; throws `Refused` with the relay's reply when the relay does not take it.
    func send(_ message: MailMessage) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(10))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Task.sleep(for: .seconds(30))
                throw Refused(reply: "the relay did not finish within 30 s")
            }
            group.addTask {
                try await channel.executeThenClose { inbound, outbound in
                    var talk = Conversation(replies: inbound.makeAsyncIterator(), outbound: outbound)
                    try await talk.expect(220)
                    try await talk.say("EHLO localhost", expect: 250)
                    try await talk.say("MAIL FROM:<\(address(in: message.from))>", expect: 250)
                    try await talk.say("RCPT TO:<\(message.address)>", expect: 250)
                    try await talk.say("DATA", expect: 354)
                    // A line that is a lone dot ends the mail, so leading dots are doubled (4.5.2).
                    let text = message.text.replacing("\r\n.", with: "\r\n..")
                    try await talk.say(text + "\r\n.", expect: 250)
                    try await talk.say("QUIT", expect: 221)
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func address(in text: String) -> String {
        guard let open = text.lastIndex(of: "<") else { return text }
        return String(text[text.index(after: open)...].dropLast())
    }

    private struct Conversation {
        var replies: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        var received = ""

        mutating func say(_ line: String, expect code: Int) async throws {
            try await outbound.write(ByteBuffer(string: line + "\r\n"))
            try await expect(code)
        }

        /// Reads one reply, which may have several lines; the last has a space after its code.
        mutating func expect(_ code: Int) async throws {
            while true {
                while let end = received.range(of: "\r\n") {
                    let line = String(received[..<end.lowerBound])
                    received = String(received[end.upperBound...])
                    guard line.dropFirst(3).first != "-" else { continue }
                    guard line.hasPrefix("\(code)") else { throw Refused(reply: String(line.prefix(200))) }
                    return
                }
                guard let buffer = try await replies.next(), received.utf8.count < 65_536 else {
                    throw Refused(reply: "the relay closed the connection")
                }
                received += String(buffer: buffer)
            }
        }
    }
}
