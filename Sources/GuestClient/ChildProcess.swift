public import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A program in a process of its own that can be killed; it inherits its environment and nothing that is open here.
///
/// Foundation's `Process` learns of an exit through a socket that other children inherit: one that lives on hides the
/// exit of another for ever.
public final class ChildProcess: Sendable {
    /// The system could not start it.
    public struct Failed: Error, CustomStringConvertible {
        public let path: String
        public let code: Int32
        public var description: String { "\(path) could not be started: \(String(cString: strerror(code)))" }
    }

    public let id: Int32
    private let exit = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - environment: added to this process's own.
    ///   - input: what it reads; nothing unless told.
    ///   - output: a file that gets what it says, else nobody does.
    ///   - showsErrors: whether its errors appear among ours.
    public init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        input: FileHandle? = nil,
        output: String? = nil,
        showsErrors: Bool = true
    ) throws {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input.fileDescriptor, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        if !showsErrors { posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) }
        #if canImport(Darwin)
        if showsErrors { posix_spawn_file_actions_addinherit_np(&actions, 2) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_CLOEXEC_DEFAULT))
        #else
        // What opens while we look is closed too; that a number is not open is no error here.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for number in 3..<(open.compactMap { Int32($0) }.max() ?? 3) + 64 {
            posix_spawn_file_actions_addclose(&actions, number)
        }
        #endif
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var child: pid_t = 0
        let code = Self.withTexts([path] + arguments) { arguments in
            Self.withTexts(variables) { posix_spawn(&child, path, &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else { throw Failed(path: path, code: code) }
        id = child
    }

    /// Who has ended is not left a zombie.
    deinit { _ = exitCode }

    /// As C takes an argument vector: texts, and nothing at the end.
    private static func withTexts<Result>(
        _ texts: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// Its exit code, 128 and the signal's number where one ended it; nil while it runs.
    public var exitCode: Int32? {
        exit.withLock { exit in
            var status: Int32 = 0
            if exit == nil, waitpid(id, &status, WNOHANG) == id {
                let signal = status & 0x7F
                exit = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            }
            return exit
        }
    }

    /// Comes back with the exit code once it is over.
    public func wait() async -> Int32 {
        while true {
            if let exitCode { return exitCode }
            // Also for a task that is cancelled: nobody leaves a child behind.
            await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
        }
    }

    /// As `kill -9`; comes back once it is gone and its ports are free.
    public func end() async {
        kill()
        _ = await wait()
    }

    /// As `kill -9`, without waiting.
    public func kill() {
        exit.withLock { exit in
            // Not after its end: the number may be another's by then.
            if exit == nil { _ = Foundation.kill(id, SIGKILL) }
        }
    }
}
