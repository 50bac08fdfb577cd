public import Configuration
public import Foundation
public import GuestModels
import Logging

/// The settings of this process.
///
/// The settings are read once, from the environment; README has a table of them.
public struct Settings: Sendable {
    /// The database, as a libpq connection string.
    public var database: String
    public var host: String
    public var port: Int
    /// The host of the private port, which answers `/livez`, `/readyz` and `/metrics`.
    public var adminHost: String
    /// The number of the private port; 0 means any free port.
    public var adminPort: Int
    /// The folder for the service's own files: mail spool, backups and secret.
    public var stateFolder: String
    /// The address at which browsers and apps reach the service; links begin with it.
    public var publicURL: String
    /// The proxies that are trusted to name a client's address.
    public var trustedProxies: TrustedProxies
    public var mail: Mail
    public var mailFrom: String
    /// The most requests that run at once.
    public var capacity: Int
    public var readers: Int
    public var slowReaders: Int
    public var writers: Int
    /// The seconds for which a request waits for a connection to the database.
    var databasePatience: TimeInterval = 2
    public var maximumConnections: Int
    /// The number of workers inside the service; 0 when `voorpret jobs run` does the work.
    public var workers: Int
    public var logLevel: String
    /// The path of openapi.yaml, which the service serves.
    public var openAPI: String
    /// The payment provider; without one, money comes in at the desk alone.
    public var payments: Payments?
    /// The bucket for photos; without one, photos are kept in the state folder's `objects`.
    public var objects: Objects?
    /// The path of the program `photo-worker`, which makes pictures of guests' files.
    public var photoWorker = Settings.besideThis("photo-worker")
    /// Whether an upload's address is sent ahead in an informational answer (104), which some proxies cannot pass on.
    public var sendsInterim = false
    /// The names and values of all settings as they were read; a secret shows as `(set)`.
    public let inForce: [(name: String, value: String)]

    /// The push services; notices for a service that is not set up are files in the state folder's `push`.
    public var apns: APNs?
    public var fcm: FCM?

    /// The settings of Apple's push service (APNs).
    public struct APNs: Sendable {
        /// The address of the push service, without a slash at the end.
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

    /// The settings of Firebase Cloud Messaging, Google's push service.
    public struct FCM: Sendable {
        /// The address of the push service, without a slash at the end.
        public var url: String
        public var project: String
        /// The service account's address and private key (PEM).
        public var account: String
        public var key: String
        /// The address at which the service account gets its access tokens.
        public var tokenURL: String
        /// A PEM file of certificates to trust instead of the machine's.
        public var trust: String?

        /// - Parameter file: a service account's key file, as Google's console makes it.
        ///
        /// Throws if the file is not such a key file.
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
        /// The provider's address, such as `https://api.stripe.com`, without a slash at the end.
        public var url: String
        public var key: String
        /// The secrets with which the provider signs webhooks; several while a new one replaces an old one.
        public var webhookSecrets: [String]
        /// The page on which a browser can pay: a URL that contains `{intent}` and `{secret}`.
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

    /// A bucket of a store that speaks S3.
    public struct Objects: Sendable {
        /// The bucket's address, such as `https://s3.eu-west-1.amazonaws.com/voorpret`, without a slash at the end.
        public var url: String
        public var region: String
        public var key: String
        public var secret: String

        public init(url: String, region: String, key: String, secret: String) {
            self.url = url
            self.region = region
            self.key = key
            self.secret = secret
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

    /// Makes settings with the defaults of the table in README.
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
        inForce = []
    }

    /// Reads all settings.
    ///
    /// - Throws: `SettingsError` that names a setting with an invalid value.
    public init(_ config: ConfigReader) throws {
        var read = SettingsReader(config)
        database = read.text("database", isSecret: true) ?? ""
        host = read.text("host", default: "127.0.0.1")
        port = try read.number("port", 0...65535, default: 8080)
        adminHost = read.text("admin.host", default: "127.0.0.1")
        adminPort = try read.number("admin.port", 0...65535, default: 8081)
        stateFolder = read.text("state", default: ".voorpret")
        publicURL = try read.address("public.url", default: "http://127.0.0.1:8080")
        trustedProxies = try TrustedProxies(read.text("trusted.proxies", default: "127.0.0.1,::1"))
        mailFrom = read.text("mail.from", default: "Voorpret <voorpret@localhost>")
        mail = try Mail(read.text("mail", default: "spool"))
        capacity = try read.number("capacity", 5...100_000, default: 64)
        readers = try read.number("database.readers", 1...100, default: 3)
        slowReaders = try read.number("database.slow.readers", 0...100, default: 2)
        writers = try read.number("database.writers", 1...1000, default: 12)
        maximumConnections = try read.number("connections", 1...1_000_000, default: 20_000)
        sendsInterim = try read.isOn("interim")
        photoWorker = read.text("photo.worker", default: Self.besideThis("photo-worker"))
        workers = try read.number("workers", 0...1000, default: 2)
        let levels = Logger.Level.allCases.map(\.rawValue)
        logLevel = read.text("log.level", default: "info")
        guard levels.contains(logLevel) else {
            throw SettingsError("log.level", "must be one of \(levels.joined(separator: ", "))", logLevel)
        }
        openAPI = read.text("openapi", default: "openapi.yaml")
        let trust = read.text("push.trust")
        apns = try APNs(&read, trust: trust)
        fcm = try FCM(&read, trust: trust)
        payments = try Payments(&read)
        objects = try Objects(&read)
        inForce = read.inForce
    }
}

extension Settings.Mail {
    fileprivate init(_ text: String) throws {
        if text == "spool" {
            self = .spool
        } else if text.hasPrefix("smtp:") {
            let parts = text.dropFirst(5).split(separator: ":")
            guard parts.count == 2, let port = Int(parts[1]), (1...65535).contains(port) else {
                throw SettingsError("mail", "must be spool, smtp:HOST:PORT or a command", text)
            }
            self = .smtp(host: String(parts[0]), port: port)
        } else {
            let program = text.split(separator: " ").first.map(String.init) ?? ""
            guard program.hasPrefix("/"), FileManager.default.isExecutableFile(atPath: program) else {
                throw SettingsError(
                    "mail",
                    "must be spool, smtp:HOST:PORT or a command that begins with the path of a program",
                    text
                )
            }
            self = .command(text)
        }
    }
}

extension Settings.APNs {
    /// Reads the settings of Apple's push service; nil if no key is set.
    fileprivate init?(_ read: inout SettingsReader, trust: String?) throws {
        let path = read.text("apns.key.file") ?? ""
        let (keyID, team, topic) = (read.text("apns.key.id"), read.text("apns.team"), read.text("apns.topic"))
        let url = try read.address("apns.url", default: "https://api.push.apple.com")
        guard !path.isEmpty else { return nil }
        guard let key = try? String(contentsOfFile: path, encoding: .utf8), let keyID, let team, let topic else {
            throw SettingsError(
                description:
                    "VOORPRET_APNS_KEY_FILE must be readable, and VOORPRET_APNS_KEY_ID, _TEAM and _TOPIC set with it"
            )
        }
        self.init(url: url, key: key, keyID: keyID, team: team, topic: topic, trust: trust)
    }
}

extension Settings.FCM {
    /// Reads the settings of Google's push service; nil if no account is set.
    fileprivate init?(_ read: inout SettingsReader, trust: String?) throws {
        let path = read.text("fcm.account.file") ?? ""
        let url = try read.address("fcm.url", default: "https://fcm.googleapis.com")
        guard !path.isEmpty else { return nil }
        guard let file = FileManager.default.contents(atPath: path),
            let made = try? Self(file: file, url: url, trust: trust)
        else { throw SettingsError("fcm.account.file", "must be a service account's key file", path) }
        self = made
    }
}

extension Settings.Payments {
    /// Reads the settings of the payment provider; nil if no provider is set.
    fileprivate init?(_ read: inout SettingsReader) throws {
        let hasAddress = read.has("payments.url")
        let url = hasAddress ? try read.address("payments.url", default: "") : ""
        let key = read.text("payments.key", isSecret: true) ?? ""
        let secrets = read.text("payments.webhook.secret", isSecret: true) ?? ""
        let page = read.text("payments.page")
        let wanted = read.text("payments.methods", default: "card,ideal,sepaDebit")
        let methods = wanted.split(separator: ",").map { Attempt.Method(rawValue: String($0)) }
        guard !methods.contains(nil) else {
            throw SettingsError("payments.methods", "may have card, ideal and sepaDebit", wanted)
        }
        guard hasAddress != key.isEmpty else {
            throw SettingsError(
                description: "VOORPRET_PAYMENTS_URL and VOORPRET_PAYMENTS_KEY are set together or not at all"
            )
        }
        guard hasAddress else { return nil }
        self.init(
            url: url,
            key: key,
            webhookSecrets: secrets.split(separator: ",").map(String.init),
            page: page,
            methods: Set(methods.compactMap { $0 })
        )
    }
}

extension Settings.Objects {
    /// Reads the settings of the bucket for photos; nil if no bucket is set.
    fileprivate init?(_ read: inout SettingsReader) throws {
        let hasAddress = read.has("objects.url")
        let url = hasAddress ? try read.address("objects.url", default: "") : ""
        let region = read.text("objects.region", default: "us-east-1")
        let (key, secret) = (read.text("objects.key"), read.text("objects.secret", isSecret: true))
        guard hasAddress || key != nil || secret != nil else { return nil }
        guard hasAddress, let key, let secret else {
            throw SettingsError(
                description:
                    "VOORPRET_OBJECTS_URL, VOORPRET_OBJECTS_KEY and VOORPRET_OBJECTS_SECRET are set together or not at all"
            )
        }
        self.init(url: url, region: region, key: key, secret: secret)
    }
}

extension Settings {
    /// The path of a program in the folder of the program that runs.
    static func besideThis(_ name: String) -> String {
        let folder = Bundle.main.executableURL?.deletingLastPathComponent() ?? URL(filePath: ".")
        return folder.appending(path: name).path(percentEncoded: false)
    }

    /// The store that photos go to.
    func objectStore() -> any ObjectStore {
        if let objects { return S3Objects(objects) }
        return DiskObjects(URL(filePath: stateFolder))
    }
}

public struct SettingsError: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }

    /// Names the setting, the rule that it breaks, and its value.
    init(_ key: String, _ rule: String, _ value: String) {
        description = "\(SettingsReader.name(key)) \(rule), and is '\(value)'"
    }
}
