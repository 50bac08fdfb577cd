import GuestModels

extension Invoice {
    /// The invoice as a page to print, in the language of its content.
    var pdf: [UInt8] {
        let language = content.language
        func say(_ en: String, _ nl: String, _ de: String) -> String { LocalizedText(en: en, nl: nl, de: de)[language] }
        let left = 60.0
        let right = 535.0
        var page = PDFPage(.noto)
        var y = 70.0
        func put(
            _ text: String,
            x: Double = left,
            _ weight: PDFPage.Weight = .plain,
            size: Double = 10,
            gap: Double = 14
        ) {
            page.text(text, x: x, y: y, weight, size: size)
            y += gap
        }
        put(content.seller.name, .bold, size: 12, gap: 16)
        for line in content.seller.address.wrapped(at: 60) { put(line) }
        put("\(say("VAT number", "Btw-nummer", "USt-IdNr.")) \(content.seller.vatNumber)", gap: 40)
        for line in content.recipient.wrapped(at: 60) { put(line) }
        y += 26
        let title =
            credits == nil ? say("Invoice", "Factuur", "Rechnung") : say("Credit note", "Creditnota", "Gutschrift")
        put("\(title) \(number)", .bold, size: 16, gap: 22)
        if let credits {
            put("\(say("Takes back", "Crediteert", "Storniert")) \(credits)")
        }
        put("\(say("Date", "Datum", "Datum")): \(day)")
        put("\(say("Booking", "Boeking", "Buchung")) \(content.bookingNumber), \(content.park)")
        put("\(say("Stay", "Verblijf", "Aufenthalt")): \(content.stay.arrival) – \(content.stay.departure)", gap: 30)
        page.text(say("VAT", "Btw", "USt."), x: 380, y: y, .bold)
        page.text(content.total.currency, x: right - 24, y: y, .bold)
        y += 6
        page.line(y: y, from: left, to: right)
        y += 16
        for line in content.lines {
            for (index, text) in line.text.wrapped(at: 50).enumerated() {
                if index == 0 {
                    page.text(line.tax == .touristTax ? "–" : line.rate.asPercent, x: 380, y: y)
                    page.number(Money(line.amount, content.total.currency).decimals, right: right, y: y)
                }
                put(text)
            }
        }
        page.line(y: y - 6, from: left, to: right)
        y += 10
        page.number(content.total.decimals, right: right, y: y, .bold)
        put(say("Total", "Totaal", "Gesamt"), .bold, gap: 30)
        for vat in content.vat {
            let rate = vat.rate.asPercent
            let amounts = [vat.vat, vat.net].map { Money($0, content.total.currency).decimals }.joined(separator: " / ")
            put("\(say("Includes VAT", "Inclusief btw", "Enthaltene USt.")) \(rate): \(amounts)")
        }
        return page.file(title: number)
    }
}

extension Int {
    /// Hundredths of a percent as `21 %` or `2.5 %`.
    fileprivate var asPercent: String {
        let rest = self % 100
        let fraction = rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : ".\(rest / 10)\(rest % 10)"
        return "\(self / 100)\(fraction) %"
    }
}

extension String {
    /// The lines of the text, each at most as long as the given length.
    fileprivate func wrapped(at length: Int) -> [String] {
        split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
            var lines = [""]
            for word in line.split(separator: " ") {
                var word = word
                while !word.isEmpty {
                    let last = lines[lines.count - 1]
                    if !last.isEmpty, last.count + 1 + min(word.count, length) > length {
                        lines.append("")
                        continue
                    }
                    lines[lines.count - 1] =
                        last.isEmpty ? String(word.prefix(length)) : "\(last) \(word.prefix(length))"
                    word = word.dropFirst(length)
                }
            }
            return lines
        }
    }
}
