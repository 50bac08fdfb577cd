import Crypto
import Foundation
import GuestModels

/// A letter in all languages.
typealias LetterText = (subject: LocalizedText, body: LocalizedText)

extension Mail {
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

    private func text(_ app: AppEnvironment) -> LetterText {
        switch letter {
        case .code(let attempt): Self.code(attempt, app)
        case .mailChangeAsked(let change): Self.mailChangeAsked(change, app)
        case .mailChangeAnnounced(let change, let due): Self.mailChangeAnnounced(change, due, app)
        case .security(let notice): notice.text
        case .bookingConfirmed(let number, let park, let stay): Self.bookingConfirmed(number, park, stay)
        case .bookingCancelled(let number, let park, let isByPark, let alternatives):
            Self.bookingCancelled(number, park, isByPark, alternatives)
        case .moneyReceived(let number, let park, let amount, let open): Self.moneyReceived(number, park, amount, open)
        case .moneyReturned(let number, let park, let amount): Self.moneyReturned(number, park, amount)
        case .moneyTakenBack(let number, let park, let amount): Self.moneyTakenBack(number, park, amount)
        case .shareAsked(let number, let park, let amount, let asked): Self.shareAsked(number, park, amount, asked)
        case .shareDue(let number, let park, let open, let due, let link):
            Self.shareDue(number, park, open, due, link, app)
        case .shareOverdue(let number, let park, let household, let open, let due, let link):
            Self.shareOverdue(number, park, household, open, due, link, app)
        case .holdExpired(let number, let park): Self.holdExpired(number, park)
        }
    }
}
