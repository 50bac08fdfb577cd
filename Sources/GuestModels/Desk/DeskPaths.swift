extension Paths {
    public static let adminParkArrivals = Path("/v1/admin/parks/{park}/arrivals", Park.ID.self)
    public static let adminParkDepartures = Path("/v1/admin/parks/{park}/departures", Park.ID.self)
    public static let adminParkBookings = Path("/v1/admin/parks/{park}/bookings", Park.ID.self)
    public static let adminBookingMove = Path("/v1/admin/bookings/{booking}/move", Booking.ID.self)
    public static let adminParkGuests = Path("/v1/admin/parks/{park}/guests", Park.ID.self)
    public static let adminParkGuest = Path("/v1/admin/parks/{park}/guests/{guest}", Park.ID.self, Guest.ID.self)
    public static let adminParkGuestErasure = Path(
        "/v1/admin/parks/{park}/guests/{guest}/erasure",
        Park.ID.self,
        Guest.ID.self
    )
    public static let adminParkGuestSignInLink = Path(
        "/v1/admin/parks/{park}/guests/{guest}/sign-in-link",
        Park.ID.self,
        Guest.ID.self
    )
    public static let adminParkWalkIns = Path("/v1/admin/parks/{park}/walk-ins", Park.ID.self)
    public static let adminChanges = Path("/v1/admin/changes")
    public static let adminParkReservation = Path(
        "/v1/admin/parks/{park}/reservations/{number}",
        Park.ID.self,
        String.self
    )
    public static let adminParkDay = Path("/v1/admin/parks/{park}/day", Park.ID.self)
    public static let adminParkTasks = Path("/v1/admin/parks/{park}/tasks", Park.ID.self)
    public static let adminTask = Path("/v1/admin/tasks/{task}", StaffTask.ID.self)
    public static let adminParkNotes = Path("/v1/admin/parks/{park}/notes", Park.ID.self)
}
