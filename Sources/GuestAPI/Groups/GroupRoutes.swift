import Foundation
import GuestModels
import HTTPTypes
import Postgres
import SyncMessages

/// The routes of groups and of their travellers.
enum GroupRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listGroups": list, "createGroup": create, "showGroup": show, "renameGroup": rename,
        "addTraveller": addTraveller, "changeTraveller": changeTraveller, "removeTraveller": removeTraveller,
        "addHousehold": addHousehold, "listInvitations": listInvitations, "invite": invite,
        "revokeInvitation": revokeInvitation, "showJoinPage": showJoinPage, "showInvitation": showInvitation,
        "listChildConsents": listChildConsents, "recordChildConsent": recordChildConsent,
        "admitPhone": admitPhone, "listPhones": listPhones, "revokePhone": revokePhone, "signInChild": signInChild,
        "showChildGroup": showChildGroup, "acceptInvitation": acceptInvitation, "leaveGroup": leave,
        "handOver": handOver,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        try .json(Page(items: await call.read { try await TravelGroup.list($0) }, next: nil))
    }

    private static func create(_ call: Call) async throws -> Answer {
        let request = try call.body(GroupRequest.self)
        let guest = try call.guest()
        return try await call.write { act in
            let group = try await TravelGroup.create(request, by: guest, act)
            return try .json(group, .created, version: group.version)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.group)
        let group = try await call.read { try await TravelGroup.show(id, $0) }
        return try .json(group, version: group.version)
    }

    private static func rename(_ call: Call) async throws -> Answer {
        let request = try call.body(GroupRename.self)
        let id = try call.path(Paths.group)
        let version = try call.expectedVersion()
        return try await call.write { act in
            try await TravelGroup.rename(id, to: request.name, expecting: version, act)
            return .noContent
        }
    }

    private static func addTraveller(_ call: Call) async throws -> Answer {
        let request = try call.body(TravellerRequest.self)
        let group = try call.path(Paths.groupTravellers)
        return try await call.write { act in
            let traveller = try await Traveller.add(request, to: group, act)
            return try .json(traveller, .created, version: traveller.version)
        }
    }

    private static func changeTraveller(_ call: Call) async throws -> Answer {
        let change = try call.body(TravellerChange.self)
        let (group, id) = try call.path(Paths.groupTraveller)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let traveller = try await Traveller.change(id, in: group, change, expecting: version, act)
            return try .json(traveller, version: traveller.version)
        }
    }

    private static func removeTraveller(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupTraveller)
        return try await call.write { act in
            try await Traveller.remove(id, from: group, act)
            return .noContent
        }
    }

    private static func listChildConsents(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupTravellerConsents)
        return try await call.write { act in
            try .json(await Traveller.consents(of: id, in: group, act))
        }
    }

    private static func recordChildConsent(_ call: Call) async throws -> Answer {
        let consent = try call.body(ConsentRequest.self)
        let (group, id) = try call.path(Paths.groupTravellerConsents)
        return try await call.write { act in
            try await Traveller.record(consent, of: id, in: group, act)
            return .noContent
        }
    }

    private static func admitPhone(_ call: Call) async throws -> Answer {
        let (group, child) = try call.path(Paths.groupTravellerPhones)
        return try await call.write { act in
            try .json(
                await AdmittedPhone.admit(child, in: group, act),
                .created
            )
        }
    }

    private static func signInChild(_ call: Call) async throws -> Answer {
        let request = try call.body(ChildSignInRequest.self)
        return try await call.write { act in
            try .json(await AdmittedPhone.signIn(request, act), .created)
        }
    }

    private static func listPhones(_ call: Call) async throws -> Answer {
        let (group, child) = try call.path(Paths.groupTravellerPhones)
        return try await call.write { act in
            try .json(await AdmittedPhone.list(of: child, in: group, act))
        }
    }

    private static func revokePhone(_ call: Call) async throws -> Answer {
        let (group, child, device) = try call.path(Paths.groupTravellerPhone)
        let answer = try await call.write { act in
            try await AdmittedPhone.revoke(device, of: child, in: group, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func showChildGroup(_ call: Call) async throws -> Answer {
        try .json(await call.read { try await ChildGroup.show($0) })
    }

    private static func addHousehold(_ call: Call) async throws -> Answer {
        let request = try call.body(HouseholdRequest.self)
        let group = try call.path(Paths.groupHouseholds)
        return try await call.write { act in
            try .json(
                await Household.add(request, to: group, act),
                .created
            )
        }
    }

    private static func listInvitations(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupInvitations)
        let invitations = try await call.read { try await Invitation.list(of: group, $0) }
        return try .json(Page(items: invitations, next: nil))
    }

    private static func invite(_ call: Call) async throws -> Answer {
        let request = try call.body(InvitationRequest.self)
        let group = try call.path(Paths.groupInvitations)
        return try await call.write { act in
            try .json(
                await Invitation.create(request, to: group, act),
                .created
            )
        }
    }

    private static func revokeInvitation(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupInvitation)
        return try await call.write { act in
            try await Invitation.revoke(id, of: group, act)
            return .noContent
        }
    }

    private static func showInvitation(_ call: Call) async throws -> Answer {
        let code = try ReadableCode.plain(call.path(Paths.invitation))
        try await Invitation.require(code, for: call.guest(), call.app, at: call.now)
        return try .json(await call.read { try await Invitation.preview(code, $0) })
    }

    /// The page that the link of an invitation shows in a browser without the app.
    private static func showJoinPage(_ call: Call) async throws -> Answer {
        let linkCode = try ReadableCode.plain(call.path(Paths.joinPage))
        let language = call.language
        guard let code = try await call.read({ try await Invitation.code(ofLink: linkCode, $0) }) else {
            return .page(Refusal.invitationOver.message[language], "", in: language, .notFound)
        }
        return JoinPage.show(code, at: call.app.settings.publicURL + Paths.joinPage(linkCode), in: language)
    }

    private static func acceptInvitation(_ call: Call) async throws -> Answer {
        let acceptance = call.bytes.isEmpty ? InvitationAcceptance() : try call.body(InvitationAcceptance.self)
        let guest = try call.guest()
        let code = try ReadableCode.plain(call.path(Paths.invitationAccept))
        try await Invitation.require(code, for: guest, call.app, at: call.now)
        return try await call.write { act in
            try .json(
                await Invitation.accept(code: code, acceptance, by: guest, act),
                .created
            )
        }
    }

    private static func leave(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupLeave)
        return try await call.write { act in
            try await Traveller.leave(group, act)
            return .noContent
        }
    }

    private static func handOver(_ call: Call) async throws -> Answer {
        let request = try call.body(HandOver.self)
        let group = try call.path(Paths.groupOrganiser)
        return try await call.write { act in
            try await Traveller.handOver(group, to: request.travellerId, act)
            return .noContent
        }
    }
}

extension Paths {
    static let groupTravellerPhone = Path(
        "/v1/groups/{group}/travellers/{traveller}/phones/{device}",
        TravelGroup.ID.self,
        Traveller.ID.self,
        Session.ID.self
    )
}
