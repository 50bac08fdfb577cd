import Foundation

/// A form as Stripe's clients send it: `amount=100&metadata[attempt]=7&payment_method_types[]=card`.
struct Form: Sendable {
    private let fields: [(name: String, value: String)]

    init(_ text: String) {
        fields = text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.replacing("+", with: " ").removingPercentEncoding ?? String($0)
            }
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }

    subscript(name: String) -> String? {
        fields.last { $0.name == name }?.value
    }

    func int(_ name: String) -> Int64? { self[name].flatMap { Int64($0) } }

    /// Reads a list: `name[]=a&name[1]=b`.
    func list(_ name: String) -> [String] {
        fields.filter { $0.name.hasPrefix("\(name)[") }.map(\.value)
    }

    /// Reads a map: `name[key]=value`.
    func map(_ name: String) -> [String: String] {
        var map: [String: String] = [:]
        for field in fields where field.name.hasPrefix("\(name)[") && field.name.hasSuffix("]") {
            map[String(field.name.dropFirst(name.count + 1).dropLast())] = field.value
        }
        return map
    }

    /// The sorted fields as text; a repetition with the same idempotency key must have the same fingerprint.
    var fingerprint: String {
        fields.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&")
    }
}
