import GuestModels
import HTTPTypes

/// The page that the link in a mail shows in a browser without the app.
enum SignInPage {
    /// The page asks before it does anything, because mail programs open links by themselves.
    static func ask(_ url: String, in language: Language) -> Answer {
        let title = LocalizedText(en: "Sign in", nl: "Inloggen", de: "Anmelden")
        let text = LocalizedText(
            en: "Open the app on the device you want to sign in. It asks for a code, which this button shows.",
            nl: "Open de app op het apparaat waarmee je wilt inloggen. Die vraagt om een code; deze knop toont hem.",
            de:
                "Öffne die App auf dem Gerät, das du anmelden willst. Sie fragt nach einem Code; dieser Knopf zeigt ihn."
        )
        let button = LocalizedText(en: "Show the code", nl: "Toon de code", de: "Code zeigen")
        return .page(
            title[language],
            """
            <p>\(text[language])</p><form method="post"><button>\(button[language])</button></form>\
            \(onPhone(url, in: language))
            """,
            in: language
        )
    }

    static func show(_ code: String, in language: Language) -> Answer {
        let title = LocalizedText(en: "Your code", nl: "Je code", de: "Dein Code")
        let text = LocalizedText(
            en: "Type it into the app. It works once. Give it to nobody: it signs in whoever types it.",
            nl: "Typ hem in de app. Hij werkt één keer. Geef hem aan niemand: wie hem typt, is ingelogd.",
            de: "Tippe ihn in die App. Er gilt einmal. Gib ihn niemandem: Wer ihn eintippt, ist angemeldet."
        )
        return .page(title[language], "<p><code>\(code)</code></p><p>\(text[language])</p>", in: language)
    }

    static func over(in language: Language) -> Answer {
        let title = LocalizedText(
            en: "This link no longer works",
            nl: "Deze link werkt niet meer",
            de: "Dieser Link gilt nicht mehr"
        )
        let text = LocalizedText(
            en: "Ask for a new one in the app.",
            nl: "Vraag in de app een nieuwe.",
            de: "Fordere in der App einen neuen an."
        )
        return .page(title[language], "<p>\(text[language])</p>", in: language, .gone)
    }

    /// A QR code of the page's address, with which a person can open the page on a phone.
    static func onPhone(_ url: String, in language: Language) -> HTML? {
        let text = LocalizedText(
            en: "Or open this page on your phone:",
            nl: "Of open deze pagina op je telefoon:",
            de: "Oder öffne diese Seite auf deinem Telefon:"
        )
        return HTML.code(of: url, described: text[language]).map { "<p>\(text[language])</p>\($0)" }
    }
}
