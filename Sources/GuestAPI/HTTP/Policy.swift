import Foundation
import GuestModels
import HTTPTypes
import Postgres
import SyncMessages

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
        /// The organiser of the group the object belongs to.
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

        /// The number of requests that may wait for a place; a request more is refused with 503.
        var queueLength: Int {
            switch self {
            // Guests wait for an opening sale, and the payment provider may send an hour of webhooks at once.
            case .booking, .browsing, .webhook: 2000
            case .signIn, .refresh, .payLink, .payment, .reading, .desk: 500
            }
        }

        /// The time for which a place in the service stays taken after its request.
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
        /// A proof at any time since the device was signed in.
        case proved
        /// A proof within the last ten minutes, for actions that cannot be undone.
        case fresh
        /// No proof, for the routes that lead to a proof.
        case none
    }

    /// The body that a row takes.
    enum Takes: Hashable, Sendable {
        /// At most 64 KiB of JSON, read before the request gets a place in the service.
        case json
        /// Bytes, read by the handler, without a place in the service while they flow.
        ///
        /// The number is the most bytes of a whole upload, which `OPTIONS` tells.
        case bytes(atMost: Int)
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
        /// Whether the request must name the version that it changes, in the header `If-Match`.
        let needsMatch: Bool
        let desk: Desk
        let factor: Factor
        /// The time limit for reads of the database.
        let pace: Database.Pace
        /// True if a colleague's look is written to the audit and shown to the guests concerned.
        let isPersonal: Bool
        let takes: Takes
        /// The number of days for which a repeated request is recognised.
        ///
        /// The number is 2, or 400 for requests that move money, which is longer than any accounting year.
        let keyDays: Int

        init<each Value>(
            _ name: String,
            _ method: HTTPRequest.Method,
            _ path: Path<repeat each Value>,
            _ who: Set<Who>,
            _ load: Load = .reading,
            key: Key? = nil,
            keyDays: Int = 2,
            needsMatch: Bool = false,
            desk: Desk = .never,
            factor: Factor = .proved,
            pace: Database.Pace = .quick,
            isPersonal: Bool = false,
            takes: Takes = .json
        ) {
            self.name = name
            self.method = method
            self.path = path.pattern
            self.who = who
            self.load = load
            self.key = key ?? (method == .post ? .accepted : .none)
            self.needsMatch = needsMatch
            self.desk = desk
            self.factor = factor
            self.pace = pace
            self.isPersonal = isPersonal
            self.takes = takes
            self.keyDays = keyDays
        }

        /// The class that a request waits in: without a token, guests' reads and searches are `browsing`.
        func load(hasToken: Bool) -> Load {
            switch load {
            case .reading, .booking: who.contains(.anyone) && !hasToken ? .browsing : load
            case .signIn, .refresh, .browsing, .payLink, .webhook, .payment, .desk: load
            }
        }

        /// Checks the proof of a colleague who needs a second factor.
        ///
        /// Throws `factorNeeded` without a proof that the row wants, and `factorStale` for a proof that is too old.
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
    /// Members of the group, and children of the group with a phone.
    private static let album: Set<Who> = [.member, .child]
    private static let service = front.union([.staff(.housekeeping)])
    private static let house = service.union([.staff(.maintenance)])
    private static let anyStaff = Set(StaffMember.Function.allCases.map { Who.staff($0) } + [.headOffice])

    static let rows: [Row] = [
        // Signing in, profiles and devices.
        Row("requestCode", .post, Paths.authCodes, [.anyone], .signIn, key: Key.none),
        Row("signIn", .post, Paths.authSessions, [.anyone], .signIn, key: Key.none),
        Row("signInByLink", .post, Paths.authSessionsLink, [.anyone], .signIn, key: Key.none),
        Row("showSignInPage", .get, Paths.signInPage, [.anyone], .signIn),
        Row("showSignInCode", .post, Paths.signInPage, [.anyone], .signIn, key: Key.none),
        Row("refresh", .post, Paths.authRefresh, [.anyone], .refresh, key: Key.none),
        Row(
            "signOut",
            .delete,
            Paths.authSessionsCurrent,
            anyStaff.union([.guest, .child]),
            .reading,
            factor: .none
        ),
        // These rows take no keys, because an answer with a secret must not be kept.
        Row("enrolFactor", .post, Paths.staffSecondFactor, anyStaff, .desk, key: Key.none, factor: .none),
        Row(
            "confirmFactor",
            .post,
            Paths.staffSecondFactorConfirmation,
            anyStaff,
            .desk,
            key: Key.none,
            factor: .none
        ),
        Row(
            "proveFactor",
            .post,
            Paths.authSessionsCurrentSecondFactor,
            anyStaff,
            .desk,
            key: Key.none,
            factor: .none
        ),
        Row(
            "renewRecoveryCodes",
            .post,
            Paths.staffSecondFactorRecoveryCodes,
            anyStaff,
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "removeFactor",
            .delete,
            Paths.adminColleagueSecondFactor,
            [.headOffice],
            .desk,
            factor: .fresh
        ),
        Row("signInChild", .post, Paths.authChildren, [.anyone], .signIn, key: Key.none),
        Row("showMe", .get, Paths.me, [.guest]),
        Row("changeMe", .patch, Paths.me, [.guest], needsMatch: true),
        Row("eraseMe", .delete, Paths.me, [.guest]),
        Row("exportMe", .get, Paths.meExport, [.guest]),
        Row("listConsents", .get, Paths.meConsents, [.guest]),
        Row("recordConsent", .post, Paths.meConsents, [.guest]),
        Row("listDevices", .get, Paths.meDevices, [.guest]),
        Row("revokeDevice", .delete, Paths.meDevice, [.guest], .reading),
        Row("showMailChange", .get, Paths.meMailChange, [.guest], .reading),
        Row("askMailChange", .put, Paths.meMailChange, [.guest], .reading),
        Row("confirmMailChange", .post, Paths.meMailChangeConfirmation, [.guest], .reading, key: Key.none),
        Row("stopMailChange", .delete, Paths.meMailChange, [.guest], .reading),
        Row("listDeskActions", .get, Paths.meDeskActions, [.guest], pace: .slow),
        Row("registerPushToken", .put, Paths.authSessionsCurrentPush, anyStaff.union([.guest]), .reading),
        Row("forgetPushToken", .delete, Paths.authSessionsCurrentPush, anyStaff.union([.guest]), .reading),
        Row("showNotices", .get, Paths.meNotices, [.guest]),
        Row("changeNotices", .put, Paths.meNotices, [.guest]),
        Row("showStaffMe", .get, Paths.staffMe, anyStaff, .desk, factor: .none),
        Row("listStaff", .get, Paths.adminStaff, [.headOffice], .desk),
        Row("addStaff", .post, Paths.adminStaff, [.headOffice], .desk, factor: .fresh),
        Row("showStaff", .get, Paths.adminColleague, [.headOffice], .desk),
        Row(
            "changeStaff",
            .put,
            Paths.adminColleague,
            [.headOffice],
            .desk,
            needsMatch: true,
            factor: .fresh
        ),
        Row("endStaff", .delete, Paths.adminColleague, [.headOffice], .desk, factor: .fresh),
        Row("listStaffDevices", .get, Paths.adminColleagueDevices, [.headOffice], .desk),
        Row("revokeStaffDevice", .delete, Paths.adminColleagueDevice, [.headOffice], .desk),
        // Parks, cottages and rates.
        Row("listParks", .get, Paths.parks, [.anyone]),
        Row("showPark", .get, Paths.park, [.anyone]),
        Row("showMap", .get, Paths.parkMap, [.anyone], pace: .slow),
        Row("searchPark", .get, Paths.parkAvailability, [.anyone], .booking, pace: .slow),
        Row("searchAllParks", .get, Paths.availability, [.anyone], .booking, pace: .slow),
        Row("createPark", .post, Paths.adminParks, [.headOffice], .desk),
        Row("changePark", .put, Paths.adminPark, [.headOffice], .desk, needsMatch: true),
        Row("createCottageType", .post, Paths.adminParkCottageTypes, [.headOffice], .desk),
        Row("changeCottageType", .put, Paths.adminCottageType, [.headOffice], .desk, needsMatch: true),
        Row("createCottage", .post, Paths.adminParkCottages, [.headOffice], .desk),
        Row("changeCottage", .put, Paths.adminCottage, upkeep, .desk, needsMatch: true),
        Row("listRates", .get, Paths.adminCottageTypeRates, front, .desk),
        Row("createRate", .post, Paths.adminCottageTypeRates, [.headOffice], .desk),
        Row("changeRate", .put, Paths.adminRate, [.headOffice], .desk, needsMatch: true),
        Row("deleteRate", .delete, Paths.adminRate, [.headOffice], .desk),
        Row("listClosures", .get, Paths.adminParkClosures, upkeep, .desk),
        Row("closeCottage", .post, Paths.adminCottageClosures, upkeep, .desk),
        Row("reopenCottage", .delete, Paths.adminClosure, upkeep, .desk),
        Row("listCredentials", .get, Paths.adminParkCredentials, [.headOffice], .desk),
        // This row takes no key, because an answer with a token must not be kept.
        Row(
            "makeCredential",
            .post,
            Paths.adminParkCredentials,
            [.headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row("endCredential", .delete, Paths.adminParkCredential, [.headOffice], .desk),
        Row("listAudit", .get, Paths.adminParkAudit, [.headOffice], .desk, pace: .slow),
        // Travel groups.
        Row("listGroups", .get, Paths.groups, [.guest]),
        Row("createGroup", .post, Paths.groups, [.guest], desk: .beginning),
        Row("showGroup", .get, Paths.group, front.union([.member]), desk: .group, isPersonal: true),
        Row("renameGroup", .patch, Paths.group, [.organiser], needsMatch: true, desk: .group),
        Row("addTraveller", .post, Paths.groupTravellers, [.member], desk: .group),
        Row(
            "changeTraveller",
            .patch,
            Paths.groupTraveller,
            [.member],
            needsMatch: true,
            desk: .group
        ),
        Row("removeTraveller", .delete, Paths.groupTraveller, [.organiser], desk: .group),
        Row("listChildConsents", .get, Paths.groupTravellerConsents, [.member]),
        Row("recordChildConsent", .post, Paths.groupTravellerConsents, [.member]),
        Row(
            "admitPhone",
            .post,
            Paths.groupTravellerPhones,
            [.member],
            .reading,
            key: Key.none
        ),
        Row("listPhones", .get, Paths.groupTravellerPhones, [.member], .reading),
        Row(
            "revokePhone",
            .delete,
            Paths.groupTravellerPhone,
            [.member],
            .reading
        ),
        Row("showChildGroup", .get, Paths.child, [.child]),
        Row("addHousehold", .post, Paths.groupHouseholds, [.member], desk: .group),
        Row("listInvitations", .get, Paths.groupInvitations, [.organiser]),
        Row("invite", .post, Paths.groupInvitations, [.organiser]),
        Row("revokeInvitation", .delete, Paths.groupInvitation, [.organiser]),
        Row("showJoinPage", .get, Paths.joinPage, [.anyone], .browsing),
        Row("showInvitation", .get, Paths.invitation, [.guest]),
        Row("acceptInvitation", .post, Paths.invitationAccept, [.guest]),
        Row("leaveGroup", .post, Paths.groupLeave, [.member]),
        Row("handOver", .post, Paths.groupOrganiser, [.organiser]),
        // Uploads, which routes of other features begin.
        Row("showUpload", .get, Paths.upload, [.guest, .child]),
        Row("appendUpload", .patch, Paths.upload, [.guest, .child], takes: .bytes(atMost: Picture.maximumBytes)),
        Row("cancelUpload", .delete, Paths.upload, [.guest, .child]),
        // Options and plans.
        Row("listOptions", .get, Paths.groupOptions, [.member]),
        Row("proposeOption", .post, Paths.groupOptions, [.member]),
        Row("withdrawOption", .delete, Paths.groupOption, [.member]),
        Row("voteOnOption", .put, Paths.groupOptionVote, [.member]),
        Row("attendOption", .put, Paths.groupOptionAttendance, [.member]),
        Row(
            "promoteOption",
            .post,
            Paths.groupOptionPromote,
            [.organiser],
            .booking,
            key: .required
        ),
        Row("listPlanItems", .get, Paths.groupPlanItems, [.member]),
        Row("addPlanItem", .post, Paths.groupPlanItems, [.member]),
        Row("changePlanItem", .patch, Paths.groupPlanItem, [.member]),
        Row("deletePlanItem", .delete, Paths.groupPlanItem, [.member]),
        Row("restorePlanItem", .post, Paths.groupPlanItemRestore, [.member]),
        Row("attendPlanItem", .put, Paths.groupPlanItemAttendance, [.member]),
        Row("showPlanHistory", .get, Paths.groupPlanItemHistory, [.member]),
        Row("undoPlanChange", .post, Paths.groupPlanItemUndo, [.member]),
        Row("listChildPlan", .get, Paths.childPlanItems, [.child]),
        // Albums.
        Row("listPhotos", .get, Paths.albumPhotos, album),
        Row("addPhoto", .post, Paths.albumPhotos, album),
        Row("showAlbumPhoto", .get, Paths.photo, album),
        Row("changePhoto", .patch, Paths.photo, album),
        Row("removePhoto", .delete, Paths.photo, album),
        Row("heartPhoto", .put, Paths.photoHeart, album),
        Row("sendPhotoBytes", .put, Paths.photoBytes, album, takes: .bytes(atMost: Picture.maximumBytes)),
        Row("showPicture", .get, Paths.photoPicture, album),
        Row("downloadAlbum", .get, Paths.albumArchive, album),
        Row("placePhoto", .put, Paths.photoPlacement, album),
        Row("objectToPhoto", .put, Paths.photoObjection, album),
        Row("listObjections", .get, Paths.albumObjections, album),
        Row("listHiddenPhotos", .get, Paths.albumHidden, album),
        Row("setCurators", .put, Paths.albumCurators, [.organiser]),
        Row("shiftPhotoTimes", .post, Paths.albumTimeShift, album),
        // Messages and topics.
        Row("listTopics", .get, Paths.groupTopics, [.member]),
        Row("openTopic", .post, Paths.groupTopics, [.member]),
        Row("showTopic", .get, Paths.groupTopic, [.member]),
        Row("writeInTopic", .post, Paths.groupTopicMessages, [.member]),
        Row("closeTopic", .post, Paths.groupTopicClose, [.member]),
        Row("listMessages", .get, Paths.groupMessages, [.member]),
        Row("writeMessage", .post, Paths.groupMessages, [.member]),
        Row("takeMessageBack", .delete, Paths.groupMessage, [.member]),
        Row("sendPhoto", .put, Paths.groupPhoto, [.member], takes: .bytes(atMost: PhotoName.maximumBytes)),
        Row("showPhoto", .get, Paths.groupPhoto, [.member]),
        Row("showHostedPhoto", .get, Paths.adminTopicPhoto, front, .desk, isPersonal: true),
        Row("showInbox", .get, Paths.adminParkInbox, front, .desk),
        Row("showHostedTopic", .get, Paths.adminTopic, front, .desk),
        Row("answerTopic", .post, Paths.adminTopicMessages, front, .desk),
        // Phones that sync.
        Row("registerSyncDevice", .post, Paths.syncDevices, [.guest], key: Key.none),
        Row("sync", .post, Paths.sync, [.guest], key: Key.none),
        Row("hearOfChanges", .get, Paths.syncLive, [.guest]),
        Row("showDigest", .get, Paths.syncScopeDigest, [.guest]),
        // Holding, confirming and changing bookings.
        Row("placeBooking", .post, Paths.bookings, [.member], .booking, key: .required, desk: .beginning),
        Row("showBooking", .get, Paths.booking, front.union([.member]), .booking, desk: .booking),
        Row(
            "extendHold",
            .post,
            Paths.bookingExtend,
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "confirmBooking",
            .post,
            Paths.bookingConfirm,
            front.union([.organiser]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "cancelBooking",
            .post,
            Paths.bookingCancel,
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "undoMistake",
            .post,
            Paths.bookingUndo,
            front.union([.organiser]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("quoteChange", .post, Paths.bookingQuotes, front.union([.organiser]), .booking, desk: .booking),
        Row(
            "changeBooking",
            .post,
            Paths.bookingChanges,
            front.union([.organiser]),
            .booking,
            key: .required,
            needsMatch: true,
            desk: .booking
        ),
        Row(
            "agreePrice",
            .post,
            Paths.adminBookingPrice,
            front,
            .desk,
            key: .required,
            needsMatch: true
        ),
        // Shares of a bill.
        Row("listShares", .get, Paths.bookingShares, front.union([.member]), .booking, desk: .booking),
        Row(
            "showStatement",
            .get,
            Paths.bookingStatement,
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("splitBooking", .put, Paths.bookingShares, front.union([.organiser]), .booking, desk: .booking),
        Row(
            "previewSplit",
            .post,
            Paths.bookingSharesPreview,
            front.union([.organiser]),
            .booking,
            key: Key.none,
            desk: .booking
        ),
        Row(
            "agreeToShare",
            .post,
            Paths.shareAgreement,
            [.member],
            .booking,
            key: .required,
            needsMatch: true
        ),
        Row(
            "backBooking",
            .post,
            Paths.bookingBacking,
            [.organiser],
            .booking,
            key: .required,
            needsMatch: true
        ),
        Row("endCover", .delete, Paths.shareCover, [.member], .booking),
        // Tills, refunds, goodwill and the ledger.
        Row(
            "takeAtTill",
            .post,
            Paths.adminShareTillPayments,
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "refundAtTill",
            .post,
            Paths.adminShareTillRefunds,
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "reverseAtTill",
            .post,
            Paths.adminTillPaymentReversal,
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "showTill",
            .get,
            Paths.adminParkTill,
            [.staff(.reception), .staff(.finance), .headOffice],
            .desk
        ),
        Row(
            "closeTill",
            .post,
            Paths.adminParkTillClose,
            [.staff(.reception), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row("showLedger", .get, Paths.bookingLedger, front.union([.member, .staff(.finance)]), .booking),
        // Payments through the provider.
        Row("startPayment", .post, Paths.sharePayments, [.member], .payment, key: .required, keyDays: 400),
        Row("showPayment", .get, Paths.payment, front.union([.member, .staff(.finance)]), .payment),
        Row("endPayment", .post, Paths.paymentCancel, [.member], .payment, keyDays: 400),
        Row("reassignShare", .post, Paths.shareReassignment, [.member], .booking, key: .required),
        Row("withdrawShare", .post, Paths.shareWithdrawal, [.member], .booking, key: .required),
        Row(
            "createPayLink",
            .post,
            Paths.shareLinks,
            front.union([.member]),
            .booking,
            key: Key.none,
            desk: .booking
        ),
        Row(
            "revokePayLink",
            .delete,
            Paths.shareLink,
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("showPayLink", .get, Paths.payLink, [.anyone], .payLink),
        Row("payByLink", .post, Paths.payLinkPayments, [.anyone], .payLink, key: Key.none),
        Row("showLinkPayment", .get, Paths.payLinkPayment, [.anyone], .payLink),
        Row("showPayPage", .get, Paths.payPage, [.anyone], .payLink),
        Row("startPayPage", .post, Paths.payPage, [.anyone], .payLink, key: Key.none),
        Row("receiveEvent", .post, Paths.stripeWebhook, [.anyone], .webhook, key: Key.none),
        Row("listAttempts", .get, Paths.adminBookingPayments, money, .desk),
        Row(
            "giveGoodwill",
            .post,
            Paths.adminShareGoodwill,
            front.union([.staff(.finance)]),
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "approveGoodwill",
            .post,
            Paths.adminGoodwillApproval,
            [.staff(.finance), .headOffice],
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row(
            "refuseGoodwill",
            .post,
            Paths.adminGoodwillRefusal,
            front.union([.staff(.finance)]),
            .desk,
            key: .required,
            keyDays: 400
        ),
        Row("listDebts", .get, Paths.adminParkDebts, money, .desk),
        Row("listGoodwill", .get, Paths.adminParkGoodwill, front.union([.staff(.finance)]), .desk),
        Row(
            "issueInvoice",
            .post,
            Paths.shareInvoices,
            payers,
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("listInvoices", .get, Paths.shareInvoices, payers, .booking, desk: .booking),
        Row("showInvoice", .get, Paths.invoice, payers, .booking),
        Row("printInvoice", .get, Paths.invoicePDF, payers, .booking),
        Row("listParkInvoices", .get, Paths.adminParkInvoices, books, .desk, pace: .slow),
        Row("showReconciliation", .get, Paths.adminReconciliation, books, .desk, pace: .slow),
        Row("listJournals", .get, Paths.adminParkJournals, books, .desk, pace: .slow),
        Row("listSellerJournals", .get, Paths.adminJournals, [.headOffice], .desk, pace: .slow),
        Row("reportTouristTax", .get, Paths.adminParkTouristTax, books, .desk, pace: .slow),
        // Extras of a park.
        Row("listExtras", .get, Paths.parkExtras, [.anyone]),
        Row(
            "orderExtra",
            .post,
            Paths.bookingExtras,
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "cancelExtra",
            .delete,
            Paths.bookingExtra,
            front.union([.member]),
            .booking,
            desk: .booking
        ),
        Row("createExtra", .post, Paths.adminParkExtras, [.headOffice], .desk),
        Row("changeExtra", .put, Paths.adminExtra, [.headOffice], .desk, needsMatch: true),
        Row("setStock", .put, Paths.adminExtraStock, front, .desk),
        Row("listExtrasToPrepare", .get, Paths.adminParkExtrasOrders, service, .desk),
        // Arrival, check-in and departure.
        Row("setArrivalTime", .put, Paths.bookingArrival, front.union([.member]), .booking, desk: .booking),
        Row(
            "settleCottage",
            .put,
            Paths.bookingCottageHouseholds,
            front.union([.organiser]),
            desk: .booking
        ),
        Row(
            "enterRegister",
            .put,
            Paths.bookingRegister,
            front.union([.member]),
            desk: .booking
        ),
        Row("showRegister", .get, Paths.adminBookingRegister, front, .desk),
        Row(
            "checkIn",
            .post,
            Paths.bookingCheckIn,
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row(
            "checkOut",
            .post,
            Paths.bookingCheckOut,
            front.union([.member]),
            .booking,
            key: .required,
            desk: .booking
        ),
        Row("noShow", .post, Paths.adminBookingNoShow, front, .desk, key: .required),
        Row("showAccess", .get, Paths.bookingAccess, [.member], desk: .booking),
        Row("setAccess", .put, Paths.adminCottageAccess, upkeep, .desk),
        Row("setReadiness", .put, Paths.adminCottageReadiness, house, .desk),
        Row("listReadiness", .get, Paths.adminParkReadiness, house, .desk),
        Row("createCalendar", .post, Paths.groupCalendar, [.member], key: Key.none),
        Row("showCalendar", .get, Paths.calendar, [.anyone]),
        // Guest books of cottages.
        Row(
            "listGuestBook",
            .get,
            Paths.bookingCottageGuestBook,
            front.union([.member]),
            desk: .booking
        ),
        Row(
            "writeInGuestBook",
            .put,
            Paths.bookingCottageGuestBook,
            front.union([.member]),
            desk: .booking
        ),
        // The desk of a park.
        Row("listArrivals", .get, Paths.adminParkArrivals, service, .desk),
        Row("listDepartures", .get, Paths.adminParkDepartures, service, .desk),
        Row("searchBookings", .get, Paths.adminParkBookings, front, .desk, pace: .slow),
        Row(
            "moveBooking",
            .post,
            Paths.adminBookingMove,
            front,
            .desk,
            key: .required,
            needsMatch: true
        ),
        Row("createDeskGuest", .post, Paths.adminParkGuests, [.staff(.reception), .headOffice], .desk),
        Row(
            "searchGuests",
            .get,
            Paths.adminParkGuests,
            [.staff(.reception), .headOffice],
            .desk,
            pace: .slow
        ),
        Row(
            "changeDeskGuest",
            .patch,
            Paths.adminParkGuest,
            [.staff(.reception), .headOffice],
            .desk
        ),
        Row(
            "eraseDeskGuest",
            .post,
            Paths.adminParkGuestErasure,
            [.staff(.reception), .headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "letGuestIn",
            .post,
            Paths.adminParkGuestSignInLink,
            [.staff(.reception), .headOffice],
            .desk,
            key: Key.none,
            factor: .fresh
        ),
        Row(
            "walkIn",
            .post,
            Paths.adminParkWalkIns,
            [.staff(.reception), .headOffice],
            .desk,
            key: .required
        ),
        Row(
            "listChanges",
            .get,
            Paths.adminChanges,
            [.staff(.finance), .system(.feed), .headOffice],
            .desk,
            pace: .slow
        ),
        Row(
            "reportReservation",
            .put,
            Paths.adminParkReservation,
            reporters,
            .desk
        ),
        Row(
            "withdrawReservation",
            .delete,
            Paths.adminParkReservation,
            reporters,
            .desk
        ),
        Row("showDay", .get, Paths.adminParkDay, house, .desk),
        Row("listTasks", .get, Paths.adminParkTasks, anyStaff, .desk),
        Row("createTask", .post, Paths.adminParkTasks, anyStaff, .desk),
        Row("showTask", .get, Paths.adminTask, anyStaff, .desk),
        Row("changeTask", .patch, Paths.adminTask, anyStaff, .desk, needsMatch: true),
        Row("writeNote", .post, Paths.adminParkNotes, anyStaff, .desk),
        Row("endNote", .delete, Paths.adminParkNote, anyStaff, .desk),
        Row("listDeadJobs", .get, Paths.adminJobs, [.headOffice], .desk),
        Row("retryJob", .post, Paths.adminJobRetry, [.headOffice], .desk),
        // Documents and jobs of the service.
        Row("showOpenAPI", .get, Paths.openAPI, [.anyone]),
        Row("showDocs", .get, Paths.docs, [.anyone]),
        Row("showDocsFile", .get, Paths.docsFile, [.anyone]),
    ]
}
