import Foundation
import GuestModels
import Postgres
import Sync

/// What a phone may do offline: names of mutations and the verbs they reach, the same that routes call.
///
/// A name is never given another meaning: what changes gets another number behind the `@`, and the old one stays for a
/// year.
enum Mutations {
    /// A mutation as a phone sent it.
    struct Sent: Sendable {
        let bytes: [UInt8]
        /// By the phone's clock, but not later than now, and later than what the same phone did before.
        let madeAt: Date
        let now: Date

        /// Throws `BadRequest` for arguments that are none of the verb's.
        func arguments<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try RequestDecoder.decode(type, from: bytes, at: now)
        }
    }

    struct Verb: Sendable {
        typealias Results = [Result<Outcome.Result, any Error>]

        /// Whether mutations that follow each other are done together.
        let takesSeveral: Bool
        let run: @Sendable ([Sent], Act) async throws -> Results

        init(_ one: @escaping @Sendable (Sent, Act) async throws -> Outcome.Result) {
            takesSeveral = false
            run = { all, act in
                var results: Results = []
                for sent in all { results.append(.success(try await one(sent, act))) }
                return results
            }
        }

        /// - Parameter several: does all of them; the result is the same as of one after the other.
        init(several: @escaping @Sendable ([Sent], Act) async throws -> Results) {
            takesSeveral = true
            run = several
        }
    }

    /// What is done together, in the order of the mutations; all of a run have one name.
    static func runs(of mutations: [Mutation]) -> [[Mutation]] {
        var runs: [[Mutation]] = []
        for mutation in mutations {
            if let last = runs.indices.last, runs[last].first?.name == mutation.name,
                all[mutation.name]?.takesSeveral == true
            {
                runs[last].append(mutation)
            } else {
                runs.append([mutation])
            }
        }
        return runs
    }

    /// The items that several runs, or items of several groups, want together are locked in one order before any of them
    /// begins; a run within a group locks its own.
    static func locks(for runs: [[Mutation]], by guest: Guest.ID) -> [Command] {
        let ofItems = runs.filter { run in
            run.first.map { $0.name.hasPrefix("planItem.") && !$0.name.hasPrefix("planItem.add") } ?? false
        }
        let items = ofItems.joined().compactMap { mutation in
            try? JSONDecoder().decode(ThingArguments<PlanItem>.self, from: Data(mutation.arguments.utf8))
        }
        guard ofItems.count > 1 || Set(items.map(\.groupId)).count > 1 else { return [] }
        return [PlanningSQL.lock(items.map(\.id), of: guest)]
    }

    static let all = Dictionary(
        uniqueKeysWithValues: [planning, messages, others].joined().map { ($0.key, $0.value) }
    )

    private static let others: [String: Verb] = [
        "booking.setArrivalTime@1": Verb { sent, act in
            let arguments: ArrivalTime = try sent.arguments()
            let id = arguments.bookingId
            let request = ArrivalTimeRequest(time: arguments.time)
            _ = try await Booking.setArrivalTime(request, of: id, act)
            return .applied
        },
        "guest.change@1": Verb { sent, act in
            guard let guest = act.principal.guestID else { throw Refusal.forbidden }
            let arguments: GuestChange = try sent.arguments()
            _ = try await Guest.change(guest, arguments.change, expecting: arguments.version, in: act.tx)
            return .applied
        },
    ]

    private struct ArrivalTime: Decodable {
        let bookingId: Booking.ID
        let time: LocalTime
    }

    private struct GuestChange: Decodable, Checked {
        let version: Int
        let change: ProfileChange

        func check(_ check: inout Check) { change.check(&check) }
    }

    // MARK: Planning

    private static let planning: [String: Verb] = [
        "option.propose@1": Verb { sent, act in
            let new: GroupArguments<StayOptionRequest> = try sent.arguments()
            _ = try await StayOption.propose(new.request, to: new.groupId, act)
            return .applied
        },
        "option.withdraw@1": Verb { sent, act in
            let option: ThingArguments<StayOption> = try sent.arguments()
            try await StayOption.withdraw(option.id, in: option.groupId, act)
            return .applied
        },
        "option.vote@1": Verb { sent, act in
            let option: ChangeArguments<StayOption, ReplyRequest> = try sent.arguments()
            return try await StayOption.vote(option.request, on: option.id, in: option.groupId, act.at(sent.madeAt))
        },
        "option.attend@1": Verb { sent, act in
            let option: ChangeArguments<StayOption, ReplyRequest> = try sent.arguments()
            return try await StayOption.attend(option.request, option.id, in: option.groupId, act.at(sent.madeAt))
        },
        "option.promote@1": Verb { sent, act in
            let option: ChangeArguments<StayOption, PromotionRequest> = try sent.arguments()
            _ = try await StayOption.promote(option.id, in: option.groupId, option.request, act)
            return .applied
        },
        "planItem.add@1": Verb { sent, act in
            let new: GroupArguments<PlanItemRequest> = try sent.arguments()
            _ = try await PlanItem.add(new.request, to: new.groupId, act)
            return .applied
        },
        "planItem.change@1": Verb(several: change),
        "planItem.undo@1": Verb { sent, act in
            let item: ChangeArguments<PlanItem, UndoRequest> = try sent.arguments()
            return try await PlanItem.undo(item.request, of: item.id, in: item.groupId, act)
        },
        "planItem.delete@1": Verb { sent, act in try await setDeleted(true, sent, act) },
        "planItem.restore@1": Verb { sent, act in try await setDeleted(false, sent, act) },
        "planItem.attend@1": Verb { sent, act in
            let item: ChangeArguments<PlanItem, ReplyRequest> = try sent.arguments()
            return try await PlanItem.attend(item.request, item.id, in: item.groupId, act.at(sent.madeAt))
        },
    ]

    private static func change(_ all: [Sent], _ act: Act) async throws -> Verb.Results {
        typealias Arguments = ChangeArguments<PlanItem, PlanItemChange>
        let items = all.map { sent in Result { try sent.arguments(Arguments.self) } }
        var results: Verb.Results = items.map { $0.map { _ in .noop } }
        let ofGroups = Dictionary(grouping: items.indices) { (try? items[$0].get())?.groupId }
        for case (let group?, let places) in ofGroups.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
            let done = try await PlanItem.change(
                places.compactMap { try? items[$0].get() }.map { ($0.id, $0.request) },
                in: group,
                act
            )
            for (place, result) in zip(places, done) { results[place] = result }
        }
        return results
    }

    private static func setDeleted(_ isDeleted: Bool, _ sent: Sent, _ act: Act) async throws -> Outcome.Result {
        let item: ThingArguments<PlanItem> = try sent.arguments()
        return try await PlanItem.setDeleted(isDeleted, item.id, in: item.groupId, act)
    }

    // MARK: Messages

    private static let messages: [String: Verb] = [
        "topic.open@1": Verb { sent, act in
            let new: GroupArguments<TopicRequest> = try sent.arguments()
            _ = try await Topic.open(new.request, in: new.groupId, saidAt: sent.madeAt, act)
            return .applied
        },
        "topic.write@1": Verb { sent, act in
            let said: ChangeArguments<Topic, MessageRequest> = try sent.arguments()
            _ = try await Topic.write(said.request, in: said.id, of: said.groupId, saidAt: sent.madeAt, act)
            return .applied
        },
        "topic.close@1": Verb { sent, act in
            let topic: ThingArguments<Topic> = try sent.arguments()
            return try await Topic.close(topic.id, of: topic.groupId, act)
        },
        "message.write@1": Verb { sent, act in
            let said: GroupArguments<MessageRequest> = try sent.arguments()
            _ = try await Message.write(said.request, in: said.groupId, saidAt: sent.madeAt, act)
            return .applied
        },
        "message.takeBack@1": Verb { sent, act in
            let message: ThingArguments<Message> = try sent.arguments()
            try await Message.takeBack(message.id, in: message.groupId, act)
            return .applied
        },
    ]
}
