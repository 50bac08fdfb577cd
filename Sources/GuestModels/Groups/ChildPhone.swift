public import Foundation

/// What a guardian's phone shows as a QR code, for the child's phone to read.
public struct PhoneAdmission: Codable, Hashable, Sendable {
    public typealias ID = Identifier<PhoneAdmission>

    public var code: String
    public var expiresAt: Date

    public init(code: String, expiresAt: Date) {
        self.code = code
        self.expiresAt = expiresAt
    }
}

/// A child's phone comes in with the code its guardian shows.
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

/// The group as a child sees it: who comes along, and where and when; no amounts, no birth dates, no addresses.
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
        /// Numbers of the cottages.
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
    /// The child itself.
    public var travellerId: Traveller.ID
    public var travellers: [Companion]
    /// Those the child is part of, that are held, firm or under way.
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
