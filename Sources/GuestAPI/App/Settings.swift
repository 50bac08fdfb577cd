public import Configuration
public import Foundation
public import GuestModels

/// How this process is set up.
///
/// Read once, from the environment; README has the table.
public struct Settings: Sendable {
    /// A libpq connection string.
    public var database: String
    public var host: String
    public var port: Int
    /// Where `/livez`, `/readyz` and `/metrics` are; 0 is any free port.
    public var adminHost: String
    public var adminPort: Int
    /// Files of ours: mail spool, backups, secret.
    public var stateFolder: String
    /// How a guest's browser or app reaches us; used in links.
    public var publicURL: String
    /// The proxies whose word on a client's address is taken.
    public var trustedProxies: TrustedProxies
    public var mail: Mail
    public var mailFrom: String
    /// Requests under way at once.
    public var capacity: Int
    public var readers: Int
    public var slowReaders: Int
    public var writers: Int
    public var maximumConnections: Int
    /// Workers inside the service; 0 when `voorpret jobs run` does the work.
    public var workers: Int
    public var logLevel: String
    /// Where openapi.yaml lies.
    public var openAPI: String
    /// The payment provider; without one, money comes in at the desk alone.
    public var payments: Payments?

    /// Push services; what has none lies in the state folder's `push`.
    public var apns: APNs?
    public var fcm: FCM?

    /// Apple's push service.
    public struct APNs: Sendable {
        /// Without a slash at the end.
        public var url: String
        /// The signing key, as Apple's `.p8` file has it (PEM).
        public var key: String
        public var keyID: String
        public var team: String
        /// The app's bundle identifier.
        public var topic: String
        /// A PEM file of certificates to trust instead of the machine's.
        public var trust: String?

        public init(
            url: String = "https://api.push.apple.com",
            key: String,
            keyID: String,
            team: String,
            topic: String,
            trust: String? = nil
        ) {
            self.url = url
            self.key = key
            self.keyID = keyID
            self.team = team
            self.topic = topic
            self.trust = trust
        }
    }

    /// Firebase Cloud Messaging.
    public struct FCM: Sendable {
        /// Without a slash at the end.
        public var url: String
        public var project: String
        /// The service account's address and private key (PEM).
        public var account: String
        public var key: String
        /// Where it gets its access tokens.
        public var tokenURL: String
        /// A PEM file of certificates to trust instead of the machine's.
        public var trust: String?

        /// - Parameter file: a service account's key file, as Google's console makes it.
        ///
        /// Throws when it is not one.
        public init(
            file: Data,
            url: String = "https://fcm.googleapis.com",
            trust: String? = nil
        ) throws {
            struct File: Decodable {
                let projectId: String
                let clientEmail: String
                let privateKey: String
                let tokenUri: String
            }
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let file = try decoder.decode(File.self, from: file)
            self.url = url
            project = file.projectId
            account = file.clientEmail
            key = file.privateKey
            tokenURL = file.tokenUri
            self.trust = trust
        }
    }

    public struct Payments: Sendable {
        /// Such as `https://api.stripe.com`, without a slash at the end.
        public var url: String
        public var key: String
        /// What webhooks are signed with; several while one replaces another.
        public var webhookSecrets: [String]
        /// Where a browser can pay: a URL with `{intent}` and `{secret}` in it.
        public var page: String?
        public var methods: Set<Attempt.Method>

        public init(
            url: String,
            key: String,
            webhookSecrets: [String],
            page: String? = nil,
            methods: Set<Attempt.Method> = Set(Attempt.Method.allCases)
        ) {
            self.url = url
            self.key = key
            self.webhookSecrets = webhookSecrets
            self.page = page
            self.methods = methods
        }
    }

    public enum Mail: Sendable, Equatable {
        /// One file per mail in the state folder's `mail`.
        case spool
        /// A command that takes the mail on its standard input, such as `/usr/sbin/sendmail -t -i`.
        case command(String)
        /// `host:port`, plain SMTP to a relay on this machine or network.
        case smtp(host: String, port: Int)
    }

    /// With the defaults of the table in README.
    public init(
        database: String,
        host: String = "127.0.0.1",
        port: Int = 8080,
        adminPort: Int = 8081,
        stateFolder: String = ".voorpret",
        capacity: Int = 64,
        workers: Int = 2,
        openAPI: String = "openapi.yaml"
    ) {
        self.database = database
        self.host = host
        self.port = port
        adminHost = "127.0.0.1"
        self.adminPort = adminPort
        self.stateFolder = stateFolder
        publicURL = "http://127.0.0.1:\(port)"
        trustedProxies = .none
        mail = .spool
        mailFrom = "Voorpret <voorpret@localhost>"
        self.capacity = capacity
        readers = 3
        slowReaders = 2
        writers = 12
        maximumConnections = 20_000
        self.workers = workers
        logLevel = "info"
        self.openAPI = openAPI
    }

    public init(_ config: ConfigReader) throws {
        database = config.string(forKey: "database", default: "")
        host = config.string(forKey: "host", default: "127.0.0.1")
        port = config.int(forKey: "port", default: 8080)
        adminHost = config.string(forKey: "admin.host", default: "127.0.0.1")
        adminPort = config.int(forKey: "admin.port", default: 8081)
        stateFolder = config.string(forKey: "state", default: ".voorpret")
        publicURL = config.string(forKey: "public.url", default: "http://127.0.0.1:8080")
        trustedProxies = try TrustedProxies(config.string(forKey: "trusted.proxies", default: "127.0.0.1,::1"))
        mailFrom = config.string(forKey: "mail.from", default: "Voorpret <voorpret@localhost>")
        capacity = config.int(forKey: "capacity", default: 64)
        readers = config.int(forKey: "database.readers", default: 3)
        slowReaders = config.int(forKey: "database.slow.readers", default: 2)
        writers = config.int(forKey: "database.writers", default: 12)
        maximumConnections = config.int(forKey: "connections", default: 20_000)
        workers = config.int(forKey: "workers", default: 2)
        logLevel = config.string(forKey: "log.level", default: "info")
        openAPI = config.string(forKey: "openapi", default: "openapi.yaml")
        let mail = config.string(forKey: "mail", default: "spool")
        if mail == "spool" {
            self.mail = .spool
        } else if mail.hasPrefix("smtp:") {
            let parts = mail.dropFirst(5).split(separator: ":")
            guard let host = parts.first, let port = parts.count > 1 ? Int(parts[1]) : 25 else {
                throw SettingsError(description: "VOORPRET_MAIL must be spool, smtp:HOST:PORT or a command")
            }
            self.mail = .smtp(host: String(host), port: port)
        } else {
            self.mail = .command(mail)
        }
        let trust = config.string(forKey: "push.trust")
        if let path = config.string(forKey: "apns.key.file"), !path.isEmpty {
            guard let keyID = config.string(forKey: "apns.key.id"), let team = config.string(forKey: "apns.team"),
                let topic = config.string(forKey: "apns.topic"),
                let key = try? String(contentsOfFile: path, encoding: .utf8)
            else {
                throw SettingsError(
                    description:
                        "VOORPRET_APNS_KEY_FILE must be readable, and VOORPRET_APNS_KEY_ID, _TEAM and _TOPIC set with it"
                )
            }
            apns = APNs(
                url: config.string(forKey: "apns.url", default: "https://api.push.apple.com"),
                key: key,
                keyID: keyID,
                team: team,
                topic: topic,
                trust: trust
            )
        }
        if let path = config.string(forKey: "fcm.account.file"), !path.isEmpty {
            guard let file = FileManager.default.contents(atPath: path),
                let fcm = try? FCM(
                    file: file,
                    url: config.string(forKey: "fcm.url", default: "https://fcm.googleapis.com"),
                    trust: trust
                )
            else { throw SettingsError(description: "VOORPRET_FCM_ACCOUNT_FILE must be a service account's key file") }
            self.fcm = fcm
        }
        if let url = config.string(forKey: "payments.url"), !url.isEmpty {
            guard let key = config.string(forKey: "payments.key", isSecret: true), !key.isEmpty else {
                throw SettingsError(description: "VOORPRET_PAYMENTS_KEY must be set with VOORPRET_PAYMENTS_URL")
            }
            let methods = config.string(forKey: "payments.methods", default: "card,ideal,sepaDebit").split(
                separator: ","
            )
            .map { Attempt.Method(rawValue: String($0)) }
            guard !methods.contains(nil) else {
                throw SettingsError(description: "VOORPRET_PAYMENTS_METHODS may have card, ideal and sepaDebit")
            }
            payments = Payments(
                url: url.hasSuffix("/") ? String(url.dropLast()) : url,
                key: key,
                webhookSecrets: config.string(forKey: "payments.webhook.secret", isSecret: true, default: "")
                    .split(separator: ",").map(String.init),
                page: config.string(forKey: "payments.page"),
                methods: Set(methods.compactMap { $0 })
            )
        }
        guard (0...65535).contains(port), (0...65535).contains(adminPort) else {
            throw SettingsError(description: "VOORPRET_PORT and VOORPRET_ADMIN_PORT must be from 0 to 65535")
        }
        guard capacity >= 5, readers >= 1, slowReaders >= 0, writers >= 1, workers >= 0 else {
            throw SettingsError(
                description: "capacity must be at least 5, readers and writers at least 1, workers at least 0"
            )
        }
    }
}

public struct SettingsError: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}
