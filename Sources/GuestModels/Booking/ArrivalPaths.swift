extension Paths {
    public static let bookingUndo = Path("/v1/bookings/{booking}/undo", Booking.ID.self)
    public static let bookingArrival = Path("/v1/bookings/{booking}/arrival", Booking.ID.self)
    public static let bookingCottageHouseholds = Path(
        "/v1/bookings/{booking}/cottages/{cottage}/households",
        Booking.ID.self,
        Cottage.ID.self
    )
    public static let bookingRegister = Path(
        "/v1/bookings/{booking}/register/{traveller}",
        Booking.ID.self,
        Traveller.ID.self
    )
    public static let adminBookingRegister = Path("/v1/admin/bookings/{booking}/register", Booking.ID.self)
    public static let bookingCheckIn = Path("/v1/bookings/{booking}/check-in", Booking.ID.self)
    public static let bookingCheckOut = Path("/v1/bookings/{booking}/check-out", Booking.ID.self)
    public static let adminBookingNoShow = Path("/v1/admin/bookings/{booking}/no-show", Booking.ID.self)
    public static let bookingAccess = Path("/v1/bookings/{booking}/access", Booking.ID.self)
    public static let adminCottageAccess = Path("/v1/admin/cottages/{cottage}/access", Cottage.ID.self)
    public static let adminCottageReadiness = Path("/v1/admin/cottages/{cottage}/readiness", Cottage.ID.self)
    public static let adminParkReadiness = Path("/v1/admin/parks/{park}/readiness", Park.ID.self)
    public static let groupCalendar = Path("/v1/groups/{group}/calendar", TravelGroup.ID.self)
    public static let calendar = Path("/v1/calendars/{calendar}", String.self)
}
