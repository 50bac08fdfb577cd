import Foundation
import GuestModels
import Postgres
import Sync

extension PersonalData {
    static let groups = PersonalData(
        name: "groups",
        export: { guest, _, tx in try await tx.all(GroupSQL.everything(about: guest)) },
        erase: { guest, app, now, tx in
            let today = LocalDate(daysSince1970: Int(now.timeIntervalSince1970 / 86400) - 1)
            for membership in try await tx.all(GroupSQL.memberships(of: guest)) {
                let group = membership.groupId
                try await Regrouping.lock(group, in: tx)
                guard try await tx.first(GroupSQL.lock(group)) != nil else { continue }
                guard membership.role == .organiser else { continue }
                if let successor = try await tx.first(GroupSQL.successor(in: group, except: membership.travellerId)) {
                    try await Traveller.handOver(
                        group,
                        to: successor.id,
                        isErased: true,
                        as: .guest(guest),
                        app,
                        at: now,
                        in: tx
                    )
                } else if try await tx.first(GroupSQL.hasStayAhead(group, today: today)) == true {
                    throw Refusal.organisesBooking
                }
            }
            // Groups they have left lose the name as well.
            for row in try await tx.all(GroupSQL.rows(of: guest)) {
                tx.publish(row.group, .group, to: .group(row.group))
                tx.publish(row.household, .household, to: .group(row.group))
                tx.publish(row.traveller, .traveller, to: .group(row.group))
                tx.publish(row.group, .membership, to: .guest(guest))
            }
            for row in try await tx.all(GroupSQL.affected(by: guest)) {
                tx.publish(row.traveller, .traveller, to: .group(row.group))
            }
            try await tx.run(GroupSQL.erase(guest, at: now))
        },
        remains: { guest, now, tx in
            let today = LocalDate(daysSince1970: Int(now.timeIntervalSince1970 / 86400) - 1)
            return try await tx.all(GroupSQL.staysAhead(of: guest, today: today)).map {
                Remainder(kind: .stay, bookingNumber: $0.number, park: $0.park, stay: $0.stay)
            }
        },
        stop: { guest, tx in try await tx.run(GroupSQL.stop(guest)) }
    )
}
