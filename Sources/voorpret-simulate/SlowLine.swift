import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A line between a phone and the service: slow, distant, and cut now and then.
struct SlowLine: Sendable {
    /// Bytes a second in each direction, for all connections together.
    let rate: Int
    /// The delay in each direction.
    let delay: Duration
    /// The chance in percent that the line is cut after 8 KiB in one direction.
    let cuts: Int
    let plan: FaultPlan
    let count = Counter()

    final class Counter: Sendable {
        private let counts = Mutex((connections: 0, cuts: 0, bytes: 0))

        func connected() { counts.withLock { $0.connections += 1 } }
        func cut() { counts.withLock { $0.cuts += 1 } }
        func carried(_ bytes: Int) { counts.withLock { $0.bytes += bytes } }
        var values: (connections: Int, cuts: Int, bytes: Int) { counts.withLock { $0 } }
    }

    private typealias Socket = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private struct Cut: Error {}

    /// Runs the line on a port until the task is cancelled.
    func serve(port: Int, target: Int) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // The buffer is small, so that the sender notices the slow line.
            .childChannelOption(.socketOption(.so_rcvbuf), value: 4096)
            .bind(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
            }
        let (up, down) = (Pacer(rate: rate), Pacer(rate: rate))
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { tasks in
                for try await phone in connections {
                    count.connected()
                    tasks.addTask {
                        try? await Task.sleep(for: delay * 2)
                        let service = try? await ClientBootstrap(group: group)
                            .channelOption(.socketOption(.so_rcvbuf), value: 4096)
                            .connect(host: "127.0.0.1", port: target) { channel in
                                channel.eventLoop.makeCompletedFuture {
                                    try Socket(wrappingChannelSynchronously: channel)
                                }
                            }
                        guard let service else { return }
                        await join(phone, service, up, down)
                    }
                }
            }
        }
    }

    /// Carries bytes both ways until one side ends, or the line is cut.
    private func join(_ phone: Socket, _ service: Socket, _ up: Pacer, _ down: Pacer) async {
        try? await phone.executeThenClose { fromPhone, toPhone in
            try await service.executeThenClose { fromService, toService in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await carry(fromPhone, toService, up) }
                    tasks.addTask { try await carry(fromService, toPhone, down) }
                    // The direction that ends first ends the connection.
                    defer { tasks.cancelAll() }
                    try await tasks.next()
                }
            }
        }
    }

    private func carry(
        _ from: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ to: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ pacer: Pacer
    ) async throws {
        let (flight, depart) = AsyncStream.makeStream(of: (at: ContinuousClock.Instant, bytes: ByteBuffer).self)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await (instant, bytes) in flight {
                    try await Task.sleep(until: instant, clock: .continuous)
                    try await to.write(bytes)
                }
            }
            var sinceDice = 0
            for try await var buffer in from {
                while let piece = buffer.readSlice(length: min(512, buffer.readableBytes)), piece.readableBytes > 0 {
                    try await pacer.pass(piece.readableBytes)
                    count.carried(piece.readableBytes)
                    sinceDice += piece.readableBytes
                    if sinceDice >= 8192 {
                        sinceDice -= 8192
                        if plan.random(1...100) <= cuts {
                            count.cut()
                            throw Cut()
                        }
                    }
                    depart.yield((.now + delay, piece))
                }
            }
            depart.finish()
            try await tasks.waitForAll()
        }
    }

    /// Delays the bytes of one direction, so that they pass at the rate of the line.
    private actor Pacer {
        private let rate: Int
        private var free = ContinuousClock.now

        init(rate: Int) {
            self.rate = rate
        }

        func pass(_ bytes: Int) async throws {
            free = max(free, .now) + .seconds(Double(bytes) / Double(rate))
            try await Task.sleep(until: free, clock: .continuous)
        }
    }
}
