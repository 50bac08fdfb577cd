import Foundation
import GuestModels
import Postgres

/// The grants: the scopes that the phones of a guest may read at a moment.
///
/// Pulls and change events read only granted scopes, and a digest asks for the grant first. No answer contains a scope
/// that is not granted.
enum GrantSQL {
    /// The guest's memberships, as the expression `own` that `scopes` reads.
    static func own(of guest: Guest.ID) -> SQL {
        """
        own AS (
            SELECT group_id, household_id, role FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL
        )
        """
    }

    /// The scopes that a guest may read, for a statement that contains `own`.
    ///
    /// The rank puts the scopes first that are needed first, at the cottage's door.
    static func scopes(of guest: Guest.ID, at now: Date) -> SQL {
        """
        SELECT 'guest:' || id AS scope, 0 AS rank FROM guest WHERE id = \(guest) AND erased_at IS NULL
        UNION ALL
        SELECT 'group:' || group_id, 1 FROM own
        UNION ALL
        SELECT DISTINCT 'cottage:' || cottage_id, 2
        FROM own JOIN booking USING (group_id) JOIN allocation ON booking_id = booking.id
        WHERE is_live AND state IN ('confirmed', 'checkedIn')
            AND lower(allocation.stay) <= (\(now)::timestamptz AT TIME ZONE 'UTC')::date + \(CottageGrant.daysBefore)::int
            AND upper(allocation.stay) >= (\(now)::timestamptz AT TIME ZONE 'UTC')::date - \(CottageGrant.daysAfter)::int
        UNION ALL
        SELECT 'household:' || household_id, 3 FROM own
        UNION ALL
        SELECT 'organiser:' || group_id, 3 FROM own WHERE role = 'organiser'
        UNION ALL
        SELECT DISTINCT 'park:' || park_id, 4 FROM own JOIN booking USING (group_id)
        WHERE state IN ('held', 'confirmed', 'checkedIn', 'checkedOut', 'noShow')
        """
    }
}
