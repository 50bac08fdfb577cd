public import GuestModels

/// Arguments of `photo.add@1`: `{"groupId": …, "bookingId": …, "request": {…}}`.
public struct PhotoArguments: Codable, Sendable, Checked {
    public var groupId: TravelGroup.ID
    /// The album's booking.
    public var bookingId: Booking.ID
    public var request: PhotoRequest

    public init(groupId: TravelGroup.ID, bookingId: Booking.ID, request: PhotoRequest) {
        self.groupId = groupId
        self.bookingId = bookingId
        self.request = request
    }

    public func check(_ check: inout Check) { check.part(request, "/request") }
}
