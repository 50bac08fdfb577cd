public import GuestModels

/// Arguments of `guestBook.write@1`: `{"bookingId": …, "cottageId": …, "request": {…}}`.
public struct GuestBookArguments: Codable, Sendable, Checked {
    public var bookingId: Booking.ID
    public var cottageId: Cottage.ID
    public var request: GuestBookRequest

    public init(bookingId: Booking.ID, cottageId: Cottage.ID, request: GuestBookRequest) {
        self.bookingId = bookingId
        self.cottageId = cottageId
        self.request = request
    }

    public func check(_ check: inout Check) { check.part(request, "/request") }
}
