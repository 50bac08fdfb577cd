public import GuestModels

/// Arguments of a mutation about an album: `{"groupId": …, "bookingId": …, "request": {…}}`.
public struct AlbumArguments<Request: Codable & Sendable & Checked>: Codable, Sendable, Checked {
    public var groupId: TravelGroup.ID
    /// The album's booking.
    public var bookingId: Booking.ID
    /// The body of the matching HTTP route.
    public var request: Request

    public init(groupId: TravelGroup.ID, bookingId: Booking.ID, request: Request) {
        self.groupId = groupId
        self.bookingId = bookingId
        self.request = request
    }

    public func check(_ check: inout Check) { check.part(request, "/request") }
}
