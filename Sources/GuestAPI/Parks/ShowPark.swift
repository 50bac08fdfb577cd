import Foundation
import GuestModels
import Postgres

/// A park with its types of cottages.
struct ParkDetail: Encodable, Sendable {
    let park: Park
    let cottageTypes: [CottageType]
}

extension Park {
    static func list(in language: Language, _ look: Look) async throws -> [Park] {
        try await look.reader.all(ParkSQL.parks).map { $0.localised(in: language, for: look.principal) }
    }

    static func show(_ id: Park.ID, in language: Language, _ look: Look) async throws -> ParkDetail {
        let (parks, types) = try await look.reader.all(ParkSQL.park(id), ParkSQL.types(of: id))
        guard let park = parks.first else { throw Refusal.notFound }
        return ParkDetail(
            park: park.localised(in: language, for: look.principal),
            cottageTypes: types.map { $0.localised(in: language, for: look.principal) }
        )
    }

    /// The date at a park.
    ///
    /// Throws `notFound` for an unknown park.
    static func today(at id: Park.ID, _ look: Look) async throws -> LocalDate {
        guard let park = try await look.reader.first(ParkSQL.park(id)) else { throw Refusal.notFound }
        return try ParkClock(stored: park.timeZone).date(at: look.now)
    }

    /// The audit of a park, newest first.
    static func audit(
        of park: Park.ID,
        before cursor: UUID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<ParkSQL.AuditRow> {
        let rows = try await look.reader.all(ParkSQL.audit(of: park, before: cursor, limit: limit + 1))
        return Page(rows, limit: limit) { $0.id.uuidString.lowercased() }
    }

    /// The park with its texts in the reader's language; staff, who write the texts, see all languages.
    private func localised(in language: Language, for principal: Principal) -> Park {
        if case .staff = principal { return self }
        var park = self
        park.texts = texts.chosen(for: language)
        return park
    }
}

extension CottageType {
    fileprivate func localised(in language: Language, for principal: Principal) -> CottageType {
        if case .staff = principal { return self }
        var type = self
        type.texts = texts.chosen(for: language)
        return type
    }
}

extension Rate {
    static func list(of type: CottageType.ID, _ look: Look) async throws -> [Rate] {
        let (types, rates) = try await look.reader.all(ParkSQL.type(type), RateSQL.rates(of: type))
        guard let type = types.first else { throw Refusal.notFound }
        try look.principal.require([.reception, .host], at: type.parkId)
        return rates
    }
}

extension Closure {
    static func list(at park: Park.ID, _ look: Look) async throws -> [Closure] {
        try look.principal.require([.reception, .maintenance], at: park)
        return try await look.reader.all(ParkSQL.closures(of: park))
    }
}
