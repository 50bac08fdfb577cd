import Foundation
import GuestModels
import Synchronization

/// The processes that make pictures of guests' files: one for each core, started when there is work.
///
/// The service never decodes a guest's file itself.
final class PictureWorkers: Sendable {
    private let workers: [PictureWorker]
    /// The orders that each worker has or waits for.
    private let busy: Mutex<[Int]>

    /// - Parameter path: the path of the program `photo-worker`.
    init(_ path: String, processes: Int = ProcessInfo.processInfo.activeProcessorCount) {
        workers = (0..<max(1, processes)).map { _ in PictureWorker(path) }
        busy = Mutex(workers.map { _ in 0 })
    }

    /// Makes the copies of a file.
    ///
    /// - Throws: `PictureWorker.Died` if the file broke the process, or took longer than two minutes;
    ///   `PictureWorker.Unable` and `ChildProcess.Failed` for reasons that are not the file's.
    func carryOut(_ order: Picture.Order) async throws -> Picture.Report {
        let place = busy.withLock { busy in
            let place = busy.indices.min { busy[$0] < busy[$1] } ?? 0
            busy[place] += 1
            return place
        }
        defer { busy.withLock { $0[place] -= 1 } }
        return try await workers[place].carryOut(order)
    }
}

/// One process that makes pictures, one at a time.
final class PictureWorker: Sendable {
    /// The process ended, or was ended, while it worked on a file.
    struct Died: Error {}

    /// The process cannot work, for a reason that no file has given.
    struct Unable: Error, CustomStringConvertible {
        let description: String
    }

    private struct Running {
        let process: ChildProcess
        /// Our end of the socket that is the process's input and output.
        let line: FileHandle
    }

    /// The longest wait for an answer; the process limits itself before that.
    private static let patience: Int32 = 150_000
    private let path: String
    /// A thread that may block, of this worker alone.
    private let queue = DispatchQueue(label: "photo-worker")
    private let running = Mutex<Running?>(nil)

    init(_ path: String) {
        self.path = path
    }

    deinit {
        guard let worker = running.withLock({ $0 }) else { return }
        queue.async { Self.end(worker) }
    }

    func carryOut(_ order: Picture.Order) async throws -> Picture.Report {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.carryOutBlocking(order) }) }
        }
    }

    private func carryOutBlocking(_ order: Picture.Order) throws -> Picture.Report {
        try running.withLock { running in
            // A process that ended while it had no work must not cost this file.
            if let idle = running, idle.process.exitCode != nil { running = nil }
            let worker = try running ?? start()
            // A worker that breaks is not used again.
            running = nil
            let report: Picture.Report
            do {
                try Self.write(try JSONEncoder().encode(order) + Data("\n".utf8), to: worker.line)
                report = try JSONDecoder().decode(Picture.Report.self, from: Self.readLine(of: worker.line))
            } catch {
                Self.end(worker)
                throw Died()
            }
            running = worker
            if let fault = report.fault { throw Unable(description: fault) }
            return report
        }
    }

    private static func end(_ worker: Running) {
        worker.process.kill()
        // An ended process stays in the system's table until somebody asks for its exit.
        while worker.process.exitCode == nil { usleep(5000) }
    }

    private func start() throws -> Running {
        var ends: [CInt] = [-1, -1]
        #if canImport(Glibc)
        let made = socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        #else
        let made = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #endif
        guard made == 0 else { throw Files.Failed("socketpair", URL(filePath: path)) }
        let (ours, theirs) = (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
        // A file must never reach what the service's environment names.
        let process = try ChildProcess(
            path,
            [],
            inheritsEnvironment: false,
            conversation: theirs,
            showsErrors: false
        )
        // Otherwise the end of the process would not end the line.
        try theirs.close()
        let worker = Running(process: process, line: ours)
        do {
            let said = try Self.readLine(of: ours)
            guard said == Data("\(Picture.ready)\n".utf8) else { throw Died() }
        } catch {
            Self.end(worker)
            throw Unable(description: "\(path) does not start; its libraries may be missing")
        }
        return worker
    }

    private static func write(_ bytes: Data, to line: FileHandle) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            #if canImport(Glibc)
            // Without the flag, a worker that is gone would end the service by a signal.
            let flags = CInt(MSG_NOSIGNAL)
            #else
            let flags: CInt = 0
            #endif
            let count = rest.withUnsafeBytes { send(line.fileDescriptor, $0.baseAddress, $0.count, flags) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Died() }
            rest = rest.dropFirst(count)
        }
    }

    private static func readLine(of line: FileHandle) throws -> Data {
        let end = ContinuousClock.now.advanced(by: .milliseconds(Int(patience)))
        var answer = Data()
        var portion = [UInt8](repeating: 0, count: 4096)
        while answer.last != UInt8(ascii: "\n") {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            var waited = pollfd(fd: line.fileDescriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waited, 1, CInt(max(0, left)))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw Died() }
            let count = recv(line.fileDescriptor, &portion, portion.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0, answer.count < 65_536 else { throw Died() }
            answer += portion.prefix(count)
        }
        return answer
    }
}
