import Foundation
import HTTPTypes
import Synchronization

@testable import GuestAPI

/// The operations of `openapi.yaml`: the codes that each can answer, and an example of its body.
///
/// The document has one layout, which `scripts/openapi.py` writes; so its lines can be read without a reader of YAML.
public struct OpenAPIDocument: Sendable {
    public struct Operation: Sendable {
        /// The statuses of its answers, with the codes of those that are problems.
        var answers: [Int: Set<String>] = [:]
        /// An example of its body, as JSON; nil for an operation without body.
        public var example: String?
    }

    public let operations: [String: Operation]
    public static let shared = OpenAPIDocument(
        (try? String(contentsOf: projectFolder.appending(path: "openapi.yaml"), encoding: .utf8)) ?? ""
    )
    /// Answers that come before an operation is known, or from a fault of the service.
    private static let ofTheFrame: Set<Int> = [405, 414, 431, 500]

    init(_ text: String) {
        let lines = text.split(separator: "\n")
        var common: [Int: Set<String>] = [:]
        var operations: [String: Operation] = [:]
        var (name, section, status) = ("", Substring(), 0)
        for line in lines {
            let indent = line.prefix { $0 == " " }.count
            let text = line.dropFirst(indent)
            if indent == 2, text == "schemas:" {
                (name, status) = ("", 0)
            } else if indent == 4, text.hasPrefix("Problem"), let number = Int(text.dropFirst(7).dropLast()) {
                (name, status) = ("", number)
            } else if text.hasPrefix("operationId: ") {
                name = String(text.dropFirst(13))
                operations[name] = Operation()
            } else if indent == 6 {
                section = text
            } else if indent == 8, text.hasPrefix("'"), let number = Int(text.dropFirst().prefix(3)) {
                status = number
                operations[name]?.answers[status, default: []] = []
            }
            if let codes = Self.codes(text) {
                if name.isEmpty { common[status] = codes } else { operations[name]?.answers[status]?.formUnion(codes) }
            }
            if section == "requestBody:", text.hasPrefix("example: ") {
                operations[name]?.example = String(text.dropFirst(9))
            }
        }
        for (name, operation) in operations {
            for (status, codes) in operation.answers where codes.isEmpty {
                operations[name]?.answers[status] = common[status] ?? []
            }
        }
        self.operations = operations
    }

    /// The values of `code` in a line that lists them.
    private static func codes(_ line: Substring) -> Set<String>? {
        guard let start = line.range(of: "{code: {enum: ["), let end = line[start.upperBound...].firstIndex(of: "]")
        else { return nil }
        return Set(line[start.upperBound..<end].split(separator: ", ").map(String.init))
    }

    /// Says what the document lacks of an answer; nil when it has it.
    func lacks(_ status: Int, _ code: String?, of name: String) -> String? {
        guard let operation = operations[name] else { return "openapi.yaml has no \(name), or cannot be read" }
        guard !Self.ofTheFrame.contains(status) else { return nil }
        guard let codes = operation.answers[status] else {
            return "\(name) answered \(status), which is not documented"
        }
        guard let code, !codes.contains(code) else { return nil }
        return "\(name) answered \(status) with the code \(code), which is not documented"
    }

    private static let routes = Result { try RouteTable(FeatureTable(Features.all).handlers) }

    /// The operation of a request; nil when there is none.
    static func operation(_ method: String, _ path: String) throws -> String? {
        guard let method = HTTPRequest.Method(rawValue: method),
            case .found(let route, _) = try routes.get().match(method, path.prefix { $0 != "?" })
        else { return nil }
        return route.row.name
    }
}

/// Notes the codes that tests met, for `scripts/openapi.py met`, when `VOORPRET_MET` names a folder.
enum MetCodes {
    private static let folder = ProcessInfo.processInfo.environment["VOORPRET_MET"]
    private static let known = Mutex<Set<String>>([])

    static func note(_ code: String, of name: String) {
        guard let folder else { return }
        let line = "\(name) \(code)"
        known.withLock { known in
            guard known.insert(line).inserted else { return }
            let file = URL(filePath: folder).appending(path: "\(ProcessInfo.processInfo.processIdentifier)")
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try? known.sorted().joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        }
    }
}
