import Crypto
import Foundation
import GuestModels

/// A mail in the outbox.
///
/// It holds what the letter needs and no secret: a code is derived when it is sent.
struct Mail: Work {
    static let kind = "mail"
    static let queue = Job.Queue.mail

    enum Letter: Codable, Sendable {
        case code(attempt: CodeRequest.AttemptID)
        /// To the address that a guest wants to use from now on.
        case mailChangeAsked(change: MailChange.ID)
        /// To the address that they have used so far.
        case mailChangeAnnounced(change: MailChange.ID, due: LocalDate)
        case security(SecurityNotice)
        case bookingConfirmed(number: String, park: String, stay: Stay)
        case holdExpired(number: String, park: String)
        /// - Parameter alternatives: names of types that are free for the same days, `[]` if none are; nil unless the park
        ///   has cancelled.
        case bookingCancelled(number: String, park: String, isByPark: Bool, alternatives: [String]?)
        case moneyReceived(number: String, park: String, amount: Money, open: Money)
        case moneyReturned(number: String, park: String, amount: Money)
        case moneyTakenBack(number: String, park: String, amount: Money)
        case shareAsked(number: String, park: String, amount: Money, asked: Money)
        case shareDue(number: String, park: String, open: Money, due: LocalDate, link: PayLink.ID?)
        case shareOverdue(
            number: String,
            park: String,
            household: String,
            open: Money,
            due: LocalDate,
            link: PayLink.ID?
        )
    }

    let to: String
    let language: Language
    let letter: Letter

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let (subject, body) = text(app)
        let message = MailMessage(
            id: job.description,
            from: app.settings.mailFrom,
            to: to,
            subject: subject[language],
            body: body[language],
            date: app.now()
        )
        switch app.settings.mail {
        case .spool: try await Spool(app.settings, "mail").put(message)
        case .command(let command): try await MailCommand(command).send(message)
        case .smtp(let host, let port): try await SMTP(host: host, port: port).send(message)
        }
    }

    /// Where one can pay without an account, as the last lines of a letter.
    private static func invitation(_ link: PayLink.ID?, _ app: AppEnvironment) -> LocalizedText {
        guard let url = link.map({ PayLink.url(of: $0, app) }) else { return LocalizedText(en: "", nl: "", de: "") }
        return LocalizedText(
            en: "\n\nPay it here, without signing in; the link is for this share alone:\n\(url)",
            nl: "\n\nBetaal het hier, zonder in te loggen; de link is alleen voor dit deel:\n\(url)",
            de: "\n\nHier kannst du ohne Anmeldung bezahlen; der Link gilt nur für diesen Anteil:\n\(url)"
        )
    }

    private func text(_ app: AppEnvironment) -> (subject: LocalizedText, body: LocalizedText) {
        switch letter {
        case .code(let attempt):
            let code = CodeRequest.code(of: attempt, app.secret)
            let link = SignInLink.url(of: attempt, app)
            return (
                // No code: subjects stand on locked screens and in the logs of mail servers.
                LocalizedText(en: "Your sign-in code", nl: "Je inlogcode", de: "Dein Anmeldecode"),
                LocalizedText(
                    en:
                        "Your sign-in code is \(code).\n\nIt works for ten minutes, on the device that asked for it. If that was not you, do nothing.\n\nTo sign in on another device, open this link there; it works once, for two hours:\n\(link)",
                    nl:
                        "Je inlogcode is \(code).\n\nDe code werkt tien minuten, op het apparaat dat erom vroeg. Was jij dat niet? Dan hoef je niets te doen.\n\nOp een ander apparaat inloggen? Open deze link daar; hij werkt één keer, twee uur lang:\n\(link)",
                    de:
                        "Dein Anmeldecode ist \(code).\n\nEr gilt zehn Minuten, auf dem Gerät, das ihn angefordert hat. Warst du das nicht, musst du nichts tun.\n\nUm dich auf einem anderen Gerät anzumelden, öffne dort diesen Link; er gilt einmal, zwei Stunden lang:\n\(link)"
                )
            )
        case .mailChangeAsked(let change):
            let code = MailChange.code(of: change, .new, app.secret)
            return (
                LocalizedText(
                    en: "Is this your new address?",
                    nl: "Is dit je nieuwe adres?",
                    de: "Ist das deine neue Adresse?"
                ),
                LocalizedText(
                    en:
                        "Type this code into the app, and we will write to this address from now on: \(code).\n\nIf you did not ask for it, do nothing.",
                    nl:
                        "Typ deze code in de app, dan schrijven we voortaan naar dit adres: \(code).\n\nHeb je hier niet om gevraagd? Dan hoef je niets te doen.",
                    de:
                        "Tippe diesen Code in die App, und wir schreiben künftig an diese Adresse: \(code).\n\nHast du das nicht gewollt, musst du nichts tun."
                )
            )
        case .mailChangeAnnounced(let change, let due):
            let code = MailChange.code(of: change, .old, app.secret)
            return (
                LocalizedText(
                    en: "Your mail address is to change",
                    nl: "Je mailadres gaat veranderen",
                    de: "Deine Mailadresse soll sich ändern"
                ),
                LocalizedText(
                    en:
                        "Somebody who is signed in as you wants to use another mail address. With this code it changes at once: \(code). Without it, it changes on \(due).\n\nIf that was not you, sign in with this address, stop the change under your profile, and sign out the devices that you do not know.",
                    nl:
                        "Iemand die als jou is ingelogd wil een ander mailadres gebruiken. Met deze code verandert het meteen: \(code). Zonder de code verandert het op \(due).\n\nWas jij dat niet? Log in met dit adres, stop de wijziging bij je profiel en log apparaten uit die je niet kent.",
                    de:
                        "Jemand, der als du angemeldet ist, möchte eine andere Mailadresse verwenden. Mit diesem Code ändert sie sich sofort: \(code). Ohne ihn ändert sie sich am \(due).\n\nWarst du das nicht, melde dich mit dieser Adresse an, stoppe die Änderung in deinem Profil und melde Geräte ab, die du nicht kennst."
                )
            )
        case .security(let notice): return notice.text
        case .bookingConfirmed(let number, let park, let stay):
            return (
                LocalizedText(
                    en: "Booking \(number) is confirmed",
                    nl: "Boeking \(number) is bevestigd",
                    de: "Buchung \(number) ist bestätigt"
                ),
                LocalizedText(
                    en:
                        "See you at \(park), from \(stay.arrival) to \(stay.departure). Your booking number is \(number).",
                    nl:
                        "Tot ziens bij \(park), van \(stay.arrival) tot \(stay.departure). Je boekingsnummer is \(number).",
                    de:
                        "Bis bald im \(park), vom \(stay.arrival) bis \(stay.departure). Deine Buchungsnummer ist \(number)."
                )
            )
        case .bookingCancelled(let number, let park, let isByPark, let alternatives):
            let offers = (alternatives ?? []).joined(separator: ", ")
            let instead =
                offers.isEmpty
                ? LocalizedText(en: "", nl: "", de: "")
                : LocalizedText(
                    en: " For the same days it has free: \(offers).",
                    nl: " Voor dezelfde dagen is nog vrij: \(offers).",
                    de: " Für dieselben Tage ist noch frei: \(offers)."
                )
            let whose = LocalizedText(
                en: isByPark
                    ? "The park had to cancel it; you owe nothing for it.\(instead.english)"
                    : "What is owed for it stands in the app.",
                nl: isByPark
                    ? "Het park moest haar annuleren; je bent er niets voor verschuldigd.\(instead.dutch)"
                    : "Wat ervoor verschuldigd is, staat in de app.",
                de: isByPark
                    ? "Der Park musste sie stornieren; du schuldest dafür nichts.\(instead.german)"
                    : "Was dafür zu zahlen ist, steht in der App."
            )
            return (
                LocalizedText(
                    en: "Booking \(number) is cancelled",
                    nl: "Boeking \(number) is geannuleerd",
                    de: "Buchung \(number) ist storniert"
                ),
                LocalizedText(
                    en: "Your stay at \(park) is cancelled. \(whose.english)",
                    nl: "Je verblijf bij \(park) is geannuleerd. \(whose.dutch)",
                    de: "Dein Aufenthalt im \(park) ist storniert. \(whose.german)"
                )
            )
        case .moneyReceived(let number, let park, let amount, let open):
            let paid = amount.plainText
            return (
                LocalizedText(
                    en: "We have received \(paid)",
                    nl: "We hebben \(paid) ontvangen",
                    de: "Wir haben \(paid) erhalten"
                ),
                LocalizedText(
                    en:
                        "\(paid) has come in for booking \(number) at \(park). Of your share \(open.plainText) is open.",
                    nl:
                        "Voor boeking \(number) bij \(park) is \(paid) binnen. Van jouw deel staat \(open.plainText) open.",
                    de:
                        "Für Buchung \(number) im \(park) sind \(paid) eingegangen. Von deinem Anteil sind \(open.plainText) offen."
                )
            )
        case .moneyReturned(let number, let park, let amount):
            return (
                LocalizedText(
                    en: "\(amount.plainText) is on its way back to you",
                    nl: "\(amount.plainText) komt naar je terug",
                    de: "\(amount.plainText) kommen zu dir zurück"
                ),
                LocalizedText(
                    en: "We have given back \(amount.plainText) of booking \(number) at \(park), the way it was paid.",
                    nl:
                        "We hebben \(amount.plainText) van boeking \(number) bij \(park) teruggegeven, zoals het betaald was.",
                    de:
                        "Wir haben \(amount.plainText) der Buchung \(number) im \(park) zurückgegeben, wie es bezahlt wurde."
                )
            )
        case .moneyTakenBack(let number, let park, let amount):
            return (
                LocalizedText(
                    en: "\(amount.plainText) of booking \(number) has been taken back",
                    nl: "\(amount.plainText) van boeking \(number) is teruggehaald",
                    de: "\(amount.plainText) der Buchung \(number) wurden zurückgeholt"
                ),
                LocalizedText(
                    en:
                        "Your bank has taken back \(amount.plainText) for \(park). Your share is open again until this is settled.",
                    nl:
                        "Je bank heeft \(amount.plainText) voor \(park) teruggehaald. Jouw deel staat weer open tot dit is opgelost.",
                    de:
                        "Deine Bank hat \(amount.plainText) für \(park) zurückgeholt. Dein Anteil ist wieder offen, bis das geklärt ist."
                )
            )
        case .shareAsked(let number, let park, let amount, let asked):
            return (
                LocalizedText(
                    en: "Booking \(number): do you agree?",
                    nl: "Boeking \(number): ga je akkoord?",
                    de: "Buchung \(number): bist du einverstanden?"
                ),
                LocalizedText(
                    en:
                        "A change at \(park) would make your share \(asked.plainText) instead of \(amount.plainText). You owe no more until you agree in the app, or pay it.",
                    nl:
                        "Door een wijziging bij \(park) zou jouw deel \(asked.plainText) worden in plaats van \(amount.plainText). Je bent niet meer verschuldigd tot je in de app akkoord gaat, of het betaalt.",
                    de:
                        "Durch eine Änderung im \(park) wäre dein Anteil \(asked.plainText) statt \(amount.plainText). Du schuldest nicht mehr, bis du in der App zustimmst oder es bezahlst."
                )
            )
        case .shareDue(let number, let park, let open, let due, let link):
            let pay = Self.invitation(link, app)
            return (
                LocalizedText(
                    en: "Your share of booking \(number)",
                    nl: "Jouw deel van boeking \(number)",
                    de: "Dein Anteil an der Buchung \(number)"
                ),
                LocalizedText(
                    en: "\(open.plainText) of your share at \(park) is still open. It is due by \(due).\(pay.english)",
                    nl:
                        "Van jouw deel bij \(park) staat nog \(open.plainText) open. Betaal het uiterlijk \(due).\(pay.dutch)",
                    de:
                        "Von deinem Anteil im \(park) sind noch \(open.plainText) offen, fällig bis \(due).\(pay.german)"
                )
            )
        case .shareOverdue(let number, let park, let household, let open, let due, let link):
            let pay = Self.invitation(link, app)
            return (
                LocalizedText(
                    en: "Overdue: a share of booking \(number)",
                    nl: "Te laat: een deel van boeking \(number)",
                    de: "Überfällig: ein Anteil an der Buchung \(number)"
                ),
                LocalizedText(
                    en:
                        "\(open.plainText) of the share of \(household) at \(park) was due on \(due) and is still open. Whoever organises the stay answers for it in the end.\(pay.english)",
                    nl:
                        "Van het deel van \(household) bij \(park) staat nog \(open.plainText) open; het moest op \(due) betaald zijn. Wie het verblijf organiseert, staat er uiteindelijk voor in.\(pay.dutch)",
                    de:
                        "Vom Anteil von \(household) im \(park) sind noch \(open.plainText) offen, fällig war er am \(due). Wer den Aufenthalt organisiert, steht am Ende dafür ein.\(pay.german)"
                )
            )
        case .holdExpired(let number, let park):
            return (
                LocalizedText(
                    en: "The hold \(number) has run out",
                    nl: "De optie \(number) is verlopen",
                    de: "Die Vormerkung \(number) ist abgelaufen"
                ),
                LocalizedText(
                    en: "The cottages at \(park) are free again. You can choose them anew in the app.",
                    nl: "De huisjes bij \(park) zijn weer vrij. Je kunt ze in de app opnieuw kiezen.",
                    de: "Die Häuser im \(park) sind wieder frei. Du kannst sie in der App neu wählen."
                )
            )
        }
    }
}

/// One plain-text message (RFC 5322), UTF-8.
struct MailMessage: Sendable {
    let id: String
    let from: String
    let to: String
    let subject: String
    let body: String
    let date: Date

    /// With CRLF line ends.
    ///
    /// Every header value of ours is free of line breaks; the check keeps it so.
    var text: String {
        func clean(_ value: String) -> String { value.filter { !$0.isNewline } }
        let encodedSubject = "=?UTF-8?B?\(Data(clean(subject).utf8).base64EncodedString())?="
        let headers = [
            "From: \(clean(from))", "To: \(clean(to))", "Subject: \(encodedSubject)",
            "Date: \(Self.text(of: date))", "Message-ID: <\(id)@voorpret>",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
        ]
        let encoded = Data(body.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        return (headers + ["", encoded, ""]).joined(separator: "\r\n")
    }

    /// The date as in RFC 5322, section 3.3, in UTC.
    ///
    /// A `DateFormatter` for each mail took a tenth of the time of a thousand sign-ins.
    private static func text(of instant: Date) -> String {
        let date = LocalDate(daysSince1970: Int((instant.timeIntervalSince1970 / 86400).rounded(.down)))
        let seconds = Int(instant.timeIntervalSince1970.rounded(.down)) - date.daysSince1970 * 86400
        let (year, month, day) = date.components
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
        let weekday = date.weekday.rawValue.prefix(3).capitalized
        return "\(weekday), \(two(day)) \(months[month - 1]) \(year) \(time) +0000"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    var address: String {
        guard let open = to.lastIndex(of: "<") else { return to }
        return String(to[to.index(after: open)...].dropLast())
    }
}

/// The default: a file per mail or notice, `mail/<recipient>/<job>.eml` in the state folder.
///
/// Written whole and then renamed, and named after the job, so a repeat replaces it with the same.
struct Spool {
    private let root: URL

    /// - Parameter kind: `mail` or `push`.
    init(_ settings: Settings, _ kind: String) {
        root = URL(filePath: settings.stateFolder).appending(path: kind)
    }

    /// A recipient's folder says nothing about the address or id, so it can be erased by name.
    static func folder(of recipient: String) -> String {
        SHA256.hash(data: Data(recipient.lowercased().utf8)).prefix(8).map {
            String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }
        .joined()
    }

    func put(_ message: MailMessage) async throws {
        try await put(Data(message.text.utf8), to: message.address, as: "\(message.id).eml")
    }

    func put(_ data: Data, to recipient: String, as name: String) async throws {
        let folder = root.appending(path: Self.folder(of: recipient))
        try await Files.run {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try data.write(to: folder.appending(path: name), options: .atomic)
        }
    }

    /// Deletes files of jobs that were made before an instant, and folders that are empty then.
    func forget(before then: Date) async throws {
        try await Files.run {
            let files = FileManager.default
            for folder in (try? files.contentsOfDirectory(at: root, includingPropertiesForKeys: nil)) ?? [] {
                let written = (try? files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
                for file in written {
                    let job = Job.ID(file.deletingPathExtension().lastPathComponent)
                    if let made = job?.madeAt, made < then { try? files.removeItem(at: file) }
                }
                // A folder in use is not empty, and stays.
                if written.isEmpty { rmdir(folder.path()) }
            }
        }
    }

    func erase(_ folder: String) async throws {
        try await Files.remove(root.appending(path: folder))
    }
}

/// Deletes what was spooled for somebody who has been erased.
struct EraseSpool: Work {
    static let kind = "eraseSpool"
    static let queue = Job.Queue.mail

    let folder: String

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        for kind in ["mail", "push"] { try await Spool(app.settings, kind).erase(folder) }
    }
}
