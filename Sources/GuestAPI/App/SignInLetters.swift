import GuestModels

/// Letters about signing in and about addresses.
extension Mail {
    static func code(_ attempt: CodeRequest.AttemptID, _ app: AppEnvironment) -> LetterText {
        let code = CodeRequest.code(of: attempt, app.secret)
        let link = SignInLink.url(of: attempt, app)
        return (
            // The subject has no code, because locked screens and the logs of mail servers show subjects.
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
    }

    static func mailChangeAsked(_ change: MailChange.ID, _ app: AppEnvironment) -> LetterText {
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
    }

    static func mailChangeAnnounced(_ change: MailChange.ID, _ due: LocalDate, _ app: AppEnvironment) -> LetterText {
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
    }
}
