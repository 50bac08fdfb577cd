import Foundation
import GRDB
import GuestModels
import SyncMessages
import Synchronization

extension JSONDecoder {
    static var ofRows: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = try? Date(text, strategy: .iso8601WithFraction) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an instant")
            }
            return date
        }
        return decoder
    }
}

extension JSONEncoder {
    static var ofArguments: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(.iso8601WithFraction))
        }
        return encoder
    }
}

extension ParseStrategy where Self == Date.ISO8601FormatStyle {
    static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}

extension FormatStyle where Self == Date.ISO8601FormatStyle {
    static var iso8601WithFraction: Self { .init(includingFractionalSeconds: true) }
}
