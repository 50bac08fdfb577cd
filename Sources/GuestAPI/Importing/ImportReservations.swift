public import Foundation
import GuestModels
import Postgres

/// Reads a property system's export into a park.
///
/// Every row ends up imported or rejected with a reason, and the database counts both. An import that was stopped goes
/// on where it was. A second run of the same file changes nothing.
public struct ImportReservations: Sendable {
    public struct Outcome: Sendable {
        public let rows: Int
        public let imported: Int
        public let rejected: Int
        /// The rejects as a file: the line, the reason, and the row as it was.
        public let rejectsFile: Data
    }

    static let batch = 500

    private let app: AppEnvironment
    private let park: Park
    private let file: ReservationFile
    private let name: String

    /// - Parameters:
    ///   - encoding: the encoding of the file.
    ///   - isAddition: whether the file has other reservations than those that the park has from a file without
    ///     reservation numbers.
    /// - Throws: when the park does not exist or the file cannot be read as an export. Also throws when both this file
    ///   and an earlier imported file have no reservation numbers, because reservations could be booked twice.
    public init(
        _ data: Data,
        name: String,
        map: ColumnMap,
        parkSlug: String,
        encoding: TextEncoding = .utf8,
        isAddition: Bool = false,
        _ app: AppEnvironment
    ) async throws {
        self.app = app
        self.name = name
        let found = try await app.database.read(as: "import") { try await $0.first(ParkSQL.park(slug: parkSlug)) }
        guard let found else { throw ReservationFile.Unreadable(description: "there is no park '\(parkSlug)'") }
        park = found
        file = try ReservationFile(
            data,
            map,
            encoding: encoding,
            decimals: Currency.decimals(of: found.currency)
        )
        guard map.reservationNumber == nil, !isAddition else { return }
        let other = ImportSQL.numberless(in: found.id, besides: file.hash)
        if let other = try await app.database.read(as: "import", { try await $0.first(other) }) {
            throw ReservationFile.Unreadable(
                description: "the park has reservations from '\(other)', which had no reservation numbers either; "
                    + "what is in both would be booked twice. Give --add if this file has others"
            )
        }
    }

    public var rowCount: Int { file.rowCount }

    // MARK: Cottages to put them in

    /// Makes as many cottages of each type as the export needs at its peak.
    ///
    /// Cottages that exist already are counted.
    public func createCottages() async throws -> Int {
        try await app.act(as: .job("import"), within: 60) { act in
            let types = try await act.tx.all(ParkSQL.types(of: park.id))
            var made = 0
            for (code, reservations) in Dictionary(grouping: file.reservations, by: \.type).sorted(by: {
                $0.key < $1.key
            }) {
                let peak = Self.peak(of: reservations.filter(\.needsCottage).map(\.stay))
                let beds = reservations.map { $0.adults + $0.children }.max() ?? 1
                let type: CottageType
                if let known = types.first(where: { $0.code == code }) {
                    type = known
                } else {
                    type = try await CottageType.create(
                        CottageTypeRequest(
                            code: code,
                            name: "Type \(code)",
                            capacity: min(max(beds, 1), 100),
                            bedrooms: min(max((beds + 1) / 2, 1), 50),
                            pets: 0,
                            isStepFree: false,
                            cleaningFee: 0
                        ),
                        park: park.id,
                        act
                    )
                }
                let present = try await act.tx.all(ImportSQL.lockCottages(of: park.id)).count { $0.type == code }
                for index in present..<max(present, peak) {
                    _ = try await Cottage.create(
                        CottageRequest(
                            typeId: type.id,
                            number: "\(code)\(index + 1)",
                            longitude: park.longitude + Double(index % 20) * 0.0003,
                            latitude: park.latitude + Double(index / 20) * 0.0002 + Double(made % 7) * 0.00003
                        ),
                        park: park.id,
                        act
                    )
                    made += 1
                }
            }
            return made
        }
    }

    /// The greatest number of stays in one night.
    static func peak(of stays: [Stay]) -> Int {
        var changes: [LocalDate: Int] = [:]
        for stay in stays {
            changes[stay.arrival, default: 0] += 1
            changes[stay.departure, default: 0] -= 1
        }
        var now = 0
        var most = 0
        for (_, change) in changes.sorted(by: { $0.key < $1.key }) {
            now += change
            most = max(most, now)
        }
        return most
    }

    // MARK: Rows

    /// Imports the rows of the file in batches.
    ///
    /// - Parameter progress: is called after each batch with the number of rows that are done.
    public func run(_ progress: @Sendable (Int) -> Void) async throws -> Outcome {
        let principal = Principal.job("import")
        let id = try await app.act(as: principal) { act in
            let begun = ImportSQL.begin(
                app.ids.uuid(at: app.now()),
                park: park.id,
                hash: file.hash,
                name: name,
                rows: file.rowCount,
                at: app.now()
            )
            guard let row = try await act.tx.first(begun) else { throw Refusal.notFound }
            return row.id
        }
        let done = Set(try await app.database.read(as: principal.setting) { try await $0.all(ImportSQL.linesDone(id)) })
        var count = done.count
        progress(count)
        let rejects = file.rejects.filter { !done.contains($0.line) }
        for chunk in rejects.chunks(of: Self.batch) {
            try await app.act(as: principal) { act in
                try await act.tx.run(ImportSQL.insertRejects(id, Array(chunk)))
            }
            count += chunk.count
            progress(count)
        }
        // When stays are placed by arrival date, first fit needs no more cottages than stay at the same time.
        let todo = file.reservations.filter { !done.contains($0.line) }
            .sorted { ($0.stay.arrival, $0.line) < ($1.stay.arrival, $1.line) }
        for chunk in todo.chunks(of: Self.batch) {
            try await patiently {
                try await app.act(as: principal, within: 60) { act in
                    try await importBatch(Array(chunk), file: id, act)
                }
            }
            count += chunk.count
            progress(count)
        }
        return try await app.act(as: principal) { act in
            try await act.tx.run(ImportSQL.finish(id, at: app.now()))
            let counts = try await act.tx.first(ImportSQL.count(id))
            return Outcome(
                rows: file.rowCount,
                imported: counts?.imported ?? 0,
                rejected: counts?.rejected ?? 0,
                rejectsFile: rejectsFile(try await act.tx.all(ImportSQL.rejects(id)))
            )
        }
    }

    /// Tries again when guests hold locks or the database is away for a moment, because nobody watches an import.
    private func patiently(_ work: () async throws -> Void) async throws {
        for _ in 0..<50 {
            do { return try await work() } catch let error as PostgresError where error.isUnavailability {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        try await work()
    }

    private func importBatch(_ batch: [Reservation], file: UUID, _ act: Act) async throws {
        let first = batch.map(\.stay.arrival).min() ?? .earliest
        let last = batch.map(\.stay.departure).max() ?? .latest
        guard let span = Stay(from: first, to: last) else { return }
        let (_, cottages, taken, known) = try await act.tx.all(
            ImportSQL.lockReservations(of: park.id),
            ImportSQL.lockCottages(of: park.id),
            ImportSQL.taken(in: park.id, during: span),
            ImportSQL.known(in: park.id, batch.compactMap(\.number))
        )
        let byNumber = Dictionary(known.map { ($0.number, $0) }) { first, _ in first }
        func old(_ reservation: Reservation) -> ImportSQL.Known? { reservation.number.flatMap { byNumber[$0] } }
        let changed = batch.filter { old($0)?.says($0) != true }
        let places = place(changed, among: Occupation(cottages: cottages, taken: taken), old)
        var work = BatchWork()
        work.seen = batch.compactMap { reservation in
            old(reservation).flatMap { $0.says(reservation) ? (line: reservation.line, booking: $0.id) : nil }
        }
        for reservation in changed { work.add(reservation, old(reservation), in: places[reservation.line], act) }
        // Release the old cottages before other reservations take them.
        try await act.tx.run(work.releases + work.updates)
        let inserts = ImportSQL.insert(
            work.new,
            park: park.id,
            currency: park.currency,
            policy: try JSONText(encoding: park.rules),
            at: act.now
        )
        for id in work.new.map(\.id) + work.updated { act.tx.feed(id, .booking, to: park.id) }
        try await act.tx.run(
            inserts + [
                ImportSQL.insertRows(
                    file,
                    lines: work.seen.map(\.line) + work.new.map(\.reservation.line),
                    bookings: work.seen.map(\.booking) + work.new.map(\.id)
                ),
                ImportSQL.insertRejects(file, work.rejects),
            ]
        )
    }

    /// The changes that a batch of rows makes in the tables.
    private struct BatchWork {
        var new: [ImportSQL.NewBooking] = []
        var rejects: [(line: Int, reason: String)] = []
        /// The lines of reservations that have a booking already, also of bookings that are updated.
        var seen: [(line: Int, booking: Booking.ID)] = []
        var releases: [Command] = []
        var updates: [Command] = []
        var updated: [Booking.ID] = []

        /// Adds the changes for one reservation.
        ///
        /// - Parameter old: the booking from an earlier import of the reservation, if there is one.
        mutating func add(_ reservation: Reservation, _ old: ImportSQL.Known?, in cottage: Cottage.ID?, _ act: Act) {
            if reservation.needsCottage, cottage == nil {
                let nights = "\(reservation.stay.arrival) to \(reservation.stay.departure)"
                rejects.append((reservation.line, "no cottage of type \(reservation.type) is free for \(nights)"))
            } else if let old {
                seen.append((reservation.line, old.id))
                updated.append(old.id)
                releases.append(cottage == nil ? AllocationSQL.release(old.id) : AllocationSQL.vacate(old.id))
                updates += ImportSQL.update(
                    old.id,
                    reservation,
                    cottage: cottage,
                    allocation: act.app.ids.uuid(at: act.now),
                    line: act.id(),
                    at: act.now
                )
            } else {
                let id: Booking.ID = act.id()
                new.append(
                    .init(
                        id: id,
                        number: Booking.number(of: id, act.app.secret),
                        reservation: reservation,
                        cottage: cottage,
                        line: act.id(),
                        allocation: act.app.ids.uuid(at: act.now)
                    )
                )
            }
        }
    }

    /// Finds a cottage for each reservation that needs one, by line.
    ///
    /// All reservations that move give up their cottage first, so that two may swap. A reservation that then finds none
    /// keeps its old cottage, and the others choose again.
    private func place(
        _ reservations: [Reservation],
        among occupation: Occupation,
        _ old: (Reservation) -> ImportSQL.Known?
    ) -> [Int: Cottage.ID] {
        var staying: Set<Int> = []
        while true {
            var plan = occupation
            for reservation in reservations where !staying.contains(reservation.line) {
                if let known = old(reservation), let cottage = known.cottage { plan.leave(cottage, known.stay) }
            }
            var places: [Int: Cottage.ID] = [:]
            var isSettled = true
            for reservation in reservations where reservation.needsCottage && !staying.contains(reservation.line) {
                let known = old(reservation)
                if let cottage = plan.reserve(reservation.type, reservation.stay, preferring: known?.cottage) {
                    places[reservation.line] = cottage
                } else if known?.cottage != nil {
                    staying.insert(reservation.line)
                    isSettled = false
                }
            }
            if isSettled { return places }
        }
    }

    private func rejectsFile(_ rejects: [(line: Int, reason: String)]) -> Data {
        let sign = String(decoding: [file.separator], as: UTF8.self)
        var text = Data("line\(sign)reason\(sign)".utf8) + Data(file.header) + Data("\n".utf8)
        for reject in rejects {
            text += Data("\(reject.line)\(sign)\"\(reject.reason.replacing("\"", with: "\"\""))\"\(sign)".utf8)
            text += Data(file.rawRows[reject.line] ?? []) + Data("\n".utf8)
        }
        return text
    }
}

extension ImportSQL.Known {
    /// Whether the booking in the tables already agrees with the export's reservation.
    fileprivate func says(_ reservation: Reservation) -> Bool {
        stay == reservation.stay && state == reservation.state.rawValue && adults == reservation.adults
            && children == reservation.children && babies == reservation.babies
            && total == reservation.nightlyRate * Int64(reservation.stay.nightCount)
            && (!reservation.needsCottage || cottageType == reservation.type)
    }
}

/// The stays in each cottage during one batch.
private struct Occupation {
    private var stays: [Cottage.ID: [Stay]] = [:]
    private let byType: [String: [Cottage.ID]]

    init(cottages: [(id: Cottage.ID, type: String)], taken: [ImportSQL.Taken]) {
        byType = Dictionary(grouping: cottages, by: \.type).mapValues { $0.map(\.id) }
        for item in taken { stays[item.cottage, default: []].append(item.stay) }
    }

    /// Reserves the first free cottage of a type for a stay; the preferred cottage is tried first.
    mutating func reserve(_ type: String, _ stay: Stay, preferring preferred: Cottage.ID?) -> Cottage.ID? {
        let candidates = byType[type] ?? []
        let ordered = preferred.map { first in candidates.filter { $0 == first } + candidates } ?? candidates
        guard let cottage = ordered.first(where: { id in !(stays[id] ?? []).contains { $0.overlaps(stay) } }) else {
            return nil
        }
        stays[cottage, default: []].append(stay)
        return cottage
    }

    mutating func leave(_ cottage: Cottage.ID, _ stay: Stay) {
        stays[cottage]?.removeAll { $0 == stay }
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
