import GuestModels

/// The person, system or job that asks for something.
enum Principal: Hashable, Sendable {
    case nobody
    case guest(Guest.ID)
    case staff(StaffMember)
    /// Another system of a park.
    case system(SystemCredential)
    /// A child without account, on a phone that a guardian has admitted.
    case child(Traveller.ID, in: TravelGroup.ID)
    /// A job of background work, named by its kind.
    case job(String)

    /// The principal as a text, for the database setting `app.principal` and for the audit.
    ///
    /// The text never contains a name or an address.
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

    /// Whether the principal may act at a park.
    ///
    /// Staff with one of the functions at the park may act, and so may head office. A system of the park may act if its
    /// credential has the purpose.
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
