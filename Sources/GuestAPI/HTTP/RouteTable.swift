import Foundation
import GuestModels
import HTTPTypes

/// Finds the row and handler for a method and a path.
///
/// The table is built from the policy rows once, when the process starts.
///
/// Matching is exact: no trailing slash, no empty segments, `{name}` takes one whole segment.
struct RouteTable: Sendable {
    typealias Handler = @Sendable (Call) async throws -> Answer

    struct Route: Sendable {
        let row: Policy.Row
        let handler: Handler
    }

    enum Match {
        case found(Route, parameters: [String: String])
        /// - Parameter limit: the most bytes of an upload that begins or goes on at the path; nil where none does.
        case wrongMethod(allow: String, limit: Int?)
        case nothing
    }

    private struct Node {
        var children: [Substring: Int] = [:]
        var wildcard: Int?
        var routes: [HTTPRequest.Method: (route: Route, names: [String])] = [:]
    }

    private let nodes: [Node]

    /// - Throws: when a handler has no row, a row has no handler, or two rows collide.
    init(_ handlers: [String: Handler]) throws {
        var nodes = [Node()]
        var unused = Set(handlers.keys)
        for row in Policy.rows {
            guard let handler = handlers[row.name] else { throw MountingError(reason: "\(row.name) has no handler") }
            unused.remove(row.name)
            var current = 0
            var names: [String] = []
            for segment in row.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
                let next: Int?
                if segment.hasPrefix("{") {
                    names.append(String(segment.dropFirst().dropLast()))
                    next = nodes[current].wildcard
                } else {
                    next = nodes[current].children[segment]
                }
                if let next {
                    current = next
                    continue
                }
                nodes.append(Node())
                if segment.hasPrefix("{") {
                    nodes[current].wildcard = nodes.count - 1
                } else {
                    nodes[current].children[segment] = nodes.count - 1
                }
                current = nodes.count - 1
            }
            guard nodes[current].routes[row.method] == nil else {
                throw MountingError(reason: "\(row.method) \(row.path) stands in the policy twice")
            }
            nodes[current].routes[row.method] = (Route(row: row, handler: handler), names)
        }
        guard unused.isEmpty else {
            throw MountingError(reason: "no policy row for \(unused.sorted().joined(separator: ", "))")
        }
        self.nodes = nodes
    }

    struct MountingError: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    func match(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        guard path.first == "/" else { return .nothing }
        var current = 0
        var values: [String] = []
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if let child = nodes[current].children[segment] {
                current = child
            } else if let wildcard = nodes[current].wildcard, !segment.isEmpty,
                let value = String(segment).removingPercentEncoding, !value.utf8.contains(0)
            {
                values.append(value)
                current = wildcard
            } else {
                return .nothing
            }
        }
        let routes = nodes[current].routes
        guard !routes.isEmpty else { return .nothing }
        // HEAD is GET without the body.
        guard let (route, names) = routes[method == .head ? .get : method] else {
            let methods = Set(routes.keys.map(\.rawValue)).union(routes[.get] == nil ? [] : ["HEAD"])
            let limits = routes.values.compactMap { route, _ in
                if case .bytes(let most) = route.row.takes { most } else { nil }
            }
            return .wrongMethod(allow: methods.sorted().joined(separator: ", "), limit: limits.max())
        }
        return .found(route, parameters: Dictionary(zip(names, values)) { first, _ in first })
    }
}
