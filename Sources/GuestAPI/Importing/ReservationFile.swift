import Crypto
import Foundation
import GuestModels

/// The names of the columns in a property system's export.
///
/// A JSON file of the same shape overrides them.
public struct ColumnMap: Codable, Sendable {
    /// A column with a number that stays with the reservation; nil when the export has none.
    public var reservationNumber: String?
    /// The columns of the arrival: one with the date, or three with year, month (number or English name) and day.
    public var arrivalDate: String?
    public var arrivalYear: String?
    public var arrivalMonth: String?
    public var arrivalDay: String?
    /// The columns that add up to the number of nights.
    public var nights: [String]
    public var adults: String
    public var children: String?
    public var babies: String?
    /// The columns of the cottage type's code; they are tried in order until one has a value.
    public var type: [String]
    /// The column of the average price of a night, a decimal number.
    public var nightlyRate: String?
    public var status: String
    /// The booking state that each status of the export stands for.
    public var states: [String: String]

    /// The columns of the hotel booking demand datasets (António, de Almeida, Nunes; Data in Brief 22,
    /// 2019, 41–49), an export of one property system.
    public static let hotelDemand = ColumnMap(
        reservationNumber: nil,
        arrivalDate: nil,
        arrivalYear: "arrival_date_year",
        arrivalMonth: "arrival_date_month",
        arrivalDay: "arrival_date_day_of_month",
        nights: ["stays_in_weekend_nights", "stays_in_week_nights"],
        adults: "adults",
        children: "children",
        babies: "babies",
        type: ["assigned_room_type", "reserved_room_type"],
        nightlyRate: "adr",
        status: "reservation_status",
        states: [
            "Check-Out": "checkedOut", "Check-In": "checkedIn", "Canceled": "cancelled", "No-Show": "noShow",
            "Confirmed": "confirmed",
        ]
    )
}

/// One reservation, read from an export or a report.
struct Reservation: Sendable {
    let line: Int
    let number: String?
    let stay: Stay
    let state: Booking.State
    let type: String
    let adults: Int
    let children: Int
    let babies: Int
    /// The price of a night in minor units.
    let nightlyRate: Int64

    /// True if the reservation takes a cottage for its nights.
    var needsCottage: Bool { state.isLive }
}

/// An export in memory: each row is a reservation, or has a reason why it cannot be read as one.
struct ReservationFile: Sendable {
    let hash: Data
    let reservations: [Reservation]
    let rejects: [(line: Int, reason: String)]
    let header: [UInt8]
    /// The sign between two fields.
    let separator: UInt8
    /// The raw text of each row, for the rejects file.
    let rawRows: [Int: [UInt8]]

    var rowCount: Int { reservations.count + rejects.count }

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads an export.
    ///
    /// - Parameters:
    ///   - encoding: the encoding of the file. The rejects are written in UTF-8.
    ///   - decimals: the number of decimals of the park's currency, for rates.
    init(_ data: Data, _ map: ColumnMap, encoding: TextEncoding = .utf8, decimals: Int) throws {
        hash = Data(SHA256.hash(data: data))
        var records = CSV(try encoding.utf8(of: data))
        guard let first = records.next() else { throw Unreadable(description: "the file is empty") }
        header = first.raw
        separator = records.separator
        let names = first.fields.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let used = Set(map.columns)
        if let twice = used.sorted().first(where: { name in names.count { $0 == name } > 1 }) {
            throw Unreadable(description: "the file has the column \(twice) more than once")
        }
        let positions = Dictionary(names.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        let needed = map.needed
        let missing = needed.filter { positions[$0] == nil }
        guard missing.isEmpty else {
            throw Unreadable(description: "the file has no column \(missing.joined(separator: ", "))")
        }
        var reservations: [Reservation] = []
        var rejects: [(line: Int, reason: String)] = []
        var rawRows: [Int: [UInt8]] = [:]
        var numbers: Set<String> = []
        while let record = records.next() {
            rawRows[record.line] = record.raw
            guard record.fields.count == names.count else {
                rejects.append((record.line, "has \(record.fields.count) fields, expected \(names.count)"))
                continue
            }
            let row = RowReader(
                fields: record.fields,
                positions: positions,
                decimalComma: separator == UInt8(ascii: ";")
            )
            do {
                let reservation = try Reservation(row, map, decimals: decimals, line: record.line)
                if let number = reservation.number, !numbers.insert(number).inserted {
                    throw RowReader.Bad("reservation number \(number) stands in the file twice")
                }
                reservations.append(reservation)
            } catch let bad as RowReader.Bad {
                rejects.append((record.line, bad.reason))
            }
        }
        self.reservations = reservations
        self.rejects = rejects
        self.rawRows = rawRows
    }
}

/// How the bytes of a file are to be read.
public enum TextEncoding: String, CaseIterable, Sendable {
    case utf8 = "utf-8"
    case windows1252 = "windows-1252"

    /// The file's text, converted to UTF-8, without the byte-order mark that Excel writes.
    fileprivate func utf8(of data: Data) throws -> [UInt8] {
        var bytes: [UInt8]
        switch self {
        case .utf8:
            guard String(validating: data, as: UTF8.self) != nil else {
                throw ReservationFile.Unreadable(
                    description: "the file is not UTF-8; if it comes from Excel, say --encoding windows-1252"
                )
            }
            bytes = Array(data)
        case .windows1252:
            guard let text = String(data: data, encoding: .windowsCP1252) else {
                throw ReservationFile.Unreadable(description: "the file is not Windows-1252")
            }
            bytes = Array(text.utf8)
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        return bytes
    }
}

extension ColumnMap {
    /// The columns that a file must have.
    fileprivate var needed: [String] {
        [adults, status, arrivalDate, arrivalYear, arrivalMonth, arrivalDay, reservationNumber].compactMap { $0 }
            + nights
    }

    fileprivate var columns: [String] { needed + type + [children, babies, nightlyRate].compactMap { $0 } }
}

private struct RowReader {
    let fields: [String]
    let positions: [String: Int]
    /// True if semicolons separate the columns, so a comma may be the decimal separator.
    let decimalComma: Bool

    struct Bad: Error {
        let reason: String

        /// - Parameter reason: may quote the row. Its control characters are replaced, because PostgreSQL refuses a zero
        ///   byte.
        init(_ reason: String) {
            self.reason = String(
                String.UnicodeScalarView(reason.unicodeScalars.map { $0.value < 32 ? "\u{FFFD}" : $0 })
            )
        }
    }

    /// The text of a column; nil for an absent column, an empty field and the word NULL.
    func text(_ column: String?) -> String? {
        guard let column, let position = positions[column] else { return nil }
        let value = fields[position].tidied.trimmingCharacters(in: .whitespaces)
        return value.isEmpty || value == "NULL" ? nil : value
    }

    func int(_ column: String, _ range: ClosedRange<Int>) throws(Bad) -> Int {
        guard let text = text(column) else { throw Bad("\(column) is empty") }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text), range.contains(number) else {
            throw Bad("\(column) is '\(text.prefix(40))', not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A text that passes the same check as texts in requests.
    func word(_ column: String?, _ isRight: (inout Check, String) -> Void) throws(Bad) -> String? {
        guard let column, let text = text(column) else { return nil }
        var check = Check()
        isRight(&check, text)
        guard let error = check.errors.first else { return text }
        throw Bad("\(column) is '\(text.prefix(40))', which \(error.detail)")
    }

    /// The amount of a column in minor units, read from a decimal number such as `99.50` or `-12`.
    ///
    /// The amount is nil for an absent column or an empty field.
    func money(_ column: String?, decimals: Int) throws(Bad) -> Int64? {
        guard let column, let text = text(column) else { return nil }
        let plain = decimalComma ? text.replacing(",", with: ".") : text
        let isDecimal = plain.wholeMatch(of: /-?[0-9]{1,6}(\.[0-9]{1,9})?/) != nil
        guard isDecimal, let number = Decimal(string: plain, locale: Locale(identifier: "en_US_POSIX")) else {
            throw Bad("\(column) is '\(text.prefix(40))', not a decimal number below 1,000,000")
        }
        var (scaled, rounded) = (number * pow(10, decimals), Decimal())
        NSDecimalRound(&rounded, &scaled, 0, .plain)
        return NSDecimalNumber(decimal: rounded).int64Value
    }
}

extension Reservation {
    /// Reads a reservation from a row.
    ///
    /// - Parameter decimals: the number of decimals of the park's currency.
    fileprivate init(_ row: RowReader, _ map: ColumnMap, decimals: Int, line: Int) throws(RowReader.Bad) {
        self.line = line
        number = try row.word(map.reservationNumber) { $0.text($1, "", length: 1...100) }
        if map.reservationNumber != nil, number == nil { throw .init("the reservation number is empty") }
        let arrival = try Self.arrival(row, map)
        var nights = 0
        for column in map.nights { nights += try row.int(column, 0...1000) }
        guard nights > 0, let stay = Stay(from: arrival, to: arrival.adding(days: nights)) else {
            throw .init("the stay has no nights")
        }
        guard stay.isOnCalendar else { throw .init("\(arrival) does not lie in the years 2000 to 2099") }
        guard nights <= 365 else { throw .init("the stay has more than 365 nights") }
        self.stay = stay
        guard let status = row.text(map.status) else { throw .init("\(map.status) is empty") }
        guard let state = map.states[status].flatMap({ Booking.State(rawValue: $0) }), state != .held else {
            throw .init("the status '\(status.prefix(40))' has no meaning in the column map")
        }
        self.state = state
        guard let column = map.type.first(where: { row.text($0) != nil }),
            let type = try row.word(column, { $0.code($1, "") })
        else { throw .init("there is no cottage type") }
        self.type = type
        adults = try row.int(map.adults, 0...500)
        children = row.text(map.children) == nil ? 0 : try row.int(map.children ?? "", 0...500)
        babies = row.text(map.babies) == nil ? 0 : try row.int(map.babies ?? "", 0...500)
        guard adults + children + babies > 0 else { throw .init("nobody stays") }
        nightlyRate = try row.money(map.nightlyRate, decimals: decimals) ?? 0
    }

    private static func arrival(_ row: RowReader, _ map: ColumnMap) throws(RowReader.Bad) -> LocalDate {
        if let column = map.arrivalDate {
            guard let date = row.text(column).flatMap({ LocalDate($0) }) else {
                throw .init("\(column) is no date such as 2027-05-14")
            }
            return date
        }
        let year = try row.int(map.arrivalYear ?? "", 1900...2200)
        let day = try row.int(map.arrivalDay ?? "", 1...31)
        let name = row.text(map.arrivalMonth) ?? ""
        let names = [
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
            "november",
            "december",
        ]
        guard let month = Int(name) ?? names.firstIndex(of: name.lowercased()).map({ $0 + 1 }),
            let date = LocalDate(year: year, month: month, day: day)
        else { throw .init("there is no day \(day) \(name.prefix(20)) \(year)") }
        return date
    }
}

/// Reads separated values (RFC 4180) from memory, one record at a time.
///
/// The separator is the comma, semicolon or tab that the header has most of.
struct CSV {
    struct Record {
        /// The number of the record's first line; the header is line 1.
        let line: Int
        let fields: [String]
        let raw: [UInt8]
    }

    let separator: UInt8
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let header = bytes.prefix { $0 != 10 && $0 != 13 }
        // Excel may name the separator in a first line of its own.
        if header.count == 5, header.starts(with: "sep=".utf8), let sign = header.last {
            separator = sign
            index = bytes.firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
            line = 2
            return
        }
        let counts = [UInt8(ascii: ","), UInt8(ascii: ";"), 9].map { sign in (sign, header.count { $0 == sign }) }
        separator = counts.max { $0.1 < $1.1 }.flatMap { $0.1 > 0 ? $0.0 : nil } ?? UInt8(ascii: ",")
    }

    mutating func next() -> Record? {
        guard index < bytes.count else { return nil }
        let start = index
        let first = line
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                if byte == UInt8(ascii: "\"") {
                    if index < bytes.count, bytes[index] == byte {
                        field.append(byte)
                        index += 1
                    } else {
                        isQuoted = false
                    }
                } else {
                    if byte == 10 { line += 1 }
                    field.append(byte)
                }
            } else if byte == UInt8(ascii: "\""), field.isEmpty {
                isQuoted = true
            } else if byte == separator {
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            } else if byte == 10 {
                line += 1
                break
            } else if byte != 13 {
                field.append(byte)
            }
        }
        fields.append(String(decoding: field, as: UTF8.self))
        var raw = bytes[start..<index]
        while raw.last == 10 || raw.last == 13 { raw = raw.dropLast() }
        // A blank line is no row.
        return raw.isEmpty ? next() : Record(line: first, fields: fields, raw: Array(raw))
    }
}
