import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import GuestAPI

/// Slow lines, on a clock that the test advances.
@Suite struct SlowLineTests {
    /// A socket that takes a piece of the reply when the test says so.
    private final class SlowSocket: ChannelOutboundHandler {
        typealias OutboundIn = HTTPResponsePart

        private(set) var waiting: [(size: Int, promise: EventLoopPromise<Void>?)] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            guard case .body(let buffer) = unwrapOutboundIn(data) else {
                promise?.succeed()
                return
            }
            waiting.append((buffer.readableBytes, promise))
        }

        func takePiece() -> Int {
            guard !waiting.isEmpty else { return 0 }
            let piece = waiting.removeFirst()
            piece.promise?.succeed()
            return piece.size
        }
    }

    private struct Line {
        let channel: EmbeddedChannel
        let socket = SlowSocket()

        init() throws {
            channel = EmbeddedChannel()
            try channel.pipeline.syncOperations.addHandlers([socket, ConnectionGuard(limits: .init())])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
        }

        func ask() throws {
            try channel.writeInbound(
                HTTPRequestPart.head(HTTPRequest(method: .post, scheme: "http", authority: "x", path: "/"))
            )
        }

        func reply(_ bytes: Int) {
            channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
            channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 0, count: bytes)), promise: nil)
            channel.writeAndFlush(HTTPResponsePart.end(nil), promise: nil)
        }

        func wait(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }
    }

    @Test func `A reply of 2 MB is finished at 30 kbit a second`() throws {
        let line = try Line()
        try line.ask()
        try line.channel.writeInbound(HTTPRequestPart.end(nil))
        line.reply(2 << 20)
        var taken = 0
        // The line takes 16 KiB in four and a half seconds.
        while !line.socket.waiting.isEmpty {
            line.wait(taken % 2 == 0 ? 4 : 5)
            try #require(line.channel.isActive)
            taken += line.socket.takePiece()
        }
        #expect(taken == 2 << 20)
        line.wait(59)
        #expect(line.channel.isActive)
        line.wait(6)
        #expect(!line.channel.isActive)
    }

    @Test func `A reply is given up when the client reads nothing`() throws {
        let line = try Line()
        try line.ask()
        try line.channel.writeInbound(HTTPRequestPart.end(nil))
        line.reply(2 << 20)
        _ = line.socket.takePiece()
        line.wait(59)
        #expect(line.channel.isActive)
        line.wait(6)
        #expect(!line.channel.isActive)
    }

    @Test func `A reply is given up when the client reads too slowly`() throws {
        let line = try Line()
        try line.ask()
        try line.channel.writeInbound(HTTPRequestPart.end(nil))
        line.reply(2 << 20)
        var seconds: Int64 = 0
        while line.channel.isActive, seconds < 1000 {
            line.wait(50)
            seconds += 50
            _ = line.socket.takePiece()
        }
        // One piece in fifty seconds is a third of the least rate.
        #expect((100...200).contains(seconds))
    }

    @Test func `A body of 60 KB arrives at 30 kbit a second`() throws {
        let line = try Line()
        try line.ask()
        for _ in 0..<16 {
            line.wait(1)
            try #require(line.channel.isActive)
            try line.channel.writeInbound(HTTPRequestPart.body(ByteBuffer(repeating: 0, count: 3750)))
        }
        try line.channel.writeInbound(HTTPRequestPart.end(nil))
        #expect(line.channel.isActive)
    }

    @Test func `An event stream that sends only beats stays open`() throws {
        let line = try Line()
        try line.ask()
        try line.channel.writeInbound(HTTPRequestPart.end(nil))
        line.channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
        for _ in 0..<20 {
            line.channel.writeAndFlush(HTTPResponsePart.body(ByteBuffer(string: ": beat\n")), promise: nil)
            _ = line.socket.takePiece()
            line.wait(25)
            try #require(line.channel.isActive)
        }
    }
}
