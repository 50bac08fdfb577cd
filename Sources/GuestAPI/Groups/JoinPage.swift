import GuestModels

/// The page that the link of an invitation shows in a browser without the app.
enum JoinPage {
    static func show(_ code: String, at url: String, in language: Language) -> Answer {
        let title = LocalizedText(
            en: "You are invited to a group",
            nl: "Je bent uitgenodigd voor een groep",
            de: "Du bist in eine Gruppe eingeladen"
        )
        let text = LocalizedText(
            en: "Open the app, sign in, and type this code:",
            nl: "Open de app, log in en typ deze code:",
            de: "Öffne die App, melde dich an und tippe diesen Code:"
        )
        return .page(
            title[language],
            "<p>\(text[language])</p><p><code>\(ReadableCode.grouped(code))</code></p>\(SignInPage.onPhone(url, in: language))",
            in: language
        )
    }
}
