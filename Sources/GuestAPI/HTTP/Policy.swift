import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The table of routes and of the principals that may call them.
///
/// Every route is mounted from a row here. The OpenAPI document's `x-authz` is compared with the row. A generated test
/// tries every row as every kind of principal.
enum Policy {
    /// The principals that a row lets in before anything is read.
    ///
    /// The verb decides whether the object belongs to the principal; an object of others is reported as not found.
    enum Who: Hashable, Sendable {
        case anyone
        /// A signed-in guest, for their own things.
        case guest
        /// A guest who is a member of the group the object belongs to.
        case member
        /// The organiser of that group.
        case organiser
        /// Staff of the park the object belongs to.
        case staff(StaffMember.Function)
        case headOffice
        /// Another system of the park, whose credential has that purpose.
        case system(SystemCredential.Purpose)
        /// A child whose phone a guardian has admitted: plans, albums and hunts; no money, no contact data.
        case child

        var description: String {
            switch self {
            case .anyone: "anyone"
            case .guest: "guest"
            case .member: "member"
            case .organiser: "organiser"
            case .staff(let function): "staff:\(function.rawValue)"
            case .headOffice: "headOffice"
            case .system(let purpose): "system:\(purpose.rawValue)"
            case .child: "child"
            }
        }
    }

    /// The class of a request; each class has a queue for times when the service is full.
    enum Load: String, CaseIterable, Sendable {
        case signIn
        /// A device that is signed in and needs a new access token.
        case refresh
        /// Parks, searches and documents for people without an account.
        case browsing
        /// A payer with a pay link and no account.
        case payLink
        case webhook
        case payment
        case booking
        case reading
        case desk

        /// The part of the capacity that its requests may use at most.
        ///
        /// The five classes that strangers can fill have less than half of it together.
        var sixteenths: Int {
            switch self {
            case .browsing: 3
            case .signIn, .refresh, .payLink, .webhook: 1
            case .payment: 8
            case .booking, .reading, .desk: 12
            }
        }

        /// The number of requests that may wait.
        var queueLength: Int {
            switch self {
            // Guests wait for an opening sale, and the payment provider may send an hour of webhooks at once.
            case .booking, .browsing, .webhook: 2000
            case .signIn, .refresh, .payLink, .payment, .reading, .desk: 500
            }
        }

        /// How long a place stays taken after its request.
        ///
        /// A sign-in costs rows, a mail and a job. The pause keeps strangers who ask for codes from using all cores.
        var pause: Duration { self == .signIn ? .milliseconds(10) : .zero }
    }

    /// The objects that reception may reach in a guest's name: those of the colleague's own parks.
    ///
    /// A row has `never` unless it says otherwise. Account, consents, debts, devices and the messages of friends have
    /// `never`.
    enum Desk: Sendable {
        case never
        /// The request makes something new that belongs to no park yet; the verb checks the object that the body names.
        case beginning
        /// The group in the path; it stays at one of the parks, or it stays nowhere and the parks know its guest.
        case group
        /// The booking in the path, or the booking of the share in it.
        case booking
    }

    /// The proof that a row wants of a colleague who needs a second factor.
    enum Factor: Sendable {
        /// Once, since this device was signed in.
        case proved
        /// Proved within the last ten minutes, for actions that cannot be undone.
        case fresh
        /// No proof, for the routes that lead to a proof.
        case none
    }

    enum Key: Sendable {
        /// An `Idempotency-Key` is ignored: the request is a read, or harmless to repeat.
        case none
        case accepted
        case required
    }

    struct Row: Sendable {
        let name: String
        let method: HTTPRequest.Method
        let path: String
        let who: Set<Who>
        let load: Load
        let key: Key
        /// The request must say which version it changes.
        let needsMatch: Bool
        let desk: Desk
        let factor: Factor
        /// The time limit for reads of the database.
        let pace: Database.Pace
        /// True if a colleague's look is written to the audit and shown to the guests concerned.
        let isPersonal: Bool
        /// Days for which a repeat is recognised: 2, or 400 for requests that move money, longer than any accounting year.
        let keyDays: Int

        init(
            _ name: String,
            _ method: HTTPRequest.Method,
            _ path: String,
            _ who: Set<Who>,
            _ load: Load = .reading,
            key: Key? = nil,
            keyDays: Int = 2,
            needsMatch: Bool = false,
            desk: Desk = .never,
            factor: Factor = .proved,
            pace: Database.Pace = .quick,
            isPersonal: Bool = false
        ) {
            self.name = name
            self.method = method
            self.path = path
            self.who = who
            self.load = load
            self.key = key ?? (method == .post ? .accepted : .none)
            self.needsMatch = needsMatch
            self.desk = desk
            self.factor = factor
            self.pace = pace
            self.isPersonal = isPersonal
            self.keyDays = keyDays
        }

        /// The class that a request waits in: without a token, guests' reads and searches are `browsing`.
        func load(hasToken: Bool) -> Load {
            switch load {
            case .reading, .booking: who.contains(.anyone) && !hasToken ? .browsing : load
            case .signIn, .refresh, .browsing, .payLink, .webhook, .payment, .desk: load
            }
        }

        /// Throws `factorNeeded` or `factorStale` for a colleague who needs a second factor and has not proved it as the row
        /// wants.
        func requireFactor(_ credentials: Credentials, at now: Date) throws(Refusal) {
            guard case .staff(let member) = credentials.principal, member.needsSecondFactor, !who.contains(.anyone)
            else { return }
            switch factor {
            case .none: return
            case .proved:
                guard credentials.factorAt != nil else { throw .factorNeeded }
            case .fresh:
                guard let provedAt = credentials.factorAt else { throw .factorNeeded }
                guard now.timeIntervalSince(provedAt) < Credentials.freshness else { throw .factorStale }
            }
        }

        /// Throws 401 for a request without sign-in, and 403 for a principal that the row does not let in.
        func admit(_ principal: Principal) throws(Refusal) {
            if who.contains(.anyone) { return }
            switch principal {
            case .nobody: throw .signInNeeded
            case .job: throw .forbidden
            case .system(let credential):
                guard who.contains(.system(credential.purpose)) else { throw .forbidden }
            case .child:
                guard who.contains(.child) else { throw .forbidden }
            case .guest:
                guard !who.isDisjoint(with: [.guest, .member, .organiser]) else { throw .forbidden }
            case .staff(let member):
                let functions = Set(member.posts.map { Who.staff($0.function) })
                guard member.isHeadOffice && who.contains(.headOffice) || !who.isDisjoint(with: functions) else {
                    throw .forbidden
                }
            }
        }
    }

    private static let front: Set<Who> = [.staff(.reception), .staff(.host), .headOffice]
    private static let upkeep: Set<Who> = [.staff(.reception), .staff(.maintenance), .headOffice]
    private static let money: Set<Who> = [.staff(.reception), .staff(.finance), .headOffice]
    private static let books: Set<Who> = [.staff(.finance), .system(.books), .headOffice]
    private static let reporters: Set<Who> = [.staff(.reception), .system(.reports), .headOffice]
    private static let payers = money.union([.member])
    private static let service = front.union([.staff(.housekeeping)])
    private static let house = service.union([.staff(.maintenance)])
    private static let anyStaff = Set(StaffMember.Function.allCases.map { Who.staff($0) } + [.headOffice])

    static let rows: [Row] = [
        // Identity
        Row("requestCode", .post, "/v1/auth/codes", [.anyone], .signIn, key: Key.none),
        Row("signIn", .post, "/v1/auth/sessions", [.anyone], .signIn, key: Key.none),
        Row("signInByLink", .post, "/v1/auth/sessions/link", [.anyone], .signIn, key: Key.none),
        Row("showSignInPage", .get, "/sign-in/{token}", [.anyone], .signIn),
        Row("showSignInCode", .post, "/sign-in/{token}", [.anyone], .signIn, key: Key.none),
        Row("refresh", .post, "/v1/auth/refresh", [.anyone], .refresh, key: Key.none),
        Row(
            "signOut",
            .delete,
            "/v1/auth/sessions/current",
            anyStaff.union([.guest, .child]),
            .reading,
            factor: .none
        ),
        // These rows take no keys, because an answer with a secret must not be kept.
        Row("enrolFactor", .post, "/v1/staff/second-factor", anyStaff, .desk, key: Key.none, factor: .none),
        Row(
            "confirmFactor",
            .post,
            "/v1/staff/second-factor/confirmation",
            anyStaff,
            .desk,
            key: Key.none,
            factor: .none
        ),
        Row(
            "proveFactor",
            .post,
            "/v1/auth/sessions/current/second-factor",
            anyStaff,
            .desk,
            key: Key.none,
            factor: .none
        ),
        Row(
            "renewRecoveryCodes",
            .post,
            "/v1/staff/second-factor/recovery-codes",
            anyStaff,
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "removeFactor",
            .delete,
            "/v1/admin/staff/{colleague}/second-factor",
            [.headOffice],
            .desk,
            factor: .fresh
        ),
        Row("signInChild", .post, "/v1/auth/children", [.anyone], .signIn, key: Key.none),
        Row("showMe", .get, "/v1/me", [.guest]),
        Row("changeMe", .patch, "/v1/me", [.guest], needsMatch: true),
        Row("eraseMe", .delete, "/v1/me", [.guest]),
        Row("exportMe", .get, "/v1/me/export", [.guest]),
        Row("listConsents", .get, "/v1/me/consents", [.guest]),
        Row("recordConsent", .post, "/v1/me/consents", [.guest]),
        Row("listDevices", .get, "/v1/me/devices", [.guest]),
        Row("revokeDevice", .delete, "/v1/me/devices/{device}", [.guest], .reading),
        Row("showMailChange", .get, "/v1/me/mail-change", [.guest], .reading),
        Row("askMailChange", .put, "/v1/me/mail-change", [.guest], .reading),
        Row("confirmMailChange", .post, "/v1/me/mail-change/confirmation", [.guest], .reading, key: Key.none),
        Row("stopMailChange", .delete, "/v1/me/mail-change", [.guest], .reading),
        Row("listDeskActions", .get, "/v1/me/desk-actions", [.guest], pace: .slow),
        Row("registerPushToken", .put, "/v1/auth/sessions/current/push", anyStaff.union([.guest]), .reading),
        Row("forgetPushToken", .delete, "/v1/auth/sessions/current/push", anyStaff.union([.guest]), .reading),
        Row("showNotices", .get, "/v1/me/notices", [.guest]),
        Row("changeNotices", .put, "/v1/me/notices", [.guest]),
        Row("showStaffMe", .get, "/v1/staff/me", anyStaff, .desk, factor: .none),
        Row("listStaff", .get, "/v1/admin/staff", [.headOffice], .desk),
        Row("addStaff", .post, "/v1/admin/staff", [.headOffice], .desk, factor: .fresh),
        Row("showStaff", .get, "/v1/admin/staff/{colleague}", [.headOffice], .desk),
        Row(
            "changeStaff",
            .put,
            "/v1/admin/staff/{colleague}",
            [.headOffice],
            .desk,
            needsMatch: true,
            factor: .fresh
        ),
        Row("endStaff", .delete, "/v1/admin/staff/{colleague}", [.headOffice], .desk, factor: .fresh),
        Row("listStaffDevices", .get, "/v1/admin/staff/{colleague}/devices", [.headOffice], .desk),
        Row("revokeStaffDevice", .delete, "/v1/admin/staff/{colleague}/devices/{device}", [.headOffice], .desk),
        // Parks
        Row("listParks", .get, "/v1/parks", [.anyone]),
        Row("showPark", .get, "/v1/parks/{park}", [.anyone]),
        Row("showMap", .get, "/v1/parks/{park}/map", [.anyone], pace: .slow),
        Row("searchPark", .get, "/v1/parks/{park}/availability", [.anyone], .booking, pace: .slow),
        Row("searchAllParks", .get, "/v1/availability", [.anyone], .booking, pace: .slow),
        Row("createPark", .post, "/v1/admin/parks", [.headOffice], .desk),
        Row("changePark", .put, "/v1/admin/parks/{park}", [.headOffice], .desk, needsMatch: true),
        Row("createCottageType", .post, "/v1/admin/parks/{park}/cottage-types", [.headOffice], .desk),
        Row("changeCottageType", .put, "/v1/admin/cottage-types/{type}", [.headOffice], .desk, needsMatch: true),
        Row("createCottage", .post, "/v1/admin/parks/{park}/cottages", [.headOffice], .desk),
        Row("changeCottage", .put, "/v1/admin/cottages/{cottage}", upkeep, .desk, needsMatch: true),
        Row("listRates", .get, "/v1/admin/cottage-types/{type}/rates", front, .desk),
        Row("createRate", .post, "/v1/admin/cottage-types/{type}/rates", [.headOffice], .desk),
        Row("changeRate", .put, "/v1/admin/rates/{rate}", [.headOffice], .desk, needsMatch: true),
        Row("deleteRate", .delete, "/v1/admin/rates/{rate}", [.headOffice], .desk),
        Row("listClosures", .get, "/v1/admin/parks/{park}/closures", upkeep, .desk),
        Row("closeCottage", .post, "/v1/admin/cottages/{cottage}/closures", upkeep, .desk),
        Row("reopenCottage", .delete, "/v1/admin/closures/{closure}", upkeep, .desk),
        Row("listCredentials", .get, "/v1/admin/parks/{park}/credentials", [.headOffice], .desk),
        // This row takes no key, because an answer with a token must not be kept.
        Row(
            "makeCredential",
            .post,
            "/v1/admin/parks/{park}/credentials",
            [.headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row("endCredential", .delete, "/v1/admin/parks/{park}/credentials/{credential}", [.headOffice], .desk),
        Row("listAudit", .get, "/v1/admin/parks/{park}/audit", [.headOffice], .desk, pace: .slow),
        // Groups
        Row("listGroups", .get, "/v1/groups", [.guest]),
        Row("createGroup", .post, "/v1/groups", [.guest], desk: .beginning),
        Row("showGroup", .get, "/v1/groups/{group}", front.union([.member]), desk: .group, isPersonal: true),
        Row("renameGroup", .patch, "/v1/groups/{group}", [.organiser], needsMatch: true, desk: .group),
        Row("addTraveller", .post, "/v1/groups/{group}/travellers", [.member], desk: .group),
        Row(
            "changeTraveller",
            .patch,
            "/v1/groups/{group}/travellers/{traveller}",
            [.member],
            needsMatch: true,
            desk: .group
        ),
        Row("removeTraveller", .delete, "/v1/groups/{group}/travellers/{traveller}", [.organiser], desk: .group),
        Row("listChildConsents", .get, "/v1/groups/{group}/travellers/{traveller}/consents", [.member]),
        Row("recordChildConsent", .post, "/v1/groups/{group}/travellers/{traveller}/consents", [.member]),
        Row(
            "admitPhone",
            .post,
            "/v1/groups/{group}/travellers/{traveller}/phones",
            [.member],
            .reading,
            key: Key.none
        ),
        Row("listPhones", .get, "/v1/groups/{group}/travellers/{traveller}/phones", [.member], .reading),
        Row(
            "revokePhone",
            .delete,
            "/v1/groups/{group}/travellers/{traveller}/phones/{device}",
            [.member],
            .reading
        ),
        Row("showChildGroup", .get, "/v1/child", [.child]),
        Row("addHousehold", .post, "/v1/groups/{group}/households", [.member], desk: .group),
        Row("listInvitations", .get, "/v1/groups/{group}/invitations", [.organiser]),
        Row("invite", .post, "/v1/groups/{group}/invitations", [.organiser]),
        Row("revokeInvitation", .delete, "/v1/groups/{group}/invitations/{invitation}", [.organiser]),
        Row("showJoinPage", .get, "/join/{code}", [.anyone], .browsing),
        Row("showInvitation", .get, "/v1/invitations/{code}", [.guest]),
        Row("acceptInvitation", .post, "/v1/invitations/{code}/accept", [.guest]),
        Row("leaveGroup", .post, "/v1/groups/{group}/leave", [.member]),
        Row("handOver", .post, "/v1/groups/{group}/organiser", [.organiser]),
        // Planning
        Row("listOptions", .get, "/v1/groups/{group}/options", [.member]),
        Row("proposeOption", .post, "/v1/groups/{group}/options", [.member]),
        Row("withdrawOption", .delete, "/v1/groups/{group}/options/{option}", [.member]),
        Row("voteOnOption", .put, "/v1/groups/{group}/options/{option}/vote", [.member]),
        Row("attendOption", .put, "/v1/groups/{group}/options/{option}/attendance", [.member]),
        Row(
            "promoteOption",
            .post,
            "/v1/groups/{group}/options/{option}/promote",
            [.organiser],
            .booking,
            key: .required
        ),
        Row("listPlanItems", .get, "/v1/groups/{group}/plan-items", [.member]),
        Row("addPlanItem", .post, "/v1/groups/{group}/plan-items", [.member]),
        Row("changePlanItem", .patch, "/v1/groups/{group}/plan-items/{item}", [.member]),
        Row("deletePlanItem", .delete, "/v1/groups/{group}/plan-items/{item}", [.member]),
        Row("restorePlanItem", .post, "/v1/groups/{group}/plan-items/{item}/restore", [.member]),
        Row("attendPlanItem", .put, "/v1/groups/{group}/plan-items/{item}/attendance", [.member]),
        Row("showPlanHistory", .get, "/v1/groups/{group}/plan-items/{item}/history", [.member]),
        Row("undoPlanChange", .post, "/v1/groups/{group}/plan-items/{item}/undo", [.member]),
        Row("listChildPlan", .get, "/v1/child/plan-items", [.child]),
        // Messages
        Row("listTopics", .get, "/v1/groups/{group}/topics", [.member]),
        Row("openTopic", .post, "/v1/groups/{group}/topics", [.member]),
        Row("showTopic", .get, "/v1/groups/{group}/topics/{topic}", [.member]),
        Row("writeInTopic", .post, "/v1/groups/{group}/topics/{topic}/messages", [.member]),
        Row("closeTopic", .post, "/v1/groups/{group}/topics/{topic}/close", [.member]),
        Row("listMessages", .get, "/v1/groups/{group}/messages", [.member]),
        Row("writeMessage", .post, "/v1/groups/{group}/messages", [.member]),
        Row("takeMessageBack", .delete, "/v1/groups/{group}/messages/{message}", [.member]),
        Row("sendPhoto", .put, "/v1/groups/{group}/photos/{photo}", [.member]),
        Row("showPhoto", .get, "/v1/groups/{group}/photos/{photo}", [.member]),
        Row("showHostedPhoto", .get, "/v1/admin/topics/{topic}/photos/{photo}", front, .desk, isPersonal: true),
        Row("showInbox", .get, "/v1/admin/parks/{park}/inbox", front, .desk),
        Row("showHostedTopic", .get, "/v1/admin/topics/{topic}", front, .desk),
        Row("answerTopic", .post, "/v1/admin/topics/{topic}/messages", front, .desk),
        // Sync
        Row("registerSyncDevice", .post, "/v1/sync/devices", [.guest], key: Key.none),
        Row("sync", .post, "/v1/sync", [.guest], key: Key.none),
        Row("hearOfChanges", .get, "/v1/sync/live", [.guest]),
        Row("showDigest", .get, "/v1/sync/scopes/{scope}/digest", [.guest]),
        // Booking
        Row("placeBooking", .post, "/v1/bookings", [.member], .booking, key: .required, desk: .beginning),
        Row("showBooking", .get, "/v1/bookings/{booking}", front.union([.member]), .booking, desk: .booking),
        Row(
            "extendHold",
            .post,
            "/v1/bookings/{booking}/extend",
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "confirmBooking",
            .post,
            "/v1/bookings/{booking}/confirm",
            front.union([.organiser]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "cancelBooking",
            .post,
            "/v1/bookings/{booking}/cancel",
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "undoMistake",
            .post,
            "/v1/bookings/{booking}/undo",
            front.union([.organiser]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("quoteChange", .post, "/v1/bookings/{booking}/quotes", front.union([.organiser]), .booking, desk: .booking),
        Row(
            "changeBooking",
            .post,
            "/v1/bookings/{booking}/changes",
            front.union([.organiser]),
            .booking,
            key: .required,
            needsMatch: true,
            desk: .booking
        ),
        Row(
            "agreePrice",
            .post,
            "/v1/admin/bookings/{booking}/price",
            front,
            .desk,
            key: .required,
            needsMatch: true
        ),
        // Shares
        Row("listShares", .get, "/v1/bookings/{booking}/shares", front.union([.member]), .booking, desk: .booking),
        Row(
            "showStatement",
            .get,
            "/v1/bookings/{booking}/statement",
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("splitBooking", .put, "/v1/bookings/{booking}/shares", front.union([.organiser]), .booking, desk: .booking),
        Row(
            "previewSplit",
            .post,
            "/v1/bookings/{booking}/shares/preview",
            front.union([.organiser]),
            .booking,
            key: Key.none,
            desk: .booking
        ),
        Row(
            "agreeToShare",
            .post,
            "/v1/shares/{share}/agreement",
            [.member],
            .booking,
            key: .required,
            needsMatch: true
        ),
        Row(
            "backBooking",
            .post,
            "/v1/bookings/{booking}/backing",
            [.organiser],
            .booking,
            key: .required,
            needsMatch: true
        ),
        Row("endCover", .delete, "/v1/shares/{share}/cover", [.member], .booking),
        // Money
        Row(
            "takeAtTill",
            .post,
            "/v1/admin/shares/{share}/till-payments",
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "refundAtTill",
            .post,
            "/v1/admin/shares/{share}/till-refunds",
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "reverseAtTill",
            .post,
            "/v1/admin/till-payments/{payment}/reversal",
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "showTill",
            .get,
            "/v1/admin/parks/{park}/till",
            [.staff(.reception), .staff(.finance), .headOffice],
            .desk
        ),
        Row(
            "closeTill",
            .post,
            "/v1/admin/parks/{park}/till/close",
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row("showLedger", .get, "/v1/bookings/{booking}/ledger", front.union([.member, .staff(.finance)]), .booking),
        // The payment provider
        Row("startPayment", .post, "/v1/shares/{share}/payments", [.member], .payment, key: .required, keyDays: 400),
        Row("showPayment", .get, "/v1/payments/{payment}", front.union([.member, .staff(.finance)]), .payment),
        Row("endPayment", .post, "/v1/payments/{payment}/cancel", [.member], .payment, keyDays: 400),
        Row("reassignShare", .post, "/v1/shares/{share}/reassignment", [.member], .booking, key: .required),
        Row("withdrawShare", .post, "/v1/shares/{share}/withdrawal", [.member], .booking, key: .required),
        Row(
            "createPayLink",
            .post,
            "/v1/shares/{share}/links",
            front.union([.member]),
            .booking,
            key: Key.none,
            desk: .booking
        ),
        Row(
            "revokePayLink",
            .delete,
            "/v1/shares/{share}/links/{link}",
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("showPayLink", .get, "/v1/pay-links/{token}", [.anyone], .payLink),
        Row("payByLink", .post, "/v1/pay-links/{token}/payments", [.anyone], .payLink, key: Key.none),
        Row("showLinkPayment", .get, "/v1/pay-links/{token}/payments/{payment}", [.anyone], .payLink),
        Row("showPayPage", .get, "/pay/{token}", [.anyone], .payLink),
        Row("startPayPage", .post, "/pay/{token}", [.anyone], .payLink, key: Key.none),
        Row("receiveEvent", .post, "/v1/webhooks/stripe", [.anyone], .webhook, key: Key.none),
        Row("listAttempts", .get, "/v1/admin/bookings/{booking}/payments", money, .desk),
        Row(
            "giveGoodwill",
            .post,
            "/v1/admin/shares/{share}/goodwill",
            front.union([.staff(.finance)]),
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "approveGoodwill",
            .post,
            "/v1/admin/goodwill/{goodwill}/approval",
            [.staff(.finance), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "refuseGoodwill",
            .post,
            "/v1/admin/goodwill/{goodwill}/refusal",
            front.union([.staff(.finance)]),
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row("listDebts", .get, "/v1/admin/parks/{park}/debts", money, .desk),
        Row("listGoodwill", .get, "/v1/admin/parks/{park}/goodwill", front.union([.staff(.finance)]), .desk),
        Row(
            "issueInvoice",
            .post,
            "/v1/shares/{share}/invoices",
            payers,
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("listInvoices", .get, "/v1/shares/{share}/invoices", payers, .booking, desk: .booking),
        Row("showInvoice", .get, "/v1/invoices/{invoice}", payers, .booking),
        Row("printInvoice", .get, "/v1/invoices/{invoice}/pdf", payers, .booking),
        Row("listParkInvoices", .get, "/v1/admin/parks/{park}/invoices", books, .desk, pace: .slow),
        Row("showReconciliation", .get, "/v1/admin/reconciliation", books, .desk, pace: .slow),
        Row("listJournals", .get, "/v1/admin/parks/{park}/journals", books, .desk, pace: .slow),
        Row("listSellerJournals", .get, "/v1/admin/journals", [.headOffice], .desk, pace: .slow),
        Row("reportTouristTax", .get, "/v1/admin/parks/{park}/tourist-tax", books, .desk, pace: .slow),
        // Extras
        Row("listExtras", .get, "/v1/parks/{park}/extras", [.anyone]),
        Row(
            "orderExtra",
            .post,
            "/v1/bookings/{booking}/extras",
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "cancelExtra",
            .delete,
            "/v1/bookings/{booking}/extras/{order}",
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("createExtra", .post, "/v1/admin/parks/{park}/extras", [.headOffice], .desk),
        Row("changeExtra", .put, "/v1/admin/extras/{extra}", [.headOffice], .desk, needsMatch: true),
        Row("setStock", .put, "/v1/admin/extras/{extra}/stock", front, .desk),
        Row("listExtrasToPrepare", .get, "/v1/admin/parks/{park}/extras/orders", service, .desk),
        // Arrival
        Row("setArrivalTime", .put, "/v1/bookings/{booking}/arrival", front.union([.member]), .booking, desk: .booking),
        Row(
            "settleCottage",
            .put,
            "/v1/bookings/{booking}/cottages/{cottage}/households",
            front.union([.organiser]),
            desk: .booking
        ),
        Row(
            "enterRegister",
            .put,
            "/v1/bookings/{booking}/register/{traveller}",
            front.union([.member]),
            desk: .booking
        ),
        Row("showRegister", .get, "/v1/admin/bookings/{booking}/register", front, .desk),
        Row(
            "checkIn",
            .post,
            "/v1/bookings/{booking}/check-in",
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "checkOut",
            .post,
            "/v1/bookings/{booking}/check-out",
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("noShow", .post, "/v1/admin/bookings/{booking}/no-show", front, .desk, key: .required),
        Row("showAccess", .get, "/v1/bookings/{booking}/access", [.member], desk: .booking),
        Row("setAccess", .put, "/v1/admin/cottages/{cottage}/access", upkeep, .desk),
        Row("setReadiness", .put, "/v1/admin/cottages/{cottage}/readiness", house, .desk),
        Row("listReadiness", .get, "/v1/admin/parks/{park}/readiness", house, .desk),
        Row("createCalendar", .post, "/v1/groups/{group}/calendar", [.member], key: Key.none),
        Row("showCalendar", .get, "/v1/calendars/{calendar}", [.anyone]),
        // Guest books
        Row(
            "listGuestBook",
            .get,
            "/v1/bookings/{booking}/cottages/{cottage}/guest-book",
            front.union([.member]),
            desk: .booking
        ),
        Row(
            "writeInGuestBook",
            .put,
            "/v1/bookings/{booking}/cottages/{cottage}/guest-book",
            [.member],
            desk: .booking
        ),
        // Desk
        Row("listArrivals", .get, "/v1/admin/parks/{park}/arrivals", service, .desk),
        Row("listDepartures", .get, "/v1/admin/parks/{park}/departures", service, .desk),
        Row("searchBookings", .get, "/v1/admin/parks/{park}/bookings", front, .desk, pace: .slow),
        Row(
            "moveBooking",
            .post,
            "/v1/admin/bookings/{booking}/move",
            front,
            .desk,
            key: .required,
            needsMatch: true
        ),
        Row("createDeskGuest", .post, "/v1/admin/parks/{park}/guests", [.staff(.reception), .headOffice], .desk),
        Row(
            "searchGuests",
            .get,
            "/v1/admin/parks/{park}/guests",
            [.staff(.reception), .headOffice],
            .desk,
            pace: .slow
        ),
        Row(
            "changeDeskGuest",
            .patch,
            "/v1/admin/parks/{park}/guests/{guest}",
            [.staff(.reception), .headOffice],
            .desk
        ),
        Row(
            "eraseDeskGuest",
            .post,
            "/v1/admin/parks/{park}/guests/{guest}/erasure",
            [.staff(.reception), .headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "letGuestIn",
            .post,
            "/v1/admin/parks/{park}/guests/{guest}/sign-in-link",
            [.staff(.reception), .headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "walkIn",
            .post,
            "/v1/admin/parks/{park}/walk-ins",
            [.staff(.reception), .headOffice],
            .desk,
            key: .required
        ),
        Row(
            "listChanges",
            .get,
            "/v1/admin/changes",
            [.staff(.finance), .system(.feed), .headOffice],
            .desk,
            pace: .slow
        ),
        Row(
            "reportReservation",
            .put,
            "/v1/admin/parks/{park}/reservations/{number}",
            reporters,
            .desk
        ),
        Row(
            "withdrawReservation",
            .delete,
            "/v1/admin/parks/{park}/reservations/{number}",
            reporters,
            .desk
        ),
        Row("showDay", .get, "/v1/admin/parks/{park}/day", house, .desk),
        Row("listTasks", .get, "/v1/admin/parks/{park}/tasks", anyStaff, .desk),
        Row("createTask", .post, "/v1/admin/parks/{park}/tasks", anyStaff, .desk),
        Row("showTask", .get, "/v1/admin/tasks/{task}", anyStaff, .desk),
        Row("changeTask", .patch, "/v1/admin/tasks/{task}", anyStaff, .desk, needsMatch: true),
        Row("writeNote", .post, "/v1/admin/parks/{park}/notes", anyStaff, .desk),
        Row("endNote", .delete, "/v1/admin/parks/{park}/notes/{note}", anyStaff, .desk),
        Row("listDeadJobs", .get, "/v1/admin/jobs", [.headOffice], .desk),
        Row("retryJob", .post, "/v1/admin/jobs/{job}/retry", [.headOffice], .desk),
        // The service itself
        Row("showOpenAPI", .get, "/openapi.yaml", [.anyone]),
        Row("showDocs", .get, "/docs", [.anyone]),
        Row("showDocsFile", .get, "/docs/{file}", [.anyone]),
    ]
}
