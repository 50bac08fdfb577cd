public import GuestModels

extension Paths {
    public static let syncDevices = Path("/v1/sync/devices")
    public static let sync = Path("/v1/sync")
    public static let syncLive = Path("/v1/sync/live")
    public static let syncScopeDigest = Path("/v1/sync/scopes/{scope}/digest", String.self)
}
