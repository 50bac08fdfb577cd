import Foundation
import GuestModels
import Testing

@testable import GuestAPI

@Suite struct ResponseEncoderTests {
    private struct Leaf: Codable, Equatable {
        var text: String
        var number: Double
        var flag: Bool?
    }

    private struct Tree: Codable, Equatable {
        var leaves: [Leaf]
        var byName: [String: [Int]]
        var empty: [Leaf] = []
        var big: UInt64
        var small: Int64
        var grid: [[Double]]
        var when: String?
    }

    /// Opens nested containers by hand and leaves them open, which generated code never does.
    private struct ByHand: Encodable {
        enum Key: String, CodingKey { case first, second, third, none }

        func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: Key.self)
            var inner = object.nestedContainer(keyedBy: Key.self, forKey: .first)
            try inner.encode(1, forKey: .first)
            var list = inner.nestedUnkeyedContainer(forKey: .second)
            try list.encode("a")
            var deep = list.nestedUnkeyedContainer()
            try deep.encode(2)
            try list.encodeNil()
            try object.encode(true, forKey: .second)
            try Empty().encode(to: object.superEncoder(forKey: .third))
            try object.encodeNil(forKey: .none)
        }
    }

    private struct Empty: Encodable {
        func encode(to encoder: any Encoder) throws { _ = encoder.container(keyedBy: ByHand.Key.self) }
    }

    private struct Nothing: Encodable {
        func encode(to encoder: any Encoder) throws {}
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try ResponseEncoder.encode(value), as: UTF8.self)
    }

    @Test func `Foundation's JSON decoder reads back the encoded value`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            func word() -> String {
                String(
                    String.UnicodeScalarView(
                        (0..<Int.random(in: 0...12)).map { _ in
                            Unicode.Scalar(UInt32.random(in: 0...0x2FF, using: &random)) ?? "\u{1F3D5}"
                        }
                    )
                )
            }
            let tree = Tree(
                leaves: (0..<3).map { _ in
                    Leaf(text: word(), number: Double.random(in: -1e9...1e9), flag: Bool.random() ? nil : .random())
                },
                byName: Dictionary((0..<4).map { _ in (word(), [Int.random(in: Int.min...Int.max)]) }) { $1 },
                big: .max,
                small: .min,
                grid: [[], [1, -0.5, 1e-7, 1e300]],
                when: Bool.random() ? nil : word()
            )
            let bytes = try ResponseEncoder.encode(tree)
            let isSame = try JSONDecoder().decode(Tree.self, from: Data(bytes)) == tree
            #expect(isSame, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func `The JSON encoder keeps field order and sorts dictionary keys`() throws {
        let leaf = try text(["b": [Leaf(text: "x", number: 1, flag: true)], "a": []])
        #expect(leaf == #"{"a":[],"b":[{"text":"x","number":1.0,"flag":true}]}"#)
    }

    @Test func `The JSON encoder escapes only the necessary characters`() throws {
        let escaped = try text("\u{0}\u{1f}\n\r\t\"\\/é🏕")
        #expect(escaped == #""\u0000\u001f\n\r\t\"\\/é🏕""#)
    }

    @Test func `The JSON encoder closes nested containers in order`() throws {
        let written = try text(ByHand())
        #expect(written == #"{"first":{"first":1,"second":["a",[2],null]},"second":true,"third":{},"none":null}"#)
        let nothing = try text([Nothing(), Nothing()])
        #expect(nothing == "[{},{}]")
    }

    @Test func `The JSON encoder writes instants in RFC 3339 and refuses infinity`() throws {
        let instants = try text([Date(timeIntervalSince1970: 1_810_000_000.25)])
        #expect(instants == #"["2027-05-11T01:46:40.250Z"]"#)
        #expect(throws: EncodingError.self) { try ResponseEncoder.encode([Double.infinity]) }
    }

    @Test func `The JSON encoder writes UUIDs in lower case`() throws {
        let id = try #require(UUID(uuidString: "0190A1B2-C3D4-7E5F-8A6B-0C1D2E3F4A5B"))
        #expect(try text(["id": id]) == #"{"id":"0190a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b"}"#)
    }
}
