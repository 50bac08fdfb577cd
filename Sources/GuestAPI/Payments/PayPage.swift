import GuestModels
import HTTPTypes

/// What the link in a mail shows in a browser.
enum PayPage {
    /// - Parameter refusal: why the button could not do what it says.
    static func answer(_ view: PayLinkView, refusing refusal: Refusal? = nil, in language: Language) -> Answer {
        let isOpen = view.open.amount > 0
        let title = LocalizedText(
            en: isOpen ? "Still to pay: \(view.open.plainText)" : "Nothing is left to pay. Thank you!",
            nl: isOpen
                ? "Nog te betalen: \(view.open.plainText)" : "Er hoeft niets meer te worden betaald. Dank je wel!",
            de: isOpen ? "Noch zu zahlen: \(view.open.plainText)" : "Es ist nichts mehr zu zahlen. Vielen Dank!"
        )
        let about = LocalizedText(
            en:
                "\(view.household), booking \(view.number) at \(view.park), \(view.stay.arrival) to \(view.stay.departure)",
            nl:
                "\(view.household), boeking \(view.number) bij \(view.park), \(view.stay.arrival) tot \(view.stay.departure)",
            de:
                "\(view.household), Buchung \(view.number) im \(view.park), \(view.stay.arrival) bis \(view.stay.departure)"
        )
        let button = LocalizedText(en: "Pay", nl: "Betalen", de: "Bezahlen")
        let form =
            isOpen && !view.methods.isEmpty
            ? "<form method=\"post\"><button>\(button[language])</button></form>" : ""
        let told = refusal.map { "<p><strong>\(escaped($0.message[language]))</strong></p>" } ?? ""
        let page = """
            <!doctype html><html lang="\(language.rawValue)"><meta charset="utf-8">
            <meta name="viewport" content="width=device-width"><title>Voorpret</title>
            <style>
            body { font: 18px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 4rem auto; padding: 0 1rem }
            button { font: inherit; padding: .6rem 1.6rem }
            </style>
            <h1>\(escaped(title[language]))</h1><p>\(escaped(about[language]))</p>\(told)\(form)</html>
            """
        return Answer(
            status: refusal == nil ? .ok : .conflict,
            headers: [
                HTTPField(name: .contentType, value: "text/html; charset=utf-8"),
                HTTPField(name: .cacheControl, value: "no-store"),
                // The address is the secret: it must not travel on.
                HTTPField(name: .referrerPolicy, value: "no-referrer"),
                HTTPField(
                    name: .contentSecurityPolicy,
                    value: "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
                ),
            ],
            body: Array(page.utf8)
        )
    }

    static func redirect(to address: String) -> Answer {
        Answer(
            status: .seeOther,
            headers: [
                HTTPField(name: .location, value: address), HTTPField(name: .cacheControl, value: "no-store"),
                HTTPField(name: .referrerPolicy, value: "no-referrer"),
            ],
            body: []
        )
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}

extension HTTPField.Name {
    // Constant tokens, so they are valid.
    static let stripeSignature = HTTPField.Name("Stripe-Signature") ?? .server
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .server
}
