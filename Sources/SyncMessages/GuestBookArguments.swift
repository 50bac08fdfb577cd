public import GuestModels

/// Arguments of `guestBook.write@1`: `{"groupId": …, "bookingId": …, "cottageId": …, "request": {…}}`.
public struct GuestBookArguments: Codable, Sendable, Checked {
    public var groupId: TravelGroup.ID
    public var bookingId: Booking.ID
    public var cottageId: Cottage.ID
    public var request: GuestBookRequest

    public init(
        groupId: TravelGroup.ID,
        bookingId: Booking.ID,
        cottageId: Cottage.ID,
        request: GuestBookRequest
    ) {
        self.groupId = groupId
        self.bookingId = bookingId
        self.cottageId = cottageId
        self.request = request
    }

    public func check(_ check: inout Check) { check.part(request, "/request") }
}
