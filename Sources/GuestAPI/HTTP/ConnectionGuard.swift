import Foundation
import GuestModels
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Limits what one connection may cost, however its client behaves.
///
/// - The first head must be complete within 5 s of the connection's acceptance. Between requests a connection may idle
///   for 60 s.
/// - A body may take 10 s, and a second more for each KiB that has come. A reply may take 60 s, and a second more for each
///   KiB that the client has taken, with progress every 30 s. So a line of 30 kbit/s finishes what it began, and nobody
///   holds a reply for long by taking a byte now and then.
/// - A body of a route that takes bytes may take any time, with progress every 30 s and 60 KiB every minute.
/// - A client that expects `100 Continue` gets it once the service wants the body.
/// - A pipelining client has one request under way at a time. Its next request begins 200 ms after the last answer, and
///   the rest is not read from the socket. Phones and browsers do not pipeline, so a flood does not crowd them out.
/// - After a reply to an unfinished request the connection is closed, not drained. The service closes its own side at
///   once and the whole connection a second later, so that no reset destroys the reply.
/// - A client that sends bytes that are no HTTP gets a problem document, and its connection is closed the same way.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        var head = TimeAmount.seconds(5)
        var body = TimeAmount.seconds(10)
        var progress = TimeAmount.seconds(30)
        /// The time for 60 KiB of a body of bytes.
        var flow = TimeAmount.seconds(60)
        var idle = TimeAmount.seconds(60)
        var linger = TimeAmount.seconds(1)
        var pipelined = TimeAmount.milliseconds(200)
        /// The time that a reply may take beside the time for its bytes.
        var reply = TimeAmount.seconds(60)
        /// The slowest line that is waited for, in bytes a second.
        var rate = 1024

        fileprivate func time(for bytes: Int) -> TimeAmount {
            .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(rate))
        }
    }

    /// The number of reply bytes that are handed to the socket at once; each such piece counts as progress of the
    /// client.
    private static let piece = 16 * 1024
    /// The most unsent bytes that the socket may hold, so that bytes taken by the socket are bytes taken by the client.
    private static let unsent = 32 * 1024

    private let limits: Limits
    private var deadline = NIODeadline.distantFuture
    private var timer: Scheduled<Void>?
    /// True while a request's head has arrived but its end has not.
    private var isReceiving = false
    /// True while a request has been handed on and its reply has not gone out.
    private var isReplying = false
    private var isClosing = false
    /// The instant at which the body or the reply under way began, and its bytes so far.
    private var began = NIODeadline.uptimeNanoseconds(0)
    private var bytes = 0
    /// True while the client waits for `100 Continue` before it sends the body.
    private var isExpecting = false
    /// True while a body of bytes is read, which may take any time.
    private var isFlowing = false
    /// The number of bytes of the reply that the socket has not taken yet.
    private var pending = 0
    private var heldBack: CircularBuffer<HTTPRequestPart> = []
    private var hasPendingRead = false

    init(limits: Limits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        #if os(Linux)
        // Option 25 is TCP_NOTSENT_LOWAT, which limits the unsent bytes in the socket (tcp(7)).
        let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))
        context.channel.setOption(option, value: SocketOptionValue(Self.unsent)).whenFailure { _ in }
        #endif
        if context.channel.isActive { expect(within: limits.head, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        expect(within: limits.head, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        heldBack.removeAll()
        context.fireChannelInactive()
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        let part = unwrapInboundIn(data)
        if !heldBack.isEmpty || isNextRequest(part) {
            heldBack.append(part)
        } else {
            deliver(part, context)
        }
    }

    private func isNextRequest(_ part: HTTPRequestPart) -> Bool {
        guard case .head = part else { return false }
        return isReplying
    }

    private func deliver(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            isReceiving = true
            isReplying = true
            isExpecting = head.headerFields[.expect]?.lowercased() == "100-continue"
            isFlowing = false
            begin(context)
            expect(within: limits.body, context)
        case .body(let buffer):
            isExpecting = false
            bytes += buffer.readableBytes
            if isFlowing {
                flow(context)
            } else {
                expect(within: limits.progress, atMost: limits.body, context)
            }
        case .end:
            isReceiving = false
            expect(within: limits.progress, context)
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    func read(context: ChannelHandlerContext) {
        // While a request is held back, read nothing more: the socket's buffer fills up, and the client waits.
        guard heldBack.isEmpty || isClosing else {
            hasPendingRead = true
            return
        }
        context.read()
    }

    private func releaseHeldBack(_ context: ChannelHandlerContext) {
        while let part = heldBack.first, !isNextRequest(part) {
            heldBack.removeFirst()
            deliver(part, context)
        }
        context.fireChannelReadComplete()
        if heldBack.isEmpty, hasPendingRead {
            hasPendingRead = false
            context.read()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isClosing else { return }
        guard !isReplying else { return startClosing(context) }
        let problem: Problem =
            switch error as? HTTPParserError {
            case .headerOverflow: .headersTooLarge
            case .some: .malformed
            case nil: .malformed
            }
        let answer = problem.answer(in: .english, instance: "unparsed")
        var head = HTTPResponse(status: answer.status)
        for field in answer.headers { head.headerFields.append(field) }
        head.headerFields[.contentLength] = String(answer.body.count)
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        startClosing(context)
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind == .informational:
            context.write(data, promise: promise)
        case .head(var head):
            if isReceiving { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let buffer) where buffer.readableBytes == 0:
            context.write(data, promise: promise)
        case .body(var buffer):
            if pending == 0 { begin(context) }
            pending += buffer.readableBytes
            expect(within: limits.progress, context)
            while let piece = buffer.readSlice(length: min(Self.piece, buffer.readableBytes)), piece.readableBytes > 0 {
                let isLast = buffer.readableBytes == 0
                let taken = isLast ? promise ?? context.eventLoop.makePromise() : context.eventLoop.makePromise()
                let size = piece.readableBytes
                let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                taken.futureResult.whenSuccess {
                    let (handler, context) = loopBound.value
                    handler.took(size, context)
                }
                context.write(wrapOutboundOut(.body(piece)), promise: taken)
            }
        case .end:
            isReplying = false
            context.write(data, promise: promise)
            if isReceiving {
                context.flush()
                startClosing(context)
            } else {
                expect(within: limits.idle, context)
                guard !heldBack.isEmpty else { return }
                let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: limits.pipelined) {
                    let (handler, context) = loopBound.value
                    if !handler.isClosing, !handler.isReplying, !handler.heldBack.isEmpty {
                        handler.releaseHeldBack(context)
                    }
                }
            }
        }
    }

    /// Answers a request's question about its body.
    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let question = event as? BodyQuestion else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch question {
        case .wanted(let isFlowing):
            if isFlowing, isReceiving {
                self.isFlowing = true
                begin(context)
                flow(context)
            }
            if isExpecting {
                isExpecting = false
                let head = HTTPResponse(status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            }
            promise?.succeed()
        case .interim(let head):
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
        case .hasEnded:
            if isReceiving { promise?.fail(BodyCutOff()) } else { promise?.succeed() }
        }
    }

    /// Sets the deadline of a body of bytes, which begins anew with every 60 KiB.
    private func flow(_ context: ChannelHandlerContext) {
        if bytes >= 60 * limits.rate { begin(context) }
        deadline = min(context.eventLoop.now + limits.progress, began + limits.flow)
        if timer == nil { schedule(context) }
    }

    /// Counts bytes of the reply that the socket has taken as progress, also while bytes wait after the reply's end.
    private func took(_ size: Int, _ context: ChannelHandlerContext) {
        bytes += size
        pending -= size
        guard !isClosing, !isReceiving else { return }
        expect(within: isReplying ? limits.progress : limits.idle, atMost: pending > 0 ? limits.reply : nil, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !isReplying, !isReceiving {
            startClosing(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Time

    private func startClosing(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        heldBack.removeAll()
        context.close(mode: .output, promise: nil)
        if hasPendingRead {
            hasPendingRead = false
            context.read()
        }
        expect(within: limits.linger, context)
    }

    private func begin(_ context: ChannelHandlerContext) {
        began = context.eventLoop.now
        bytes = 0
    }

    /// Sets the one deadline of the connection.
    ///
    /// The timer is moved only when it fires, so that setting it costs nothing.
    ///
    /// - Parameter whole: the longest time for the whole body or reply, beside the time for its bytes.
    private func expect(within amount: TimeAmount, atMost whole: TimeAmount? = nil, _ context: ChannelHandlerContext) {
        deadline = context.eventLoop.now + amount
        if let whole { deadline = min(deadline, began + whole + limits.time(for: bytes)) }
        if timer == nil || isClosing { schedule(context) }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // The shortest limit bounds how late a moved deadline can be noticed.
        let next = min(deadline, context.eventLoop.now + limits.head)
        timer = context.eventLoop.scheduleTask(deadline: next) {
            let (handler, context) = loopBound.value
            handler.timer = nil
            if context.eventLoop.now >= handler.deadline {
                context.close(mode: .all, promise: nil)
            } else {
                handler.schedule(context)
            }
        }
    }
}
