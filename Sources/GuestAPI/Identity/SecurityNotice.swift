import Foundation
import GuestModels
import Postgres

/// News that the owner of a mail address must hear, at most once a day.
///
/// The guest or colleague with the address gets the notice. For a colleague's address, head office gets it too.
enum SecurityNotice: String, Codable, Sendable {
    /// Strangers have guessed codes of the address, so that unknown devices need the link in the mail.
    case codesGuessed
    /// A copy of a device's token came; the device was signed out.
    case tokenCopied

    /// Queues the mails, unless the same notice about the address was sent within a day.
    ///
    /// - Parameter email: nil for a guest without mail, who cannot be told.
    func send(to email: String?, _ act: Act) async throws {
        guard let email else { return }
        let readers = try await act.tx.all(SignInSQL.readersOfSecurity(about: email))
        guard !readers.isEmpty,
            try await act.tx.first(SignInSQL.begin(self, about: email, at: act.now)) != nil
        else { return }
        for reader in readers {
            try Job.enqueue(
                Mail(to: reader.email, language: reader.language, letter: .security(self)),
                at: act.now,
                act
            )
        }
    }

    var text: (subject: LocalizedText, body: LocalizedText) {
        switch self {
        case .codesGuessed:
            (
                LocalizedText(
                    en: "Somebody is guessing sign-in codes",
                    nl: "Iemand raadt inlogcodes",
                    de: "Jemand rät Anmeldecodes"
                ),
                LocalizedText(
                    en:
                        "Wrong sign-in codes were typed many times for an account you look after. Nobody got in. For a day, devices that were never signed in need the link in our mail; the code alone does not do.",
                    nl:
                        "Voor een account waar jij op let zijn vaak verkeerde inlogcodes getypt. Niemand is binnengekomen. Een dag lang hebben apparaten die nooit waren ingelogd de link in onze mail nodig; de code alleen werkt niet.",
                    de:
                        "Für ein Konto, auf das du achtest, wurden oft falsche Anmeldecodes eingetippt. Niemand kam hinein. Einen Tag lang brauchen Geräte, die nie angemeldet waren, den Link in unserer Mail; der Code allein reicht nicht."
                )
            )
        case .tokenCopied:
            (
                LocalizedText(
                    en: "We have signed out a device",
                    nl: "We hebben een apparaat uitgelogd",
                    de: "Wir haben ein Gerät abgemeldet"
                ),
                LocalizedText(
                    en:
                        "What a device uses to stay signed in was used a second time, as if somebody had copied it. We have signed that device out. Sign in anew, and look under your profile for devices that you do not know.",
                    nl:
                        "Waarmee een apparaat ingelogd blijft, is een tweede keer gebruikt, alsof iemand het gekopieerd heeft. We hebben dat apparaat uitgelogd. Log opnieuw in en kijk bij je profiel of er apparaten zijn die je niet kent.",
                    de:
                        "Womit ein Gerät angemeldet bleibt, wurde ein zweites Mal benutzt, als hätte es jemand kopiert. Wir haben dieses Gerät abgemeldet. Melde dich neu an, und sieh in deinem Profil nach Geräten, die du nicht kennst."
                )
            )
        }
    }
}
