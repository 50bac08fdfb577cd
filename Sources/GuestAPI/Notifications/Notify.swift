import Foundation
import GuestModels
import Postgres

extension Notice {
    /// Queues the notice for the people it concerns, once the transaction has committed.
    ///
    /// The guest who acts is not told. A notice that no phone would show costs nothing.
    ///
    /// - Parameter author: the guest who caused the notice, if a job queues it later.
    func notify(about subject: Subject, causedBy author: Guest.ID? = nil, _ act: Act) throws {
        // When the desk acts in a guest's name, the guest is told like everybody else.
        let actor = act.tx.principal == act.principal.setting ? act.principal.guestID : nil
        let job = Notify(notice: self, subject: subject, actor: (author ?? actor)?.uuid, at: act.now)
        act.tx.later([NoticeSQL.insert(act.id(), job, arguments: try JSONText(encoding: job), at: act.now)])
        act.tx.record(WorkBell.Ring(queue: Notify.queue))
    }
}

extension Booking {
    /// Tells the group of the booking; does nothing for a booking without a group.
    func notify(_ notice: Notice, _ act: Act) throws {
        guard let groupId else { return }
        try notice.notify(about: .init(group: groupId, booking: id, park: parkId), act)
    }
}

extension Notice {
    /// The earliest time at which phones may show the notice: now, or when the park's guests wake.
    fileprivate func due(at now: Date, _ nights: (timeZone: String, rules: HouseRules)?) throws -> Date {
        guard rule.waitsForMorning, let nights else { return now }
        return (nights.rules.quietHours ?? .usual).end(after: now, try ParkClock(stored: nights.timeZone))
    }
}

/// The job that finds the phones for a notice, and queues a `SendNotice` for each.
///
/// The job goes by the state at the time when it runs, and by the park's quiet hours.
struct Notify: Work {
    static let kind = "notify"
    static let queue = Job.Queue.effects

    let notice: Notice
    let subject: Notice.Subject
    let actor: UUID?
    let at: Date

    func finish(_ act: Act) async throws {
        let nights = try await act.tx.first(NoticeSQL.nights(of: subject, at: act.now))
        let due = try notice.due(at: act.now, nights)
        for session in try await act.tx.all(NoticeSQL.sessions(self, at: act.now)) {
            let send = SendNotice(session: session, notice: notice, subject: subject, at: at)
            // A phone shows one notice of a thread, so one waiting job is enough.
            try Job.enqueue(send, key: "\(session) \(subject.thread(of: notice))", at: due, act)
        }
    }
}

/// A notice for one phone, in the outbox.
///
/// The job holds no names and words; they are looked up when the notice is sent.
struct SendNotice: Work {
    static let kind = "sendNotice"
    static let queue = Job.Queue.push
    static let patience = (tries: 100, pause: TimeInterval(600))

    let session: Session.ID
    let notice: Notice
    let subject: Notice.Subject
    let at: Date

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let now = app.now()
        // A notice that waits for the morning stays valid for a day longer.
        let end = at.addingTimeInterval(notice.rule.lifetime + (notice.rule.waitsForMorning ? 86400 : 0))
        guard now < end else { return }
        let query = NoticeSQL.address(of: session, for: self, at: now)
        let (addresses, nights) = try await app.database.read(as: Self.kind) { reader in
            try await reader.all(query, NoticeSQL.nights(of: subject, at: now))
        }
        guard let address = addresses.first else { return }
        // A late try may fall into the quiet hours. Throw, so that a later try sends the notice soon after them.
        guard try notice.due(at: now, nights.first) == now else { throw PushMessage.Failure.night }
        let (title, body) = notice.text(group: address.group, park: address.park, number: address.number)
        let message = PushMessage(
            id: job,
            title: title[address.language],
            body: body[address.language],
            thread: subject.thread(of: notice),
            notice: notice,
            subject: subject,
            expiresAt: end
        )
        do {
            switch address.token.service {
            case .apns:
                guard let apns = app.apns else { return try await spool(message, for: address, app) }
                try await apns.send(message, to: address.token.token, at: now)
            case .fcm:
                guard let fcm = app.fcm else { return try await spool(message, for: address, app) }
                try await fcm.send(message, to: address.token.token, at: now)
            }
        } catch PushMessage.Failure.unknownToken(let since) {
            try await app.database.transaction(as: Self.kind) { tx in
                try await tx.run(NoticeSQL.forget(address, unlessSince: since))
            }
        }
    }

    /// Writes the notice to a file when no service is set up: `push/<person>/<job>.json` in the state folder.
    private func spool(_ message: PushMessage, for address: NoticeSQL.Address, _ app: AppEnvironment) async throws {
        let file = SpooledPush(service: address.token.service, token: address.token.token, message: message)
        try await Spool(app.settings, "push").put(
            Data(try ResponseEncoder.encode(file)),
            to: address.person.uuidString.lowercased(),
            as: "\(message.id).json"
        )
    }
}

/// The content of a spooled notice file.
struct SpooledPush: Codable, Sendable {
    let service: PushToken.Service
    let token: String
    let message: PushMessage
}

extension QuietHours {
    /// The quiet hours of a park that has set none.
    static let usual = QuietHours(from: LocalTime(constant: "22:00"), until: LocalTime(constant: "08:00"))
}

extension PersonalData {
    /// The services of a guest's phones, the muted categories, and the spooled notices.
    static let notices = PersonalData(
        name: "notices",
        export: { guest, act in
            struct Export: Encodable, Sendable {
                let pushServices: [String]
                let muted: [Notice.Category]
            }
            return Export(
                pushServices: try await act.tx.all(NoticeSQL.services(of: guest)),
                muted: try await act.tx.first(NoticeSQL.preferences(of: guest))?.muted ?? []
            )
        },
        erase: { guest, act in
            // The tokens go with the sessions.
            try await act.tx.run(NoticeSQL.erasePreferences(of: guest))
            let folder = Spool.folder(of: guest.uuid.uuidString)
            try Job.enqueue(EraseSpool(folder: folder), at: act.now, act)
        }
    )
}
