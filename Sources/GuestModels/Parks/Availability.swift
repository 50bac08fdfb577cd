/// The result of a search in one park.
public struct Availability: Codable, Sendable {
    public var parkId: Park.ID
    public var stay: Stay
    public var offers: [Offer]
    /// Sets of neighbouring cottages, closest first; nil unless the search asked for neighbours.
    public var neighbours: [Neighbours.Found]?

    /// The free cottages of one type, and the price of one of them for this party.
    public struct Offer: Codable, Sendable {
        public var typeId: CottageType.ID
        public var name: String
        public var capacity: Int
        public var isStepFree: Bool
        public var free: Int
        /// The free cottages in the order of their numbers; nil in a search over all parks.
        public var cottages: [Cottage.ID]?
        /// The charge lines for one cottage with the whole party in it.
        public var charges: [ChargeLine]
        public var total: Money

        public init(
            typeId: CottageType.ID,
            name: String,
            capacity: Int,
            isStepFree: Bool,
            free: Int,
            cottages: [Cottage.ID]?,
            charges: [ChargeLine],
            total: Money
        ) {
            self.typeId = typeId
            self.name = name
            self.capacity = capacity
            self.isStepFree = isStepFree
            self.free = free
            self.cottages = cottages
            self.charges = charges
            self.total = total
        }
    }

    public init(parkId: Park.ID, stay: Stay, offers: [Offer], neighbours: [Neighbours.Found]?) {
        self.parkId = parkId
        self.stay = stay
        self.offers = offers
        self.neighbours = neighbours
    }
}
