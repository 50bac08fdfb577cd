extension Paths {
    public static let bookingCottageGuestBook = Path(
        "/v1/bookings/{booking}/cottages/{cottage}/guest-book",
        Booking.ID.self,
        Cottage.ID.self
    )
}
