public import Foundation

/// The contents of the QR code on a guardian's phone; the child's phone reads it.
public struct PhoneAdmission: Codable, Hashable, Sendable {
    public typealias ID = Identifier<PhoneAdmission>

    public var code: String
    public var expiresAt: Date

    public init(code: String, expiresAt: Date) {
        self.code = code
        self.expiresAt = expiresAt
    }
}

/// Signs a child's phone in with the code that the guardian's phone shows.
public struct ChildSignInRequest: Codable, Sendable, Checked {
    public var code: String
    public var deviceSecret: String
    public var deviceName: String?

    public init(code: String, deviceSecret: String, deviceName: String? = nil) {
        self.code = code
        self.deviceSecret = deviceSecret
        self.deviceName = deviceName
    }

    public func check(_ check: inout Check) {
        check.secret(code, "/code", length: 1...200)
        check.secret(deviceSecret, "/deviceSecret", length: 16...200)
        check.text(deviceName, "/deviceName", length: 0...100)
    }
}

/// The group as a child sees it: companions, places and dates, but no amounts, birth dates or addresses.
public struct ChildGroup: Codable, Hashable, Sendable {
    public struct Companion: Codable, Hashable, Sendable {
        public var id: Traveller.ID
        public var name: String

        public init(id: Traveller.ID, name: String) {
            self.id = id
            self.name = name
        }
    }

    public struct Visit: Codable, Hashable, Sendable {
        public var bookingId: Booking.ID
        public var parkId: Park.ID
        public var parkName: String
        public var stay: Stay
        public var state: Booking.State
        /// The numbers of the cottages.
        public var cottages: [String]

        public init(
            bookingId: Booking.ID,
            parkId: Park.ID,
            parkName: String,
            stay: Stay,
            state: Booking.State,
            cottages: [String]
        ) {
            self.bookingId = bookingId
            self.parkId = parkId
            self.parkName = parkName
            self.stay = stay
            self.state = state
            self.cottages = cottages
        }
    }

    public var id: TravelGroup.ID
    public var name: String
    /// The child's own traveller.
    public var travellerId: Traveller.ID
    public var travellers: [Companion]
    /// The child's stays that are held, firm or in progress.
    public var stays: [Visit]

    public init(
        id: TravelGroup.ID,
        name: String,
        travellerId: Traveller.ID,
        travellers: [Companion],
        stays: [Visit]
    ) {
        self.id = id
        self.name = name
        self.travellerId = travellerId
        self.travellers = travellers
        self.stays = stays
    }
}
