import GuestModels

/// The letters that guests get about their stays.
extension Mail {
    static func bookingConfirmed(_ number: String, _ park: String, _ stay: Stay) -> LetterText {
        (
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
    }

    static func bookingCancelled(
        _ number: String,
        _ park: String,
        _ isByPark: Bool,
        _ alternatives: [String]?
    ) -> LetterText {
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
    }

    static func holdExpired(_ number: String, _ park: String) -> LetterText {
        (
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
