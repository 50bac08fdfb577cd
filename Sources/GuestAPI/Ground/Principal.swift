import GuestModels

/// Who is asking.
enum Principal: Hashable, Sendable {
    case nobody
    case guest(Guest.ID)
    case staff(StaffMember)
    /// Another system of a park.
    case system(SystemCredential)
    /// A child without account, on a phone that a guardian has admitted.
    case child(Traveller.ID, in: TravelGroup.ID)
    /// One narrow kind of background work.
    case job(String)

    /// As `app.principal` and the audit have it.
    ///
    /// Never a name or an address.
    var setting: String {
        switch self {
        case .nobody: "nobody"
        case .guest(let id): "guest:\(id)"
        case .staff(let member): "staff:\(member.id)"
        case .system(let credential): "system:\(credential.id)"
        case .child(let id, _): "child:\(id)"
        case .job(let kind): "job:\(kind)"
        }
    }

    var guestID: Guest.ID? {
        guard case .guest(let id) = self else { return nil }
        return id
    }

    /// Throws `forbidden` if the principal is no guest.
    func guest() throws(Refusal) -> Guest.ID {
        guard case .guest(let id) = self else { throw .forbidden }
        return id
    }

    /// Throws `notFound` unless `has` holds, so that outsiders do not learn what a park has.
    func require(
        _ functions: Set<StaffMember.Function>,
        or purpose: SystemCredential.Purpose? = nil,
        at park: Park.ID
    ) throws(Refusal) {
        guard has(functions, or: purpose, at: park) else { throw .notFound }
    }

    /// Whether this is staff with one of the functions in that park, head office, or a system of that park with the purpose.
    func has(
        _ functions: Set<StaffMember.Function>,
        or purpose: SystemCredential.Purpose? = nil,
        at park: Park.ID
    ) -> Bool {
        switch self {
        case .staff(let member):
            member.isHeadOffice || member.posts.contains { $0.parkId == park && functions.contains($0.function) }
        case .system(let credential): credential.parkId == park && credential.purpose == purpose
        case .nobody, .guest, .child, .job: false
        }
    }
}
