extension Paths {
    public static let authCodes = Path("/v1/auth/codes")
    public static let authSessions = Path("/v1/auth/sessions")
    public static let authSessionsLink = Path("/v1/auth/sessions/link")
    public static let signInPage = Path("/sign-in/{token}", String.self)
    public static let authRefresh = Path("/v1/auth/refresh")
    public static let authSessionsCurrent = Path("/v1/auth/sessions/current")
    public static let staffSecondFactor = Path("/v1/staff/second-factor")
    public static let staffSecondFactorConfirmation = Path("/v1/staff/second-factor/confirmation")
    public static let authSessionsCurrentSecondFactor = Path("/v1/auth/sessions/current/second-factor")
    public static let staffSecondFactorRecoveryCodes = Path("/v1/staff/second-factor/recovery-codes")
    public static let adminColleagueSecondFactor = Path(
        "/v1/admin/staff/{colleague}/second-factor",
        StaffMember.ID.self
    )
    public static let me = Path("/v1/me")
    public static let meExport = Path("/v1/me/export")
    public static let meConsents = Path("/v1/me/consents")
    public static let meDevices = Path("/v1/me/devices")
    public static let meMailChange = Path("/v1/me/mail-change")
    public static let meMailChangeConfirmation = Path("/v1/me/mail-change/confirmation")
    public static let meDeskActions = Path("/v1/me/desk-actions")
    public static let staffMe = Path("/v1/staff/me")
    public static let adminStaff = Path("/v1/admin/staff")
    public static let adminColleague = Path("/v1/admin/staff/{colleague}", StaffMember.ID.self)
    public static let adminColleagueDevices = Path("/v1/admin/staff/{colleague}/devices", StaffMember.ID.self)
    public static let adminParkCredentials = Path("/v1/admin/parks/{park}/credentials", Park.ID.self)
    public static let adminParkCredential = Path(
        "/v1/admin/parks/{park}/credentials/{credential}",
        Park.ID.self,
        SystemCredential.ID.self
    )
}
