import GuestModels

/// The letters that guests get about payments, refunds and deposits.
extension Mail {
    static func moneyReceived(_ number: String, _ park: String, _ amount: Money, _ open: Money) -> LetterText {
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
    }

    static func moneyReturned(_ number: String, _ park: String, _ amount: Money) -> LetterText {
        (
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
    }

    static func moneyTakenBack(_ number: String, _ park: String, _ amount: Money) -> LetterText {
        (
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
    }

    static func shareAsked(_ number: String, _ park: String, _ amount: Money, _ asked: Money) -> LetterText {
        (
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
    }

    static func shareDue(
        _ number: String,
        _ park: String,
        _ open: Money,
        _ due: LocalDate,
        _ link: PayLink.ID?,
        _ app: AppEnvironment
    ) -> LetterText {
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
    }

    static func shareOverdue(
        _ number: String,
        _ park: String,
        _ household: String,
        _ open: Money,
        _ due: LocalDate,
        _ link: PayLink.ID?,
        _ app: AppEnvironment
    ) -> LetterText {
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
    }

    /// The last lines of a letter: the address for paying without an account.
    private static func invitation(_ link: PayLink.ID?, _ app: AppEnvironment) -> LocalizedText {
        guard let url = link.map({ PayLink.url(of: $0, app) }) else { return LocalizedText(en: "", nl: "", de: "") }
        return LocalizedText(
            en: "\n\nPay it here, without signing in; the link is for this share alone:\n\(url)",
            nl: "\n\nBetaal het hier, zonder in te loggen; de link is alleen voor dit deel:\n\(url)",
            de: "\n\nHier kannst du ohne Anmeldung bezahlen; der Link gilt nur für diesen Anteil:\n\(url)"
        )
    }
}
