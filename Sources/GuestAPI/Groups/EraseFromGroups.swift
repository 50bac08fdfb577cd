import Foundation
import GuestModels
import Postgres
import SyncMessages

extension PersonalData {
    static let groups = PersonalData(
        name: "groups",
        export: { guest, act in try await act.tx.all(GroupDataSQL.everything(about: guest)) },
        erase: { guest, act in
            let today = LocalDate(daysSince1970: Int(act.now.timeIntervalSince1970 / 86400) - 1)
            for membership in try await act.tx.all(GroupSQL.memberships(of: guest)) {
                let group = membership.groupId
                try await Regrouping.lock(group, act)
                guard try await act.tx.first(GroupSQL.lock(group)) != nil else { continue }
                guard membership.role == .organiser else { continue }
                if let successor = try await act.tx.first(GroupSQL.successor(in: group, except: membership.travellerId))
                {
                    try await Traveller.handOver(group, to: successor.id, isErased: true, act.as(.guest(guest)))
                } else if try await act.tx.first(GroupSQL.hasStayAhead(group, today: today)) == true {
                    throw Refusal.organisesBooking
                }
            }
            // Groups that the guest has left lose the name as well.
            for row in try await act.tx.all(GroupSQL.rows(of: guest)) {
                act.tx.publish(row.group, .group, to: .group(row.group))
                act.tx.publish(row.household, .household, to: .group(row.group))
                act.tx.publish(row.traveller, .traveller, to: .group(row.group))
                act.tx.publish(row.group, .membership, to: .guest(guest))
            }
            for row in try await act.tx.all(GroupDataSQL.affected(by: guest)) {
                act.tx.publish(row.traveller, .traveller, to: .group(row.group))
            }
            try await act.tx.run(GroupDataSQL.erase(guest, at: act.now))
        },
        remains: { guest, act in
            let today = LocalDate(daysSince1970: Int(act.now.timeIntervalSince1970 / 86400) - 1)
            return try await act.tx.all(GroupDataSQL.staysAhead(of: guest, today: today)).map {
                Remainder(kind: .stay, bookingNumber: $0.number, park: $0.park, stay: $0.stay)
            }
        },
        stop: { guest, act in try await act.tx.run(GroupSQL.stop(guest)) }
    )
}
