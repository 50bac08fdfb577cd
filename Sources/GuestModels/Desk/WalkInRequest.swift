/// A stay that begins at the desk: makes guest, group, booking and confirmation at once.
public struct WalkInRequest: Codable, Sendable, Checked {
    /// A person who comes along.
    public struct Companion: Codable, Sendable {
        public var name: String
        /// The date of birth; without it the person counts as an adult.
        public var birthDate: LocalDate?
        /// The person's entry in the guest register; needed when the park keeps one and the stay begins at once.
        public var register: RegisterEntry?

        public init(name: String, birthDate: LocalDate? = nil, register: RegisterEntry? = nil) {
            self.name = name
            self.birthDate = birthDate
            self.register = register
        }
    }

    /// A guest who already has an account.
    public var guestId: Guest.ID?
    /// A guest who has no account yet; the walk-in makes one.
    public var guest: DeskGuestRequest?
    public var stay: Stay
    public var cottages: [BookingRequest.Choice]
    public var companions: [Companion]?
    public var pets: Int?
    /// Whether to check in at once; then the day of arrival must have come.
    public var checkIn: Bool?
    /// The guest's own entry in the guest register.
    public var register: RegisterEntry?
    /// The reason for ignoring the house rules for guests, when they do not allow the stay.
    public var reason: String?

    public init(
        guestId: Guest.ID? = nil,
        guest: DeskGuestRequest? = nil,
        stay: Stay,
        cottages: [BookingRequest.Choice],
        companions: [Companion]? = nil,
        pets: Int? = nil,
        checkIn: Bool? = nil,
        register: RegisterEntry? = nil,
        reason: String? = nil
    ) {
        self.guestId = guestId
        self.guest = guest
        self.stay = stay
        self.cottages = cottages
        self.companions = companions
        self.pets = pets
        self.checkIn = checkIn
        self.register = register
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.require((guestId == nil) != (guest == nil), "/guest", "must be given, or guestId instead")
        check.text(guest?.name, "/guest/name", length: 1...100)
        BookingRequest.check(cottages, &check)
        check.require((companions ?? []).count < 200, "/companions", "must be fewer than 200")
        for (index, companion) in (companions ?? []).enumerated() {
            check.text(companion.name, "/companions/\(index)/name", length: 1...100)
            check.birth(companion.birthDate, "/companions/\(index)/birthDate")
            check.part(companion.register, "/companions/\(index)/register")
        }
        check.part(register, "/register")
        check.text(reason, "/reason", length: 1...500)
        check.range(pets, "/pets", 0...50)
        check.require(stay.nightCount <= 365, "/stay/departure", "must be within 365 nights of arrival")
    }
}
