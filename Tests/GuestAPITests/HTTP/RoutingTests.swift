import Foundation
import GuestModels
import HTTPTypes
import TestKit
import Testing

@testable import GuestAPI

@Suite struct RoutingTests {
    @Test func `A wrong method is answered with 405 and Allow`() async throws {
        try await withGuestAPI { api in
            let wrong = try await api.send("DELETE", "/v1/parks")
            #expect(wrong.status == 405)
            #expect(wrong.headers["allow"] == "GET, HEAD")
            #expect(wrong.code == "method_not_allowed")
            let get = try await api.get("/v1/parks")
            let head = try await api.send("HEAD", "/v1/parks")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.headers["content-length"] == String(get.body.count))
            #expect(head.headers["etag"] == get.headers["etag"])
        }
    }

    @Test(arguments: [
        "/v1/parks/", "//v1/parks", "/V1/parks", "/v1//parks", "/nothing", "/", "/v1/parks/%2e%2e", "/docs/secret",
    ])
    func `A path that matches no route exactly is answered with 404`(_ path: String) async throws {
        try await withGuestAPI { api in
            let response = try await api.get(path)
            #expect(response.status == 404)
        }
    }

    @Test func `An unchanged map is answered with 304`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let path = "/v1/parks/\(world.park.id)/map?from=2027-05-14&to=2027-05-17"
            let first = try await api.get(path)
            #expect(first.headers["content-type"] == "application/geo+json")
            let tag = try #require(first.headers["etag"])
            let again = try await api.send("GET", path, headers: ["if-none-match": tag])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            let changed = try await api.send("GET", path, headers: ["if-none-match": tag])
            #expect(changed.status == 200)
            #expect(changed.text.contains(#""state":"taken""#))
        }
    }

    @Test func `A policy row without a handler, or the reverse, stops the start`() throws {
        #expect(throws: RouteTable.MountingError.self) { _ = try RouteTable([:]) }
        var handlers: [String: RouteTable.Handler] = [:]
        for row in Policy.rows { handlers[row.name] = { _ in .noContent } }
        _ = try RouteTable(handlers)
        handlers["somethingElse"] = { _ in .noContent }
        #expect(throws: RouteTable.MountingError.self) { _ = try RouteTable(handlers) }
    }

    @Test func `The OpenAPI document and the policy table agree on every route`() async throws {
        try await withGuestAPI { api in
            let document = try await api.get("/openapi.yaml").text
            for row in Policy.rows {
                let start = try #require(document.range(of: "operationId: \(row.name)\n"), "\(row.name) is missing")
                let rest = document[start.upperBound...]
                let operation = rest[..<(rest.range(of: "operationId:")?.lowerBound ?? rest.endIndex)]
                let line = try #require(operation.range(of: "x-authz: ["))
                let list = operation[line.upperBound...]
                let named = list[..<(list.firstIndex(of: "]") ?? list.endIndex)]
                    .split(whereSeparator: { ", \n'".contains($0) }).map(String.init)
                #expect(Set(named) == Set(row.who.map(\.description)), "\(row.name)")
                let wantsKey = operation.contains("parameters/KeyRequired'")
                #expect(wantsKey == (row.key == .required), "\(row.name): Idempotency-Key")
                #expect(operation.contains("parameters/IfMatch'") == row.needsMatch, "\(row.name): If-Match")
                let isForDesk = operation.contains("parameters/OnBehalfOf'")
                #expect(isForDesk == (row.desk != .never), "\(row.name): On-Behalf-Of")
            }
            #expect(document.components(separatedBy: "operationId: ").count - 1 == Policy.rows.count)
        }
    }

    @Test func `The OpenAPI document has every route at its method and path`() async throws {
        try await withGuestAPI { api in
            var places: [String: String] = [:]
            var (path, method) = ("", "")
            for line in try await api.get("/openapi.yaml").text.split(separator: "\n") {
                let indent = line.prefix { $0 == " " }.count
                let text = line.drop { $0 == " " }
                if indent == 2, text.hasPrefix("/"), text.hasSuffix(":") { path = String(text.dropLast()) }
                if indent == 4, text.hasSuffix(":") { method = text.dropLast().uppercased() }
                if text.hasPrefix("operationId: ") { places[String(text.dropFirst(13))] = "\(method) \(path)" }
            }

            for row in Policy.rows {
                #expect(places[row.name] == "\(row.method.rawValue) \(row.path)", "\(row.name)")
            }
        }
    }

    @Test func `The OpenAPI document declares the parameters of every path`() async throws {
        try await withGuestAPI { api in
            let document = try await api.get("/openapi.yaml").text
            for row in Policy.rows {
                let start = try #require(document.range(of: "  \(row.path):\n"), "\(row.path) is missing")
                let rest = document[start.upperBound...]
                let block = rest[..<(rest.range(of: "\n  /")?.lowerBound ?? rest.endIndex)]
                for name in row.path.split(separator: "/").filter({ $0.hasPrefix("{") }).map({
                    $0.dropFirst().dropLast()
                }) {
                    let isNamed = block.contains("name: \(name)") || block.contains("parameters/\(name.capitalized)'")
                    #expect(isNamed, "\(row.name): \(name)")
                }
            }
        }
    }
}
