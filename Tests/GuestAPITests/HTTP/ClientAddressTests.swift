import Foundation
import GuestModels
import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ClientAddressTests {
    private func client(
        _ peer: String,
        trusting list: String,
        _ headers: [(String, String)] = []
    ) throws -> ClientAddress? {
        var fields = HTTPFields()
        for (name, value) in headers {
            fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return try TrustedProxies(list).client(SocketAddress(ipAddress: peer, port: 4711), fields)
    }

    @Test func `Only a trusted proxy's X-Forwarded-For header counts`() throws {
        let said = [("X-Forwarded-For", "198.51.100.7")]
        #expect(try client("127.0.0.1", trusting: "127.0.0.1", said) == ClientAddress("198.51.100.7"))
        #expect(try client("203.0.113.9", trusting: "127.0.0.1", said) == ClientAddress("203.0.113.9"))
        #expect(try client("127.0.0.1", trusting: "", said) == ClientAddress("127.0.0.1"))
    }

    @Test func `The client's address is the nearest one that is no proxy`() throws {
        let chain = [("X-Forwarded-For", "1.2.3.4, 198.51.100.7"), ("X-Forwarded-For", "10.1.2.3")]
        #expect(try client("127.0.0.1", trusting: "127.0.0.1,10.0.0.0/8", chain) == ClientAddress("198.51.100.7"))
        #expect(try client("127.0.0.1", trusting: "127.0.0.1", chain) == ClientAddress("10.1.2.3"))
        let broken = [("X-Forwarded-For", "1.2.3.4, nonsense")]
        #expect(try client("127.0.0.1", trusting: "127.0.0.1", broken) == ClientAddress("127.0.0.1"))
    }

    @Test func `The Forwarded header counts only without X-Forwarded-For`() throws {
        let forwarded = [("Forwarded", #"for=192.0.2.60;proto=http;by=203.0.113.43, For="[2001:db8:cafe::17]:4711""#)]
        #expect(try client("::1", trusting: "::1", forwarded) == ClientAddress("2001:db8:cafe::1"))
        let both = forwarded + [("X-Forwarded-For", "198.51.100.7")]
        #expect(try client("::1", trusting: "::1", both) == ClientAddress("198.51.100.7"))
    }

    @Test func `All IPv6 addresses of one network count as one client`() throws {
        #expect(ClientAddress("2001:db8:1:2::3") == ClientAddress("[2001:db8:1:2:ffff::9]:80"))
        #expect(ClientAddress("2001:db8:1:3::3") != ClientAddress("2001:db8:1:2::3"))
        #expect(ClientAddress("::ffff:192.0.2.1") == ClientAddress("192.0.2.1:99"))
        #expect(ClientAddress("unknown") == nil && ClientAddress("") == nil)
    }

    @Test(arguments: ["10.0.0.0/33", "proxy", "::1/129", "10.0.0.0/-1", "1.2.3.4/x"])
    func `An unreadable list of trusted proxies stops the service's start`(_ list: String) {
        #expect(throws: SettingsError.self) { try TrustedProxies(list) }
    }

    @Test func `An IP address's sign-in limit recovers one try every half second`() throws {
        let (limit, start) = (SignInLimit(), ContinuousClock.now)
        let (park, other) = (ClientAddress("192.0.2.1"), ClientAddress("192.0.2.2"))
        for _ in 0..<600 { #expect(limit.admit(park, at: start)) }
        #expect(!limit.admit(park, at: start))
        #expect(limit.admit(other, at: start) && limit.admit(nil, at: start))
        #expect(!limit.admit(park, at: start + .milliseconds(499)))
        #expect(limit.admit(park, at: start + .milliseconds(500)))
        #expect(!limit.admit(park, at: start + .milliseconds(999)))
    }

    @Test func `An IP address's sign-in limit stops only unknown devices`() async throws {
        try await withGuestAPI(adjust: { $0.trustedProxies = try TrustedProxies("127.0.0.1") }) { api in
            func ask(_ secret: String) async throws -> GuestAPITestService.Response {
                let request = CodeRequest(email: "mira@example.org", deviceSecret: secret)
                let raw = Data(try ResponseEncoder.encode(request))
                return try await api.send("POST", "/v1/auth/codes", raw: raw, headers: ["x-forwarded-for": "192.0.2.1"])
            }
            let known = "a-device-secret-of-30-bytes..."
            let sent = try await ask(known).decode(CodeSent.self)
            let code = CodeRequest.code(of: sent.attemptId, api.app.secret)
            let request = SignInRequest(attemptId: sent.attemptId, code: code, deviceSecret: known)
            #expect(try await api.post("/v1/auth/sessions", request).status == 201)
            while api.app.signInLimit.admit(ClientAddress("192.0.2.1")) {}
            let held = try await ask("a-stranger-s-secret")
            #expect(held.code == "too_many_sign_ins" && held.headers["retry-after"] == "30")
            #expect(try await ask(known).status == 202)
            // A client at another address is not affected.
            let elsewhere = CodeRequest(email: "tom@example.org", deviceSecret: "a-stranger-s-secret")
            #expect(try await api.post("/v1/auth/codes", elsewhere).status == 202)
        }
    }
}
