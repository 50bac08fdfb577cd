import ArgumentParser
import AsyncHTTPClient
import Foundation
import GuestModels
import NIOCore
import NIOHTTP1
import Sync
import SyncFaults
import SyncMessages

/// The instructions of a simulated phone; they come in a file, because the phone is a separate process.
struct PhonePlan: Codable {
    /// The path of the app's database; the phone's journal is beside it.
    var store: String
    var guest: Guest.ID
    var token: String
    var address: String
    var group: TravelGroup.ID
    var park: String
    var cottage: String
    var seed: UInt64
    /// Seconds by which the phone's clock is wrong.
    var clockOffset: TimeInterval
    var partition: Partition
    /// When the phone's owner stops doing things.
    var until: Date

    /// The direction in which the network loses messages.
    enum Partition: String, Codable {
        case none, requests, answers
    }

    var journal: String { store + ".journal" }
    var contents: String { store + ".contents" }
}

/// An event on a phone, one line each; a line cut off by a kill does not count.
enum PhoneNote: Codable {
    /// The owner did something; `text` is a message's text, which occurs in one mutation only.
    case did(id: UUID, name: String, text: String?)
    /// The phone received an answer with rows of these scopes.
    case read(sent: Date, received: Date, scopes: [String])
    /// The phone's storage was full for a moment.
    case full
}

/// A simulated phone: a process that may be killed like any app.
struct PlayPhone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phone",
        abstract: "One phone of the simulation, with the engine of the app and its database.",
        shouldDisplay: false
    )

    @Argument(help: "The file that says what to do.")
    var plan: String

    @Flag(help: "Read up and tell everything, then write down what is shown.")
    var settle = false

    func run() async throws {
        let plan = try JSONDecoder().decode(PhonePlan.self, from: Data(contentsOf: URL(filePath: plan)))
        if settle {
            try await Handheld(plan).catchUp()
        } else {
            let phone = try Handheld(plan)
            try await Hand(plan: plan, store: phone.store, engine: phone.engine, journal: phone.journal).play()
        }
    }
}

/// A phone's engine and database, in any process.
struct Handheld: Sendable {
    let plan: PhonePlan
    let store: LocalStore
    let journal: Journal
    let engine: SyncEngine

    init(_ plan: PhonePlan) throws {
        self.plan = plan
        store = try LocalStore(path: plan.store, of: plan.guest, mutators: Mutator.all)
        journal = try Journal(plan.journal)
        engine = SyncEngine(store, over: PhoneLine(plan: plan, journal: journal))
    }

    /// Sends and reads everything, then writes the shown rows to a file.
    func catchUp() async throws {
        // A busy service is not a difference, so try again.
        for left in (0..<20).reversed() {
            do {
                try await engine.sync()
                break
            } catch {
                guard left > 0 else { throw error }
                try await Task.sleep(for: .milliseconds(250))
            }
        }
        let waiting = try store.pending().count
        guard waiting == 0 else { throw ExitCode(3) }
        try store.contents().joined(separator: "\n").write(toFile: plan.contents, atomically: true, encoding: .utf8)
    }
}

/// Appends lines to a file, each one immediately.
final class Journal: Sendable {
    private let file: FileHandle

    init(_ path: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard let file = FileHandle(forUpdatingAtPath: path) else { throw CocoaError(.fileNoSuchFile) }
        try file.seekToEnd()
        self.file = file
    }

    func write(_ note: PhoneNote) throws {
        // The line break comes first, so that an earlier line that was cut off does not spoil the new line.
        try file.write(contentsOf: Data("\n".utf8) + JSONEncoder().encode(note))
    }

    static func read(_ path: String) -> [PhoneNote] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(PhoneNote.self, from: Data($0.utf8)) }
    }
}

/// The phone's transport to the service, with network faults and a journal.
struct PhoneLine: SyncTransport {
    struct Lost: Error {}

    let plan: PhonePlan
    let journal: Journal

    func send(_ method: String, _ path: String, headers: [String: String], body: Data?) async throws -> SyncAnswer {
        guard plan.partition != .requests else { throw Lost() }
        let sent = Date()
        var request = HTTPClientRequest(url: plan.address + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(plan.token)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let data = Data(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        let received = Date()
        if path == Paths.sync(), response.status == .ok {
            // The journal gets the scopes of all rows that arrived, even in an answer that the engine throws away.
            var scopes: Set<String> = []
            var scope = ""
            for line in data.split(separator: UInt8(ascii: "\n")) {
                switch try? SyncLine.parse(line) {
                case .scope(let name), .reset(let name): scope = name
                case .row: scopes.insert(scope)
                default: break
                }
            }
            if !scopes.isEmpty {
                try journal.write(.read(sent: sent, received: received, scopes: scopes.sorted()))
            }
        }
        guard plan.partition != .answers else { throw Lost() }
        return SyncAnswer(response, data)
    }
}

/// The phone's owner, who plans, votes, writes, and loses patience with the network.
struct Hand {
    let plan: PhonePlan
    let store: LocalStore
    let engine: SyncEngine
    let journal: Journal

    func play() async throws {
        var dice = SeededGenerator(seed: plan.seed)
        while Date() < plan.until {
            switch Int.random(in: 0..<100, using: &dice) {
            case ..<45: try? act(&dice)
            case ..<48:
                try journal.write(.full)
                try store.fillUp(true)
                try? act(&dice)
                _ = try? await engine.step()
                try store.fillUp(false)
            default: _ = try? await engine.step()
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...60, using: &dice)))
        }
    }

    private func act(_ dice: inout SeededGenerator) throws {
        let now = Date().addingTimeInterval(plan.clockOffset)
        let scope = "group:\(plan.group)"
        let items = try store.entities("planItem", in: scope).map { try $0.decode(PlanItem.self) }
        let options = try store.entities("option", in: scope).map { try $0.decode(StayOption.self) }
        let item = items.randomElement(using: &dice)
        let option = options.randomElement(using: &dice)
        let id = UUID()
        let name: String
        var text: String?
        let arguments: any Encodable
        switch (Int.random(in: 0..<20, using: &dice), item, option) {
        case (0...4, _, _), (_, nil, _):
            name = "planItem.add@1"
            let rank = try? Rank.between(items.map(\.rank).max(), nil)
            let list = PlanItem.List.allCases.randomElement(using: &dice) ?? .plan
            let request = PlanItemRequest(id: .init(UUID()), list: list, title: "Item \(id)", rank: rank)
            arguments = GroupArguments(groupId: plan.group, request: request)
        case (5...9, let item?, _):
            name = "planItem.change@1"
            let sorted = items.map(\.rank).sorted()
            let change =
                Bool.random(using: &dice)
                ? PlanItemChange(base: item.version, title: "Title \(id)", isDone: Bool.random(using: &dice))
                : PlanItemChange(base: item.version, rank: (try? Rank.between(nil, sorted.first)) ?? .first)
            arguments = ChangeArguments(groupId: plan.group, id: item.id, request: change)
        case (10, let item?, _):
            name = "planItem.delete@1"
            arguments = ThingArguments<PlanItem>(groupId: plan.group, id: item.id)
        case (11...12, let item?, _):
            name = "planItem.attend@1"
            let reply = ReplyRequest(reply: Reply.allCases.randomElement(using: &dice))
            arguments = ChangeArguments(groupId: plan.group, id: item.id, request: reply)
        case (13, _, nil):
            name = "option.propose@1"
            let start = LocalDate(daysSince1970: 25_000)
            guard let stay = Stay(from: start, to: start.adding(days: 3)), let park = GuestModels.Park.ID(plan.park),
                let cottage = Cottage.ID(plan.cottage)
            else { return }
            let request = StayOptionRequest(
                id: .init(UUID()),
                parkId: park,
                stay: stay,
                cottages: [.init(cottage: cottage)]
            )
            arguments = GroupArguments(groupId: plan.group, request: request)
        case (13...15, _, let option?):
            name = "option.vote@1"
            let reply = ReplyRequest(reply: Reply.allCases.randomElement(using: &dice))
            arguments = ChangeArguments(groupId: plan.group, id: option.id, request: reply)
        default:
            name = "message.write@1"
            // The message has no id, so a message that was stored twice is visible.
            text = "said \(id)"
            arguments = GroupArguments(groupId: plan.group, request: MessageRequest(text: text ?? ""))
        }
        try store.perform(name, arguments, at: now, id: id)
        try journal.write(.did(id: id, name: name, text: text))
    }
}

extension SyncAnswer {
    init(_ response: HTTPClientResponse, _ body: Data) {
        let headers = response.headers.map { ($0.name.lowercased(), $0.value) }
        self.init(
            status: Int(response.status.code),
            headers: Dictionary(headers) { first, _ in first },
            body: body
        )
    }
}
