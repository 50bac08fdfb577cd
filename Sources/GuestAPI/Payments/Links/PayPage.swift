import GuestModels
import HTTPTypes

/// The page that the link in a mail shows in a browser.
enum PayPage {
    /// - Parameters:
    ///   - url: the page's own address.
    ///   - refusal: the reason why the button did not work.
    static func answer(
        _ view: PayLinkView,
        at url: String,
        refusing refusal: Refusal? = nil,
        in language: Language
    ) -> Answer {
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
        let refused: HTML? = refusal.map { "<p><strong>\($0.message[language])</strong></p>" }
        let form: HTML? =
            isOpen && !view.methods.isEmpty
            ? "<form method=\"post\"><button>\(button[language])</button></form>\(SignInPage.onPhone(url, in: language))"
            : nil
        return .page(
            title[language],
            "<p>\(about[language])</p>\(refused)\(form)",
            in: language,
            refusal == nil ? .ok : .conflict
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
}

extension HTTPField.Name {
    // A constant token, so it is valid.
    static let stripeSignature = HTTPField.Name(constant: "Stripe-Signature")
}
