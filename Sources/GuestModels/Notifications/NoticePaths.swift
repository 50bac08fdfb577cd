extension Paths {
    public static let authSessionsCurrentPush = Path("/v1/auth/sessions/current/push")
    public static let meNotices = Path("/v1/me/notices")
}
