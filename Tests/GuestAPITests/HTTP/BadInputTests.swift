import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct BadInputTests {
    @Test func `Bad JSON is answered with 400 and a pointer`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            let deep = String(repeating: "[", count: 10_000)
            let cases: [(body: String, pointer: String)] = [
                (#"{"name": 5, "myName": "M"}"#, "/name"),
                (#"{"name": "G"}"#, "/myName"),
                (#"{"name": "G", "myName": "M", "extra": 1}"#, "/extra"),
                (#"{"name": "G", "name": "H", "myName": "M"}"#, "/name"),
                (#"{"name": "a\u0000b", "myName": "M"}"#, "/name"),
                (#"{"name": "\ud800", "myName": "M"}"#, "/name"),
                (#"{"name": "\ud800x", "myName": "M"}"#, "/name"),
                (#"{"name": "\udc00", "myName": "M"}"#, "/name"),
                (#"{"name": "", "myName": "M"}"#, "/name"),
                (#"{"name": "   ", "myName": "M"}"#, "/name"),
                (#"{"name": "G", "myName": "M", "id": "no-uuid"}"#, "/id"),
                (#"{"name": "G", "myName": "M", "id": null}"#, "/id"),
                (#"{"name": "G", "myName": "M","#, ""),
                (#"{"name": "G", "myName": "M"} {}"#, ""),
                ("[]", ""), ("null", ""), ("5", ""), (#"{"name""#, ""), ("{'name': 1}", ""), ("\"", ""),
                (deep, String(repeating: "/0", count: 32)),
                (#"{"name": "G", "myName": \#(deep)"#, "/myName" + String(repeating: "/0", count: 31)),
            ]
            for (body, pointer) in cases {
                let response = try await api.send("POST", "/v1/groups", raw: Data(body.utf8), as: guest)
                #expect(response.status == 400, "\(body.prefix(60)): \(response.text)")
                #expect(response.code == "invalid_request")
                #expect(response.pointers.contains(pointer), "\(body.prefix(60)): \(response.pointers)")
            }
            let badUTF8 = Data(#"{"name": ""#.utf8) + Data([0xC3, 0x28]) + Data(#"", "myName": "M"}"#.utf8)
            #expect(try await api.send("POST", "/v1/groups", raw: badUTF8, as: guest).status == 400)
            // One visible character of 101 code points; the first two become one in composed form.
            let tall = "e" + String(repeating: "\u{301}", count: 101)
            let tooTall = try await api.post("/v1/groups", GroupRequest(name: tall, myName: "M"), as: guest)
            #expect(tooTall.pointers == ["/name"])
            let group = try await api.post("/v1/groups", GroupRequest(name: "née 🏕️", myName: "M"), as: guest)
            #expect(group.status == 201)
            #expect(try group.decode(TravelGroup.self).name == "née 🏕️")
        }
    }

    @Test func `Numbers near the 64-bit integer limits cause no overflow`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let numbers = [
                "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e400",
                "1.5", "1e30", "99999999999999999999999999999999999999", "-0", "5e-1",
            ]
            for number in numbers {
                let body = """
                    {"season": {"arrival": "2040-01-01", "departure": "2040-02-01"}, "night": \(number), "weekendNight": 1}
                    """
                let path = "/v1/admin/cottage-types/\(world.type.id)/rates"
                let response = try await api.send("POST", path, raw: Data(body.utf8), as: office)
                #expect(response.status == (number == "-0" ? 201 : 400), "\(number): \(response.text)")
                if response.status == 400 { #expect(response.pointers == ["/night"]) }
            }
            // One bound is computed from another field, and one from the sum of two parameters.
            let wide = world.park.rules
            for (minimum, maximum) in [(Int.max, 5), (5, Int.min), (366, 366), (9, 8)] {
                var rules = wide
                rules.minimumNights = minimum
                rules.maximumNights = maximum
                let request = ParkRequest(
                    slug: "odd",
                    name: "Odd",
                    timeZone: "Europe/Amsterdam",
                    currency: "EUR",
                    country: "NL",
                    longitude: 5,
                    latitude: 52,
                    rules: rules
                )
                let response = try await api.post("/v1/admin/parks", request, as: office)
                #expect(response.status == 400, "\(response.text)")
            }
            let crowd = "/v1/availability?from=2027-05-14&to=2027-05-17&adults=9223372036854775807&childAges=5,5"
            #expect(try await api.get(crowd).pointers == ["?adults"])
            let far = "/v1/parks/\(world.park.id)/availability?from=9999-12-30&to=9999-12-31"
            #expect(try await api.get(far).code == "too_far_ahead")
            #expect(
                try await api.get("/v1/parks/\(world.park.id)/availability?from=0001-01-01&to=9999-12-31").status == 400
            )
        }
    }

    @Test func `A park's time zone must mean the same to PostgreSQL`() async throws {
        try await withGuestAPI { api in
            let office = try await api.given.headOffice()
            func create(_ zone: String, _ slug: String) async throws -> GuestAPITestService.Response {
                let request = ParkRequest(
                    slug: slug,
                    name: "Park",
                    timeZone: zone,
                    currency: "EUR",
                    country: "NL",
                    longitude: 5,
                    latitude: 52,
                    rules: Given.rules
                )
                return try await api.post("/v1/admin/parks", request, as: office)
            }
            for zone in ["GMT+0300", "GMT-12", "EST5EDT", "Europe/Atlantis", "europe/amsterdam", ""] {
                let refused = try await create(zone, "odd")
                #expect(refused.status == 400 && refused.pointers == ["/timeZone"], "\(zone)")
            }
            for (number, zone) in ["Europe/Amsterdam", "America/Argentina/Buenos_Aires", "UTC"].enumerated() {
                #expect(try await create(zone, "park-\(number)").status == 201, "\(zone)")
            }
            let names = TimeZone.knownTimeZoneIdentifiers.filter(ParkClock.isZone)
            let unknown = Query(
                "SELECT zone FROM unnest(\(names)::text[]) AS zone EXCEPT SELECT name FROM pg_timezone_names"
            ) { try $0.decode("zone", as: String.self) }
            #expect(names.count > 400)
            #expect(try await api.transaction { try await $0.all(unknown) } == [])
        }
    }

    @Test func `A request body of ten megabytes is refused`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            let huge = Data(repeating: 32, count: 10 << 20)
            // The service may close the connection while the client still sends; if an answer comes, it is 413.
            if let response = try? await api.send("POST", "/v1/groups", raw: huge, as: guest) {
                #expect(response.status == 413 && response.code == "body_too_large")
            }
            #expect(try await api.get("/v1/groups", as: guest).status == 200)
        }
    }

    @Test func `A compressed or non-JSON request body is answered with 415`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            let body = Data(#"{"name": "G", "myName": "M"}"#.utf8)
            let gzip = ["content-encoding": "gzip"]
            let packed = try await api.send("POST", "/v1/groups", raw: body, as: guest, headers: gzip)
            #expect(packed.status == 415 && packed.code == "unsupported_media_type")
            let form = ["content-type": "application/x-www-form-urlencoded"]
            #expect(try await api.send("POST", "/v1/groups", raw: body, as: guest, headers: form).status == 415)
        }
    }

    @Test func `A wrong query string is answered with 400 naming each parameter`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let path = "/v1/parks/\(world.park.id)/availability"
            #expect(try await api.get(path).pointers == ["?from", "?to"])
            #expect(try await api.get(path + "?from=2027-05-14&to=2027-05-14").pointers == ["?to"])
            #expect(try await api.get(path + "?from=2027-05-14&to=2027-05-15&tent=1").pointers == ["?tent"])
            #expect(try await api.get(path + "?from=2027-05-14&from=2027-05-15&to=2027-05-16").status == 400)
            #expect(try await api.get(path + "?from=%00&to=%FF").status == 400)
            #expect(
                try await api.get(path + "?from=2027-05-14&to=2027-05-15&childAges=1,,2").pointers == ["?childAges"]
            )
        }
    }
}
