/// What a search answers for one park.
public struct Availability: Codable, Sendable {
    public var parkId: Park.ID
    public var stay: Stay
    public var offers: [Offer]
    /// Sets of neighbouring cottages, closest first; only where neighbours were asked for.
    public var neighbours: [Neighbours.Found]?

    /// The free cottages of one type, and what one of them costs this party.
    public struct Offer: Codable, Sendable {
        public var typeId: CottageType.ID
        public var name: String
        public var capacity: Int
        public var isStepFree: Bool
        public var free: Int
        /// In the order of their numbers; absent in a search over all parks.
        public var cottages: [Cottage.ID]?
        /// For one cottage with the whole party in it.
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
