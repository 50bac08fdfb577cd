import ArgumentParser
import GuestAPI
import Logging
import ServiceLifecycle
import UnixSignals

struct Staff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Accounts of those who work here.",
        subcommands: [Add.self, List.self, End.self, RemoveFactor.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a staff account; they sign in with a code by mail."
        )

        @Option(help: "Where their codes go.")
        var email: String

        @Option(help: "Their name.")
        var name: String

        @Flag(help: "Everything, in all parks.")
        var headOffice = false

        @Option(name: .customLong("function"), help: "park:function, such as heidehof:reception; may be given often.")
        var functions: [String] = []

        @Option(help: "en, nl or de.")
        var language = "en"

        func run() async throws {
            try await Setup.withApp { app in
                do {
                    let id = try await Office(app).addStaff(
                        email: email,
                        name: name,
                        isHeadOffice: headOffice,
                        functions: functions,
                        language: language
                    )
                    print("added \(email) (\(id))")
                } catch let error as Office.BadArgument {
                    throw fail(error.description)
                }
            }
        }
    }
}

extension Staff {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Those who work here, and what they do where.")

        func run() async throws {
            try await Setup.withApp { app in
                for line in try await Office(app).listStaff() { print(line) }
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends somebody's work here: their devices are signed out within a second."
        )

        @Option(help: "Where their codes go.")
        var email: String

        func run() async throws {
            try await Setup.withApp { app in
                do {
                    try await Office(app).endStaff(email: email)
                    print("\(email) works here no more")
                } catch let error as Office.BadArgument {
                    throw fail(error.description)
                }
            }
        }
    }
}

extension Staff {
    struct RemoveFactor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove-factor",
            abstract: "Takes somebody's authenticator app away; they enrol a new one when they sign in again."
        )

        @Option(help: "Where their codes go.")
        var email: String

        func run() async throws {
            try await Setup.withApp { app in
                do {
                    try await Office(app).removeFactor(email: email)
                    print("\(email) is signed out and has no authenticator app any more")
                } catch let error as Office.BadArgument {
                    throw fail(error.description)
                }
            }
        }
    }
}

struct Credential: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a way in for another system of a park, and prints its token, which is told this once."
    )

    @Option(help: "What the system is called.")
    var name: String

    @Option(help: "feed, reports or books.")
    var purpose: String

    @Option(help: "The park's slug.")
    var park: String

    func run() async throws {
        try await Setup.withApp { app in
            do {
                print(try await Office(app).makeCredential(name: name, purpose: purpose, park: park))
            } catch let error as Office.BadArgument {
                throw fail(error.description)
            }
        }
    }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Background work.",
        subcommands: [Run.self, List.self, Retry.self]
    )

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Works, apart from the service, until stopped.")

        @Option(name: .customLong("queue"), help: "effects or mail; all unless told.")
        var queues: [String] = []

        func run() async throws {
            let app = try await Setup.app(Setup.settings())
            print("working")
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: WorkerService(app, queues: queues))],
                    gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: app.logger
                )
            )
            try await group.run()
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Jobs that wait, run or are dead.")

        @Flag(help: "Only those that gave up.")
        var dead = false

        func run() async throws {
            try await Setup.withApp { app in
                for line in try await Office(app).listJobs(onlyDead: dead) { print(line) }
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Gives a dead job another chance.")

        @Argument(help: "Its id.")
        var id: String

        func run() async throws {
            try await Setup.withApp { app in
                guard try await Office(app).retryJob(id) else { throw fail("there is no dead job \(id)") }
                print("due now")
            }
        }
    }
}

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Proves that what is derived is right; exits 1 with the differences.",
        subcommands: [Occupancy.self, Ledger.self, Sync.self, Photos.self]
    )

    struct Occupancy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The search's bits against what is booked.")

        func run() async throws {
            try await Setup.withApp { try report(try await Office($0).checkOccupancy(), of: "occupancy") }
        }
    }

    struct Ledger: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every invariant of shares, payments and journals against the tables."
        )

        @Flag(name: .customLong("provider"), help: "Also against the payment provider's own books.")
        var withProvider = false

        func run() async throws {
            try await Setup.withApp {
                try report(try await Office($0).checkLedger(withProvider: withProvider), of: "the ledger")
            }
        }
    }

    struct Sync: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What phones are sent against the tables.")

        func run() async throws {
            try await Setup.withApp { try report(try await Office($0).checkSync(), of: "sync") }
        }
    }

    struct Photos: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The rows of photos and uploads against the files that they promise."
        )

        func run() async throws {
            try await Setup.withApp { try report(try await Office($0).checkPhotos(), of: "the photos' files") }
        }
    }
}

extension AsyncParsableCommand {
    fileprivate func report(_ differences: [String], of what: String) throws {
        for difference in differences { print(difference) }
        guard differences.isEmpty else { throw fail("\(differences.count) differences") }
        print("\(what) is right")
    }
}
