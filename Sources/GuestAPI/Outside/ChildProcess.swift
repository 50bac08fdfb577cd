public import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A child process that can be killed; it inherits none of this process's open files.
///
/// Foundation's `Process` learns of an exit through a socket that other children inherit. While one of these children
/// lives, Foundation misses the exit.
public final class ChildProcess: Sendable {
    /// The system could not start the program.
    public struct Failed: Error, CustomStringConvertible {
        public let path: String
        public let code: Int32
        public var description: String { "\(path) could not be started: \(String(cString: strerror(code)))" }
    }

    public let id: Int32
    private let exit = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - environment: variables added to this process's own.
    ///   - inheritsEnvironment: whether the child has this process's variables too.
    ///   - input: the standard input; empty by default.
    ///   - output: a file that gets the standard output; by default the output is dropped.
    ///   - conversation: a socket that is both the standard input and the standard output, in place of the two.
    ///   - showsErrors: whether the standard error appears in this process's own.
    public init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        inheritsEnvironment: Bool = true,
        input: FileHandle? = nil,
        output: String? = nil,
        conversation: FileHandle? = nil,
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
        if let input = conversation ?? input {
            posix_spawn_file_actions_adddup2(&actions, input.fileDescriptor, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if conversation != nil {
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        if !showsErrors { posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) }
        #if canImport(Darwin)
        if showsErrors { posix_spawn_file_actions_addinherit_np(&actions, 2) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_CLOEXEC_DEFAULT))
        #else
        // The range also covers files that open during the listing. The child may close numbers that are not open.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for number in 3..<(open.compactMap { Int32($0) }.max() ?? 3) + 64 {
            posix_spawn_file_actions_addclose(&actions, number)
        }
        #endif
        let inherited = inheritsEnvironment ? ProcessInfo.processInfo.environment : [:]
        let variables = inherited.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var child: pid_t = 0
        let code = Self.withTexts([path] + arguments) { arguments in
            Self.withTexts(variables) { posix_spawn(&child, path, &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else { throw Failed(path: path, code: code) }
        id = child
    }

    /// Collects the exit code, so that an ended process does not stay a zombie.
    deinit { _ = exitCode }

    /// Gives the texts to `body` as a C argument vector, which ends with a null pointer.
    private static func withTexts<Result>(
        _ texts: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// The exit code, or 128 plus the number of the signal that ended the process; nil while the process runs.
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

    /// Waits until the process has ended and returns its exit code.
    public func wait() async -> Int32 {
        while true {
            if let exitCode { return exitCode }
            // The wait continues even in a cancelled task, so that no child is left behind.
            await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
        }
    }

    /// Kills the process like `kill -9` and waits until it is gone and its ports are free.
    public func end() async {
        kill()
        _ = await wait()
    }

    /// Kills the process like `kill -9`, without waiting.
    public func kill() {
        exit.withLock { exit in
            // After the exit, another process may have the same number, and that process must not be killed.
            if exit == nil { _ = Foundation.kill(id, SIGKILL) }
        }
    }
}
