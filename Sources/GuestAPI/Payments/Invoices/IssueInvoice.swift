import Foundation
import GuestModels
import Postgres

extension Invoice {
    static let functions: Set<StaffMember.Function> = [.reception, .finance]

    /// Issues the invoice of a share as the share is now, and answers the last invoice.
    ///
    /// An invoice with the same content stays. If the content has changed, a credit note takes the old invoice back and
    /// a new invoice is issued.
    ///
    /// - Parameter language: the language of a guest who asks; for staff, the household's own language is used.
    ///
    /// Throws `noSeller` for a park that sends no invoices, `notPayable` for a hold, and `nothingToInvoice`. Throws
    /// `tooManyInvoices` for guests after twenty invoices.
    static func issue(
        _ request: InvoiceRequest,
        for id: Share.ID,
        askedIn language: Language,
        isByDesk: Bool = false,
        _ act: Act
    ) async throws -> Invoice {
        let (share, booking) = try await Share.own(id, or: functions, isLocked: true, act)
        guard booking.state != .held, booking.state != .expired else { throw Refusal.notPayable }
        let isByStaff = isByDesk || act.principal.guestID == nil
        let own = isByStaff ? try await act.tx.first(InvoiceSQL.language(of: share.householdId)) : nil
        let language = own.flatMap { Language(rawValue: $0) } ?? language
        let (parks, earnings, names, extras, sent) = try await act.tx.all(
            ParkSQL.park(booking.parkId),
            EarnSQL.earnings(of: [booking.id]),
            ShareSQL.names(of: booking.id),
            InvoiceSQL.extras(of: booking.id, for: share.householdId, in: language),
            InvoiceSQL.invoices(of: id)
        )
        guard let park = parks.first,
            let statement = try await BookingMoney.of(booking.id, act)?.statement
        else { throw Refusal.notFound }
        let clock = try ParkClock(stored: park.timeZone)
        guard let seller = park.rules.seller else { throw Refusal.noSeller }
        guard request.recipient.map({ PDFPage.shows($0, in: .noto) }) ?? true else {
            throw BadRequest("/recipient", "must be in Latin, Greek or Cyrillic letters")
        }
        let standing = sent.last.flatMap { $0.credits == nil ? $0 : nil }
        let composition = statement.bill.composition(
            of: Dictionary(statement.shares.map { ($0.householdId, $0.amount) }) { first, _ in first },
            for: share.householdId,
            earnings.map(\.earning).earned(through: .latest, park.rules.vat ?? [])
        )
        let content = Content(
            language: language,
            seller: seller,
            recipient: request.recipient ?? sent.last?.content.recipient
                ?? names.first { $0.household == share.householdId }?.name ?? "",
            park: park.name,
            bookingNumber: booking.number,
            stay: booking.stay,
            lines: composition.lines(in: language, extras: extras),
            currency: booking.total.currency
        )
        if let standing, standing.content.saysTheSame(as: content) { return standing }
        guard standing != nil || share.amount != 0 else { throw Refusal.nothingToInvoice }
        // The invoice numbers belong to the park, so a guest may not use up many of them.
        guard act.principal.guestID == nil || sent.count(where: { $0.credits == nil }) < 20 else {
            throw Refusal.tooManyInvoices
        }
        func send(_ content: Content, crediting credited: Invoice.ID? = nil) throws {
            act.tx.later([
                InvoiceSQL.insert(
                    act.id(),
                    of: id,
                    park: park.id,
                    day: clock.date(at: act.now),
                    crediting: credited,
                    content,
                    try JSONText(encoding: content),
                    at: act.now
                )
            ])
        }
        if let standing { try send(standing.content.reversal, crediting: standing.id) }
        if share.amount != 0 { try send(content) }
        guard let last = try await act.tx.all(InvoiceSQL.invoices(of: id)).last else { throw Refusal.nothingToInvoice }
        return last
    }

    static func all(of id: Share.ID, _ act: Act) async throws -> [Invoice] {
        _ = try await Share.own(id, or: functions, act)
        return try await act.tx.all(InvoiceSQL.invoices(of: id))
    }

    static func show(_ id: Invoice.ID, _ act: Act) async throws -> Invoice {
        guard let invoice = try await act.tx.first(InvoiceSQL.invoice(id)) else { throw Refusal.notFound }
        do {
            _ = try await Share.own(invoice.shareId, or: functions, act)
        } catch let refusal as Refusal where refusal == .forbidden {
            // The share of another household is reported as not found.
            throw Refusal.notFound
        }
        return invoice
    }
}

extension Invoice.Content {
    /// Whether both contents differ at most in the reader's language and in names.
    fileprivate func saysTheSame(as other: Invoice.Content) -> Bool {
        var other = other
        (other.language, other.park) = (language, park)
        other.lines =
            zip(other.lines, lines).map { line, ours in
                var line = line
                line.text = ours.text
                return line
            } + other.lines.dropFirst(lines.count)
        return other == self
    }
}

extension [Earned.Class: Int64] {
    fileprivate func lines(in language: Language, extras: [String]) -> [Invoice.Line] {
        let order: [Earning.Tax] = [.lodging, .extras, .touristTax, .none]
        return order.flatMap { tax in
            filter { $0.key.tax == tax }.sorted { $0.key.rate < $1.key.rate }.map { part, amount in
                let text = part.tax.text[language]
                let names = extras.joined(separator: ", ")
                let shown = names.count > 200 ? "\(names.prefix(199))…" : names
                let named = tax == .extras && !extras.isEmpty ? "\(text): \(shown)" : text
                return Invoice.Line(tax, named, rate: part.rate, amount: amount)
            }
        }
    }
}

extension Earning.Tax {
    fileprivate var text: LocalizedText {
        switch self {
        case .lodging: LocalizedText(en: "Stay", nl: "Verblijf", de: "Aufenthalt")
        case .extras: LocalizedText(en: "Extras", nl: "Extra's", de: "Extras")
        case .touristTax: LocalizedText(en: "Tourist tax", nl: "Toeristenbelasting", de: "Kurtaxe")
        case .none: LocalizedText(en: "Cancellation", nl: "Annulering", de: "Stornierung")
        // Goodwill lowers the other lines and never has a line of its own.
        case .goodwill: LocalizedText(en: "Goodwill", nl: "Coulance", de: "Kulanz")
        }
    }
}

extension Invoice {
    /// The invoices of a park's seller during some days, for its accountant.
    static func list(
        of park: Park.ID,
        during days: Stay,
        after cursor: Invoice.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<Invoice> {
        try look.principal.require([.finance], or: .books, at: park)
        let query = InvoiceSQL.invoices(of: park, during: days, after: cursor, limit: limit + 1)
        return Page(try await look.reader.all(query), limit: limit) { $0.id.description }
    }
}
