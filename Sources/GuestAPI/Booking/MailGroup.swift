import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Queues a mail to each member of a household, or of the whole group, in their own language.
    ///
    /// - Parameter occasion: the subject; a second mail on the same subject is not queued while the first waits.
    static func mailMembers(
        _ occasion: String,
        about id: Booking.ID,
        to household: Household.ID?,
        _ act: Act,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        for person in try await act.tx.all(BookingSQL.addressees(of: id, in: household)) {
            let language = Language(rawValue: person.language) ?? .english
            let mail = Mail(to: person.email, language: language, letter: letter(person.park))
            try Job.enqueue(mail, key: "\(occasion) \(person.guest)", at: act.now, act)
        }
    }

    /// Queues a mail to the organiser, once per booking and occasion.
    static func mailOrganiser(
        _ occasion: String,
        about id: Booking.ID,
        _ act: Act,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        guard let (email, language, park) = try await act.tx.first(BookingSQL.addressee(of: id)) else { return }
        let mail = Mail(to: email, language: Language(rawValue: language) ?? .english, letter: letter(park))
        try Job.enqueue(mail, key: "\(occasion) \(id)", at: act.now, act)
    }
}
