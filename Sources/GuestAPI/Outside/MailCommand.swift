import Foundation

/// Hands a mail to a command's standard input, as `sendmail -t -i` takes it.
struct MailCommand {
    private let command: String
    /// The seconds after which the command is killed; the mail is tried again later.
    ///
    /// A child process of the command is not killed.
    private let patience: TimeInterval

    init(_ command: String, within patience: TimeInterval = 30) {
        self.command = command
        self.patience = patience
    }

    struct Failed: Error {
        let status: Int32
    }

    func send(_ message: MailMessage) async throws {
        let text = Data(message.text.replacing("\r\n", with: "\n").utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        // A command that hangs would block every other mail.
        let watch = Task {
            try await Task.sleep(for: .seconds(patience))
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
        defer { watch.cancel() }
        let status = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Int32, any Error>) in
            let input = Pipe()
            process.standardInput = input
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
                try input.fileHandleForWriting.write(contentsOf: text)
                try input.fileHandleForWriting.close()
            } catch {
                // If the command has started, the termination handler resumes the continuation.
                if !process.isRunning, process.processIdentifier == 0 { continuation.resume(throwing: error) }
            }
        }
        guard status == 0 else { throw Failed(status: status) }
    }
}
