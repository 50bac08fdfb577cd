/// A piece of SQL text whose interpolations are bound parameters, never pasted text.
///
/// `"SELECT name FROM park WHERE id = \(id)"` sends `$1` and the value beside it. Another `SQL` may be interpolated,
/// such as a column list or a shared condition; its parameters are added.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    enum Part: Sendable {
        case text(String)
        case value(Parameter)
    }

    let parts: [Part]

    public init(stringLiteral value: String) {
        parts = [.text(value)]
    }

    public init(stringInterpolation interpolation: Interpolation) {
        parts = interpolation.parts
    }

    public struct Interpolation: StringInterpolationProtocol {
        var parts: [Part] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            parts.reserveCapacity(interpolationCount * 2 + 1)
        }

        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { parts.append(.text(literal)) }
        }

        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            parts.append(.value(value.postgresParameter))
        }

        public mutating func appendInterpolation(_ value: (some PostgresEncodable)?) {
            parts.append(.value(value?.postgresParameter ?? .null))
        }

        public mutating func appendInterpolation(_ sql: SQL) {
            parts.append(contentsOf: sql.parts)
        }
    }

    /// The text with placeholders `$1 …`, and the values in the same order.
    var statement: Statement {
        var text = ""
        var values: [Parameter] = []
        for part in parts {
            switch part {
            case .text(let piece): text += piece
            case .value(let value):
                values.append(value)
                text += "$\(values.count)"
            }
        }
        return Statement(text: text, parameters: values)
    }
}

/// One value in the server's text format; `nil` is NULL.
public struct Parameter: Sendable, Equatable {
    let text: String?

    public static let null = Parameter(text: nil)

    public init(text: String?) {
        self.text = text
    }
}

/// A statement ready to be sent.
public struct Statement: Sendable {
    let text: String
    let parameters: [Parameter]

    /// The text with each parameter as a literal in its place.
    var literal: String {
        // Placeholders are replaced from the last number to the first, so that $1 is not found in $12.
        zip(parameters.indices, parameters).reversed().reduce(text) { text, parameter in
            let value = parameter.1.text.map { "'" + $0.replacing("'", with: "''") + "'" } ?? "NULL"
            return text.replacing("$\(parameter.0 + 1)", with: value)
        }
    }

    /// Whether a parameter has a zero byte: C strings end there, and PostgreSQL's text cannot hold one.
    var hasZeroByte: Bool { parameters.contains { $0.text?.utf8.contains(0) ?? false } }
}

/// A statement that returns rows, and a function that decodes one row.
public struct Query<Element>: Sendable {
    let statement: Statement
    let decode: @Sendable (Row) throws -> Element

    public init(_ sql: SQL, decoding decode: @escaping @Sendable (Row) throws -> Element) {
        statement = sql.statement
        self.decode = decode
    }
}

/// A statement whose rows are not read.
public struct Command: Sendable {
    let statement: Statement

    public init(_ sql: SQL) {
        statement = sql.statement
    }
}
