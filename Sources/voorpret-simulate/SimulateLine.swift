import ArgumentParser
import AsyncHTTPClient
import Foundation
import GuestClient
import GuestModels
import NIOCore
import NIOHTTP1
import Sync
import SyncMessages
import Synchronization

/// Simulates one phone on a slow, distant line that is cut again and again.
///
/// The phone reads a park and a long thread, and sends mutations that were made offline.
struct SimulateLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "line",
        abstract: "One phone on a slow line that is cut, and how long it takes until it has told and read everything."
    )

    @Option(help: "Messages there are to read.")
    var messages = 2000

    @Option(help: "Mutations there are to tell.")
    var mutations = 200

    @Option(help: "Bytes of the photo.")
    var photo = 100_000

    @Option(help: "Bits a second, each way.")
    var bits = 30_000

    @Option(help: "Milliseconds of delay, each way.")
    var delay = 1000

    @Option(help: "Of 8 KiB, so many in a hundred are the last of their connection.")
    var cuts = 5

    @Option(help: "The same seed makes the same choices.")
    var seed: UInt64 = 1

    @Option(help: "Stop after that many minutes in any case.")
    var minutes = 30.0

    @Option(help: "The folder with voorpret.")
    var programs = ".build-release/release"

    @Option(help: "The project's folder, with schema.sql and scripts/cluster.sh.")
    var project = "."

    func run() async throws {
        try await Stage.open(project: project, programs: programs, plan: FaultPlan(seed: seed, percent: 0)) { stage in
            guard try await play(stage) else { throw ExitCode.failure }
        }
    }

    private func play(_ stage: Stage) async throws -> Bool {
        try await stage.service.start()
        let park = try await Park.open(stage)
        let client = stage.client
        let token = try await client.signIn("mira@example.org", device: "phone")
        let friend = try await client.signIn("tom@example.org", device: "phone")
        let me = try await client.ask("GET", Paths.me(), nil, as: token)
        let made = try await client.ask("POST", Paths.groups(), ["name": "Woods", "myName": "Mira"], as: token)
        let people = made["travellers"] as? [[String: Any]] ?? []
        guard let guest = Guest.ID(me["id"] as? String ?? ""), let group = TravelGroup.ID(made["id"] as? String ?? ""),
            let traveller = people.first?["id"] as? String
        else { throw GuestClient.Stopped(description: "there is no group") }
        let invitation = try await client.ask("POST", Paths.groupInvitations(group), [:], as: token)
        let accept = Paths.invitationAccept.with(invitation["code"] as? String ?? "")
        _ = try await client.ask("POST", accept, ["name": "Tom"], as: friend)
        try await book(park, group, traveller, as: token, client)
        for number in 0..<messages {
            let text = "Message \(number): who brings the \(["bread", "boots", "board game", "barbecue"][number % 4])?"
            _ = try await client.ask("POST", Paths.groupMessages(group), ["text": text], as: friend)
        }
        let line = SlowLine(rate: bits / 8, delay: .milliseconds(delay), cuts: cuts, plan: stage.plan)
        let port = stage.providerProxyPort
        let serving = Task { try await line.serve(port: port, target: stage.servicePort) }
        defer { serving.cancel() }
        let store = try LocalStore(
            path: "\(stage.scratch)/phone.sqlite",
            of: guest,
            mutators: Mutator.all
        )
        for number in 0..<mutations {
            let request = PlanItemRequest(id: .init(UUID()), list: .plan, title: "Item \(number)")
            try store.perform("planItem.add@1", GroupArguments(groupId: group, request: request), at: Date())
        }
        let name = try store.keep(photo: picture(), in: group)
        let told = MessageRequest(text: "look", photo: name)
        try store.perform("message.write@1", GroupArguments(groupId: group, request: told), at: Date())
        let transport = FarTransport(address: "http://127.0.0.1:\(port)", token)
        let engine = SyncEngine(store, over: transport)
        let began = ContinuousClock.now
        let failures = try await catchUp(engine, store, until: began + .seconds(minutes * 60)) {
            transport.renew(try await client.signIn("mira@example.org", device: "phone"))
        }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let read = try store.entities("message", in: "group:\(group)").count
        let parkRows = try store.entities("cottage", in: "park:\(park.id)").count
        let shown = try await client.send("GET", Paths.groupPlanItems(group), nil, as: friend)
        let items = (shown.json["items"] as? [Any])?.count ?? 0
        var seen = try await client.send("GET", Paths.groupPhoto(group, name), nil, as: friend)
        // A job of the service stores the photo after its last part has come.
        while seen.status == 404, ContinuousClock.now < began + .seconds(minutes * 60) {
            try await Task.sleep(for: .milliseconds(200))
            seen = try await client.send("GET", Paths.groupPhoto(group, name), nil, as: friend)
        }
        let values = line.count.values
        let isRight =
            try store.pending().isEmpty && store.unsentPhotos() == 0 && read == messages + 1
            && parkRows == park.cottages.count
            && items == min(mutations, 500) && seen.status == 200
        print(
            """
            \(isRight ? "done" : "NOT DONE") in \(Int(seconds)) s: \(read) messages and \(parkRows) cottages read, \(items) items and a photo of \
            \(photo) bytes told, over \(bits) bit/s with \(delay) ms each way; \(values.connections) connections, \(values.cuts) cut, \
            \(failures) failed tries, \(values.bytes) bytes
            """
        )
        return isRight
    }

    private func book(
        _ park: Park,
        _ group: TravelGroup.ID,
        _ traveller: String,
        as token: String,
        _ client: GuestClient
    ) async throws {
        let arrival = LocalDate(daysSince1970: Int(Date().timeIntervalSince1970 / 86400) + 60)
        let cottages: [[String: any Sendable]] = [["cottageId": park.cottages.first ?? ""]]
        let stay: [String: any Sendable] = [
            "arrival": "\(arrival)", "departure": "\(arrival.adding(days: 3))",
        ]
        let booking = try await client.ask(
            "POST",
            Paths.bookings(),
            [
                "parkId": park.id, "groupId": "\(group)", "stay": stay, "cottages": cottages,
                "travellerIds": [traveller],
            ],
            as: token
        )
        let path = Paths.bookingConfirm.with(booking["id"] as? String ?? "")
        _ = try await client.ask("POST", path, ["reason": "paid by transfer"], as: park.office)
    }

    /// Runs steps until the phone has sent and read everything; tries again after failures, as the engine's loop does.
    private func catchUp(
        _ engine: SyncEngine,
        _ store: LocalStore,
        until deadline: ContinuousClock.Instant,
        signIn: () async throws -> Void
    ) async throws -> Int {
        var failures = 0
        while ContinuousClock.now < deadline {
            do {
                if try await engine.sync() == .upToDate, try store.pending().isEmpty, try store.unsentPhotos() == 0 {
                    break
                }
            } catch SyncEngine.Failure.status(401, _, _) {
                try await signIn()
            } catch {
                failures += 1
                try await Task.sleep(for: .seconds(1))
            }
        }
        return failures
    }

    /// Makes a JPEG of one grey square with random coded pixels.
    private func picture() -> Data {
        var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0] + Array(repeating: 1, count: 64)
        bytes += [0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0]
        for table: UInt8 in [0x00, 0x10] {
            bytes += [0xFF, 0xC4, 0, 20, table, 1] + Array(repeating: 0, count: 16)
        }
        bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]
        var dice = SeededGenerator(seed: seed)
        while bytes.count < photo - 2 { bytes.append(UInt8.random(in: 0...254, using: &dice)) }
        return Data(bytes + [0xFF, 0xD9])
    }
}

/// The transport over a line on which an answer may take minutes.
///
/// Like the app's own transport, it gives up when no byte comes for forty seconds.
private final class FarTransport: SyncTransport {
    private let address: String
    private let token: Mutex<String>

    init(address: String, _ token: String) {
        self.address = address
        self.token = Mutex(token)
    }

    func renew(_ fresh: String) { token.withLock { $0 = fresh } }

    func send(_ method: String, _ path: String, headers: [String: String], body: Data?) async throws -> SyncAnswer {
        var request = HTTPClientRequest(url: address + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(token.withLock { $0 })")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await Self.client.execute(request, timeout: .minutes(20))
        let data = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        return SyncAnswer(response, data)
    }

    private static let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: .init(timeout: .init(connect: .seconds(30), read: .seconds(40)))
    )
}
