import Foundation
import GuestModels
import Postgres

/// Lets a child's phone in, when the guardian allows it.
///
/// The QR code holds a pass made by the server, so that no table holds a secret that lets a phone in.
enum AdmittedPhone {
    static let validSeconds: TimeInterval = 10 * 60
    private static let purpose = "child-admission"

    /// Makes a code with which a child's phone can sign in.
    ///
    /// Throws `forbidden` for everybody in the group but the child's guardian.
    static func admit(_ child: Traveller.ID, in group: TravelGroup.ID, _ act: Act) async throws -> PhoneAdmission {
        let guest = try await Traveller.requireGuardian(of: child, in: group, act)
        let id: PhoneAdmission.ID = act.id()
        let expiresAt = act.now.addingTimeInterval(validSeconds)
        act.tx.later([ChildPhoneSQL.insert(id, of: child, by: guest, until: expiresAt)])
        return PhoneAdmission(code: act.app.secret.pass([id.uuid], for: purpose), expiresAt: expiresAt)
    }

    /// Signs in the phone that shows the code; a code works once.
    ///
    /// A phone that lost the answer gets the same tokens until it has refreshed them.
    static func signIn(_ request: ChildSignInRequest, _ act: Act) async throws -> Tokens {
        guard
            let id = act.app.secret.ids(in: request.code, count: 1, for: purpose)?.first.map({ PhoneAdmission.ID($0) }),
            let admission = try await act.tx.first(ChildPhoneSQL.lockedAdmission(id))
        else { throw Refusal.codeWrong }
        let deviceHash = Token(request.deviceSecret).hash
        if admission.usedAt != nil {
            guard admission.deviceHash == deviceHash,
                let tokens = try await SignIn.repeated("child-phone", id.description, act)
            else { throw Refusal.codeWrong }
            return tokens
        }
        guard act.now < admission.expiresAt else { throw Refusal.codeWrong }
        let session = Session.ID(id.uuid)
        let refresh = Token(derivedFrom: act.app.secret.digest("child-phone", id.description))
        let tokens = try await SignIn.open(
            session,
            of: .child(admission.child),
            refresh: refresh,
            deviceName: request.deviceName ?? "",
            deviceHash: deviceHash,
            act
        )
        act.tx.later([ChildPhoneSQL.use(id, for: session)])
        return tokens
    }

    static func list(of child: Traveller.ID, in group: TravelGroup.ID, _ act: Act) async throws -> [Device] {
        _ = try await Traveller.requireGuardian(of: child, in: group, act)
        return try await act.tx.all(IdentitySQL.devices(of: child, now: act.now))
    }

    static func revoke(_ device: Session.ID, of child: Traveller.ID, in group: TravelGroup.ID, _ act: Act) async throws
    {
        _ = try await Traveller.requireGuardian(of: child, in: group, act)
        guard try await act.tx.run(ChildPhoneSQL.revoke(device, of: child, at: act.now)) == 1 else {
            throw Refusal.notFound
        }
    }
}
