public import Foundation
public import GuestModels
public import Logging
public import Postgres

/// The settings, connections and tools that every feature may use.
///
/// The environment is made once, when the process starts.
public struct AppEnvironment: Sendable {
    public let settings: Settings
    let features: FeatureTable
    public let database: Database
    /// A database connection used only to renew workers' leases, so that no lease runs out when the service is busy.
    let leases: Database
    public let now: @Sendable () -> Date
    public internal(set) var ids: IdentifierSource
    /// The logger; in an environment made by `logging(_:)` it adds the request or the job to each line.
    public internal(set) var logger: Logger
    let secret: ServerSecret
    let metrics = Metrics()
    let admission: Admission
    let bell: WorkBell
    let scopeBell: ScopeBell
    let authenticator = Authenticator()
    let signInLimit = SignInLimit()
    let uploadLimit = UploadLimit()
    /// The payment provider; nil if none is configured.
    var payments: PaymentProvider? { settings.payments.map { PaymentProvider(settings: $0) } }

    /// The store for files that are not kept in the database, such as photos.
    let objects: any ObjectStore
    /// The processes that make pictures of guests' files.
    let pictures: PictureWorkers
    /// The push services of Apple and Google; notices for a service that is not set up go to the spool.
    let apns: APNs?
    let fcm: FCM?

    /// Closes the connections to the database.
    public func close() async {
        await leases.close()
        await database.close()
    }

    init(
        features: FeatureTable,
        settings: Settings,
        now: @escaping @Sendable () -> Date,
        ids: IdentifierSource,
        secret: ServerSecret,
        logger: Logger
    ) throws {
        self.features = features
        self.settings = settings
        self.now = now
        self.ids = ids
        self.logger = logger
        apns = settings.apns.map(APNs.init)
        fcm = settings.fcm.map(FCM.init)
        objects = settings.objectStore()
        pictures = PictureWorkers(settings.photoWorker)
        self.secret = secret
        let admission = Admission(capacity: settings.capacity)
        self.admission = admission
        var configuration = Database.Configuration(connectionString: settings.database)
        configuration.readers = settings.readers
        configuration.slowReaders = settings.slowReaders
        configuration.writers = settings.writers
        configuration.patience = settings.databasePatience
        configuration.logger = logger
        let (bell, scopeBell) = (
            WorkBell(),
            ScopeBell(capacity: settings.maximumConnections * 3 / 4) {
                admission.load.waiting == 0
            }
        )
        self.bell = bell
        self.scopeBell = scopeBell
        var single = Database.Configuration(connectionString: settings.database)
        single.readers = 0
        single.writers = 1
        single.logger = logger
        leases = try Database(single)
        database = try Database(
            configuration,
            flush: { Publishing.flush($0, at: now()) },
            committed: { notes in
                bell.ring(notes)
                scopeBell.committed(notes)
            }
        )
    }
}

extension AppEnvironment {
    /// The same environment with a logger that names one request or job in each line.
    func logging(_ metadata: Logger.Metadata) -> AppEnvironment {
        var app = self
        for (key, value) in metadata { app.logger[metadataKey: key] = value }
        return app
    }

    /// A park's clock; nil, logged and counted, if its time zone cannot be read.
    ///
    /// Work on many parks uses it, so that one park does not stop the others.
    func clock(of timeZone: String) -> ParkClock? {
        do {
            return try ParkClock(stored: timeZone)
        } catch {
            metrics.met(error)
            logger.error("a park is left out", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
