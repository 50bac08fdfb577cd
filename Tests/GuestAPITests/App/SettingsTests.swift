import Configuration
import Foundation
import GuestModels
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SettingsTests {
    private func settings(_ values: [String: String]) throws -> Settings {
        let variables = Dictionary(values.map { ("VOORPRET_\($0.key)", $0.value) }) { first, _ in first }
        let provider = EnvironmentVariablesProvider(environmentVariables: variables)
        return try Settings(ConfigReader(provider: provider).scoped(to: "voorpret"))
    }

    @Test(arguments: [
        ("PORT", "abc"), ("PORT", "70000"), ("ADMIN_PORT", "-1"), ("CAPACITY", "many"), ("CAPACITY", "0"),
        ("LOG_LEVEL", "loud"), ("MAIL", "pigeon"), ("MAIL", "smtp:nowhere"), ("MAIL", "smtp:host:0"),
        ("MAIL", "/no/such/program -t"), ("PUBLIC_URL", "guests.example.org"), ("DATABASE_WRITERS", "0"),
        ("PAYMENTS_METHODS", "card,paypal"), ("PAYMENTS_URL", "api.stripe.com"), ("PAYMENTS_KEY", "sk_live"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"), ("FCM_ACCOUNT_FILE", "/none"), ("APNS_KEY_FILE", "/none"),
    ])
    func `The error about an invalid setting names the setting`(_ name: String, _ value: String) throws {
        let error = try #require(throws: SettingsError.self) { try settings([name: value]) }
        #expect(error.description.contains("VOORPRET_\(name)"), "\(error.description)")
    }

    @Test func `Settings are read from their environment variables`() throws {
        let all = try settings([
            "PORT": "9090", "MAIL": "smtp:mail.example.org:2525", "PUBLIC_URL": "https://guests.example.org/",
            "PAYMENTS_URL": "https://api.stripe.com", "PAYMENTS_KEY": "sk_live", "PAYMENTS_METHODS": "card",
        ])
        #expect(all.port == 9090 && all.mail == .smtp(host: "mail.example.org", port: 2525))
        #expect(all.publicURL == "https://guests.example.org")
        #expect(all.payments?.key == "sk_live" && all.payments?.methods == [.card])
        #expect(try settings([:]).payments == nil)
    }

    @Test func `The list of settings in force shows no secret`() throws {
        let all = try settings([
            "DATABASE": "postgresql://u:topsecret@h/d", "PAYMENTS_URL": "https://api.stripe.com",
            "PAYMENTS_KEY": "topsecret", "PAYMENTS_WEBHOOK_SECRET": "topsecret", "CAPACITY": "32",
        ])
        let shown = Dictionary(all.inForce.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(shown["VOORPRET_CAPACITY"] == "32" && shown["VOORPRET_WORKERS"] == "2")
        #expect(shown["VOORPRET_PAYMENTS_KEY"] == "(set)" && shown["VOORPRET_DATABASE"] == "(set)")
        #expect(!all.inForce.contains { $0.value.contains("topsecret") })
    }
}
