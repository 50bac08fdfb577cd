import ArgumentParser
import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import UnixSignals

/// A payment provider for trials and tests: Stripe's API over HTTP, its own file, no real money.
@main
struct PaymentSandbox: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payment-sandbox",
        abstract: "A payment provider without money, with Stripe's API.",
        discussion: """
            Any API key is an account of its own, and so is an account acct_… that is named in Stripe-Account; one whose \
            name ends in EUR has euros alone. Payment methods decide what happens: pm_card_visa pays, \
            pm_card_visa_chargeDeclined declines, pm_card_threeDSecure2Required and pm_ideal ask the payer first, \
            pm_sepa_debit takes its time and pm_sepa_debit_fails then fails, pm_card_refundFail pays and fails to \
            give back, pm_card_createDispute pays and is disputed.
            """
    )

    @Option(help: "Where it listens.")
    var host = "127.0.0.1"

    @Option(help: "Where it listens.")
    var port = 8082

    @Option(help: "The file with everything it knows.")
    var file = ".voorpret/payments.sqlite"

    @Option(help: "Seconds that a direct debit takes, and a refund that fails.")
    var clearing = 2.0

    @Option(help: "The account whose webhooks go to --webhook.")
    var key: String?

    @Option(help: "Where to tell what happens, such as http://127.0.0.1:8080/v1/webhooks/stripe.")
    var webhook: String?

    @Option(help: "What webhooks are signed with.")
    var webhookSecret = "whsec_sandbox"

    @Flag(help: "Stop when the standard input ends, so with whoever has started it.")
    var withParent = false

    func run() async throws {
        let folder = URL(filePath: file).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let store = try Store(path: file)
        let options = Bank.Options(clearing: clearing, page: "http://\(host):\(port)")
        if let key, let webhook {
            let secret = webhookSecret
            try await store.write { try $0.setEndpoint("start", url: webhook, secret: secret, of: key) }
        }
        var logger = Logger(label: "payment-sandbox")
        logger.logLevel = .error
        let app = Application(
            router: SandboxRoutes(store: store, options: options).router(),
            configuration: .init(address: .hostname(host, port: port)),
            logger: logger
        )
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: WebhookSender(store: store, options: options)), .init(service: app),
        ]
        if withParent {
            services.append(.init(service: ParentWatch(), successTerminationBehavior: .gracefullyShutdownGroup))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }
}

/// Ends when the standard input ends, because the parent process is then gone.
private struct ParentWatch: Service {
    func run() async throws {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread {
                while let data = try? FileHandle.standardInput.read(upToCount: 1024), !data.isEmpty {}
                continuation.resume()
            }
        }
    }
}
