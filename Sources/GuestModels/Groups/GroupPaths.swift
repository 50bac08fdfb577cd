extension Paths {
    public static let authChildren = Path("/v1/auth/children")
    public static let groups = Path("/v1/groups")
    public static let group = Path("/v1/groups/{group}", TravelGroup.ID.self)
    public static let groupTravellers = Path("/v1/groups/{group}/travellers", TravelGroup.ID.self)
    public static let groupTraveller = Path(
        "/v1/groups/{group}/travellers/{traveller}",
        TravelGroup.ID.self,
        Traveller.ID.self
    )
    public static let groupTravellerConsents = Path(
        "/v1/groups/{group}/travellers/{traveller}/consents",
        TravelGroup.ID.self,
        Traveller.ID.self
    )
    public static let groupTravellerPhones = Path(
        "/v1/groups/{group}/travellers/{traveller}/phones",
        TravelGroup.ID.self,
        Traveller.ID.self
    )
    public static let child = Path("/v1/child")
    public static let groupHouseholds = Path("/v1/groups/{group}/households", TravelGroup.ID.self)
    public static let groupInvitations = Path("/v1/groups/{group}/invitations", TravelGroup.ID.self)
    public static let groupInvitation = Path(
        "/v1/groups/{group}/invitations/{invitation}",
        TravelGroup.ID.self,
        Invitation.ID.self
    )
    public static let joinPage = Path("/join/{code}", String.self)
    public static let invitation = Path("/v1/invitations/{code}", String.self)
    public static let invitationAccept = Path("/v1/invitations/{code}/accept", String.self)
    public static let groupLeave = Path("/v1/groups/{group}/leave", TravelGroup.ID.self)
    public static let groupOrganiser = Path("/v1/groups/{group}/organiser", TravelGroup.ID.self)
}
