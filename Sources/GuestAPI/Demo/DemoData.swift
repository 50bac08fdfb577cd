import Foundation
import GuestModels
import Postgres
import SyncMessages
import Synchronization

/// The data of the demo: three parks with cottages, rates, extras, staff, guests and bookings.
///
/// The data is the same on every machine; its dates are relative to today.
public struct DemoData: Sendable {
    private static let principal = Principal.job("demo")

    private var app: AppEnvironment
    private let today: LocalDate
    private let now: Date

    /// The mail address of the demo's guest, which the demo command prints.
    public static let guestEmail = "anna@example.org"
    public static let hostEmail = "host@example.org"
    public static let headOfficeEmail = "office@example.org"
    /// The secret of the authenticator app that the demo's staff share, in base32.
    public static let factorSecret = "VOORPRETVOORPRETVOORPRETVOORPRET"

    public init(_ app: AppEnvironment) {
        self.app = app
        now = app.now()
        today = LocalDate(daysSince1970: Int(now.timeIntervalSince1970 / 86400))
    }

    /// Loads the demo data; returns false and loads nothing if the database has a park already.
    ///
    /// - Parameter progress: called with the number of steps that are done and the number of all steps.
    public func load(_ progress: @Sendable (Int, Int) -> Void) async throws -> Bool {
        let parks = try await app.look(as: Self.principal) { try await $0.reader.all(ParkSQL.parks) }
        guard parks.isEmpty else { return false }
        var seeded = self
        seeded.app.ids = .seeded(20_270_514)
        try await seeded.fill(progress)
        return true
    }

    private func fill(_ progress: @Sendable (Int, Int) -> Void) async throws {
        var random = SeededGenerator(seed: 20_270_514)
        let total = Self.plans.count + Self.groupNames.count
        var step = 0
        var worlds: [World] = []
        for plan in Self.plans {
            let world = try await app.act(as: Self.principal, within: 60) { act in
                try await make(plan, &random, act)
            }
            worlds.append(world)
            step += 1
            progress(step, total)
        }
        let made = worlds
        try await app.act(as: Self.principal) { try await staff(made, $0) }
        for (index, name) in Self.groupNames.enumerated() {
            try await group(name, index, made, &random)
            step += 1
            progress(step, total)
        }
        // The demo's guests do not exist, so delete their mails.
        try await app.act(as: Self.principal) { try await $0.tx.run(JobSQL.deleteAllMails) }
    }

    // MARK: Parks

    struct World: Sendable {
        let park: Park
        let types: [CottageType]
        let cottages: [Cottage]
    }

    private struct Plan: Sendable {
        let request: ParkRequest
        /// The distance from one cottage to the next along a lane, in metres.
        let spacing: Double
        let lanes: Int
        /// The price of a night in the smallest cottage type in the low season, in minor units.
        let night: Int64
        let cleaning: Int64
    }

    private static let plans: [Plan] = {
        func time(_ text: StaticString) -> LocalTime { LocalTime(constant: text) }
        func year(_ year: Int) -> LocalDate { LocalDate(year: year, month: 1, day: 1) ?? .earliest }
        let weekends: [HouseRules.Arrival] = [
            .init(.friday, nights: [3, 7, 10, 14]), .init(.monday, nights: [4, 7, 11, 14]),
            .init(.wednesday, nights: [5, 7]),
        ]
        return [
            Plan(
                request: ParkRequest(
                    slug: "heidehof",
                    name: "Heidehof",
                    timeZone: "Europe/Amsterdam",
                    currency: "EUR",
                    country: "NL",
                    longitude: 5.8203,
                    latitude: 52.2117,
                    texts: [
                        "nl": ["welcome": "Welkom op de heide."], "en": ["welcome": "Welcome to the heath."],
                        "de": ["welcome": "Willkommen in der Heide."],
                    ],
                    rules: HouseRules(
                        checkInFrom: time("15:00"),
                        checkOutBy: time("10:30"),
                        arrivals: weekends,
                        minimumNights: 3,
                        maximumNights: 14,
                        depositPercent: 30,
                        chosenCottageFee: 1950,
                        petNight: 500,
                        earlyBooking: .init(days: 120, percent: 10),
                        touristTax: .init(personNight: 168, fromAge: 12),
                        cancellation: [
                            .init(days: 84, percent: 0), .init(days: 42, percent: 30), .init(days: 14, percent: 60),
                        ],
                        vat: [
                            .init(from: year(2020), lodging: 900, extras: 2100),
                            .init(from: year(2026), lodging: 2100, extras: 2100),
                        ],
                        seller: .init(
                            name: "Heidehof B.V.",
                            address: "Heideweg 1, 7351 Hoenderloo, Nederland",
                            vatNumber: "NL000000000B00"
                        )
                    )
                ),
                spacing: 26,
                lanes: 8,
                night: 7900,
                cleaning: 6500
            ),
            Plan(
                request: ParkRequest(
                    slug: "loch-ardroy",
                    name: "Loch Ardroy",
                    timeZone: "Europe/London",
                    currency: "GBP",
                    country: "GB",
                    longitude: -4.7391,
                    latitude: 56.9012,
                    texts: ["en": ["welcome": "Welcome to the loch."], "de": ["welcome": "Willkommen am Loch."]],
                    rules: HouseRules(
                        checkInFrom: time("16:00"),
                        checkOutBy: time("10:00"),
                        minimumNights: 2,
                        maximumNights: 28,
                        holdMinutes: 30,
                        depositPercent: 0,
                        petNight: 400,
                        cancellation: [.init(days: 56, percent: 10), .init(days: 28, percent: 50)],
                        vat: [.init(from: year(2011), lodging: 2000, extras: 2000)],
                        seller: .init(
                            name: "Loch Ardroy Ltd",
                            address: "Loch Ardroy, Inverness-shire, Scotland",
                            vatNumber: "GB000000000"
                        )
                    )
                ),
                spacing: 34,
                lanes: 6,
                night: 8800,
                cleaning: 5500
            ),
            Plan(
                request: ParkRequest(
                    slug: "serra-da-lua",
                    name: "Serra da Lua",
                    timeZone: "Atlantic/Azores",
                    currency: "EUR",
                    country: "PT",
                    longitude: -25.4287,
                    latitude: 37.7654,
                    texts: ["en": ["welcome": "Welcome to the crater."], "nl": ["welcome": "Welkom bij de krater."]],
                    rules: HouseRules(
                        checkInFrom: time("14:00"),
                        checkOutBy: time("12:00"),
                        arrivals: Weekday.allCases.filter { $0 != .sunday }.map { .init($0, nights: []) },
                        maximumNights: 21,
                        holdMinutes: 15,
                        depositPercent: 20,
                        chosenCottageFee: 1200,
                        earlyBooking: .init(days: 90, percent: 8),
                        touristTax: .init(personNight: 200, fromAge: 13),
                        cancellation: [.init(days: 30, percent: 0), .init(days: 7, percent: 50)]
                    )
                ),
                spacing: 30,
                lanes: 7,
                night: 6400,
                cleaning: 4500
            ),
        ]
    }()

    private static let kinds: [(code: String, name: String, beds: Int, pets: Int, stepFree: Bool, factor: Double)] = [
        ("H2", "Hideaway", 2, 1, false, 1), ("C4", "Cottage", 4, 1, false, 1.4),
        ("F6", "Family house", 6, 2, false, 1.9),
        ("S4", "Step-free cottage", 4, 1, true, 1.45), ("G12", "Group house", 12, 2, false, 3.4),
    ]
    /// The number of cottages of each kind that a park has: 120 in all.
    private static let counts = [24, 42, 30, 14, 10]

    private func make(_ plan: Plan, _ random: inout SeededGenerator, _ act: Act) async throws -> World {
        var request = plan.request
        request.rules.hasGuestBooks = true
        let park = try await Park.create(request, act)
        var types: [CottageType] = []
        for kind in Self.kinds {
            let type = try await CottageType.create(
                CottageTypeRequest(
                    code: kind.code,
                    name: kind.name,
                    capacity: kind.beds,
                    bedrooms: max(1, kind.beds / 2),
                    pets: kind.pets,
                    isStepFree: kind.stepFree,
                    cleaningFee: plan.cleaning + Int64(kind.beds) * 500
                ),
                park: park.id,
                act
            )
            types.append(type)
            try await rates(plan, kind.factor, type, act)
        }
        try await extras(plan, park, act)
        return World(park: park, types: types, cottages: try await cottages(plan, park, types, &random, act))
    }

    private func extras(_ plan: Plan, _ park: Park, _ act: Act) async throws {
        let evenings = ["18:00", "19:00", "20:00"].compactMap { LocalTime($0) }
        let offers: [ExtraRequest] = [
            .init(code: "cot", names: ["en": "Cot", "nl": "Kinderbedje"], isDaily: false, price: 0, stock: 15),
            .init(
                code: "linen",
                names: ["en": "Bed linen", "nl": "Beddengoed"],
                isDaily: false,
                price: 1150,
                stock: 400
            ),
            .init(code: "bicycle", names: ["en": "Bicycle", "nl": "Fiets"], isDaily: true, price: 1250, stock: 40),
            .init(
                code: "babysitter",
                names: ["en": "Babysitter for the evening", "nl": "Oppas voor de avond"],
                isDaily: false,
                price: 4500,
                slots: evenings,
                stock: 3
            ),
            .init(
                code: "late",
                names: ["en": "Late check-out", "nl": "Laat vertrek"],
                isDaily: false,
                price: 2500,
                stock: 20
            ),
        ]
        for offer in offers { _ = try await Extra.create(offer, park: park.id, act) }
    }

    /// Sets the route, door code and Wi-Fi of every cottage, which guests see after check-in.
    private func access(_ worlds: [World], by office: StaffMember, _ act: Act) async throws {
        for world in worlds {
            for (index, cottage) in world.cottages.enumerated() {
                let access = CottageAccess(
                    route: "From the gate along the lane, then look for number \(cottage.number).",
                    doorCode: String(100_000 + (index * 7919 + 4_711) % 900_000),
                    wifiName: world.park.slug,
                    wifiPassword: "voorpret-\(cottage.number)"
                )
                try await access.set(for: cottage.id, act.as(.staff(office)))
            }
        }
    }

    /// Makes a type's rates: seasons of two weeks, from two months ago to eighteen months ahead, dearest in summer.
    private func rates(_ plan: Plan, _ factor: Double, _ type: CottageType, _ act: Act) async throws {
        var start = today.adding(days: -60)
        while start < today.adding(days: 560) {
            let end = start.adding(days: 14)
            let month = Double(start.components.month) + Double(start.components.day) / 31
            let summer = 1 + 0.55 * max(0, cos((month - 7.8) * .pi / 6))
            let night = Int64(Double(plan.night) * factor * summer / 50) * 50
            guard let season = Stay(from: start, to: end) else { return }
            _ = try await Rate.create(
                RateRequest(season: season, night: night, weekendNight: night * 5 / 4),
                type: type.id,
                act
            )
            start = end
        }
    }

    /// Makes a park's cottages, on both sides of lanes that bend around a lake.
    private func cottages(
        _ plan: Plan,
        _ park: Park,
        _ types: [CottageType],
        _ random: inout SeededGenerator,
        _ act: Act
    ) async throws -> [Cottage] {
        var deck: [Int] = []
        for (index, count) in Self.counts.enumerated() { deck += Array(repeating: index, count: count) }
        // Shuffle the cottages in runs of three, because neighbouring cottages are often of one kind.
        var runs = stride(from: 0, to: deck.count, by: 3).map { Array(deck[$0..<min($0 + 3, deck.count)]) }
        runs.shuffle(using: &random)
        let order = runs.flatMap { $0 }
        let perLane = (order.count + plan.lanes - 1) / plan.lanes
        let metresPerDegree = 111_320.0
        var cottages: [Cottage] = []
        for (index, kind) in order.enumerated() {
            let lane = index / perLane
            let along = Double(index % perLane) / 2
            let side = index % 2 == 0 ? 9.0 : -9.0
            let radius = 150 + Double(lane) * 48 + side
            let angle = Double(lane) * 0.35 + along * plan.spacing / radius
            let east = cos(angle) * radius + Double.random(in: -3...3, using: &random)
            let north = sin(angle) * radius + Double.random(in: -3...3, using: &random)
            cottages.append(
                try await Cottage.create(
                    CottageRequest(
                        typeId: types[kind].id,
                        number: String((lane + 1) * 100 + index % perLane + 1),
                        longitude: ((park.longitude + east / (metresPerDegree * cos(park.latitude * .pi / 180))) * 1e6)
                            .rounded() / 1e6,
                        latitude: ((park.latitude + north / metresPerDegree) * 1e6).rounded() / 1e6
                    ),
                    park: park.id,
                    act
                )
            )
        }
        return cottages
    }

    // MARK: People

    private func staff(_ worlds: [World], _ act: Act) async throws {
        let office = try await StaffMember.add(
            email: Self.headOfficeEmail,
            name: "Head office",
            isHeadOffice: true,
            posts: [],
            language: .english,
            act
        )
        try await factor(of: office.id, act)
        try await access(worlds, by: office, act)
        for (index, world) in worlds.enumerated() {
            let email = index == 0 ? Self.hostEmail : "host.\(world.park.slug)@example.org"
            for (address, name, functions) in [
                (email, "Reception", [StaffMember.Function.reception, .host]),
                ("care.\(world.park.slug)@example.org", "Care", [.housekeeping, .maintenance]),
            ] {
                let member = try await StaffMember.add(
                    email: address,
                    name: name,
                    isHeadOffice: false,
                    posts: functions.map { .init(parkId: world.park.id, function: $0) },
                    language: .english,
                    act
                )
                try await factor(of: member.id, act)
            }
        }
    }

    /// Enrols a colleague with the authenticator app that all staff of the demo share.
    private func factor(of member: StaffMember.ID, _ act: Act) async throws {
        guard let secret = OneTimePassword(base32: Self.factorSecret)?.secret else { return }
        let sealed = try app.secret.seal(secret, for: SecondFactor.purpose, context: member.description)
        try await act.tx.run([
            FactorSQL.begin(sealed, of: member), FactorSQL.confirm(of: member, step: 0, at: now),
        ])
    }

    private static let groupNames = [
        "Autumn friends", "De Vries family", "Choir weekend", "Cousins", "Bouldering crew", "Old school mates",
        "Fischer and Kaya", "Grandma turns 80", "Board gamers", "Hikers of Gent", "The Mulders", "Jazz quartet",
        "Row club", "Book circle", "Neighbours of no. 12", "Okafor reunion", "Camp leaders", "Study year 2009",
        "Silva e amigos", "Tandem riders", "Star gazers", "Kitchen table", "Team Noord", "Puzzle people",
    ]
    private static let names = [
        "Anna", "Bram", "Carla", "Daan", "Elif", "Femke", "Gijs", "Hanna", "Idris", "Jonas", "Katja", "Lars", "Maud",
        "Noor", "Oscar", "Pien", "Quinten", "Rosa", "Sem", "Tess", "Umar", "Vera", "Wout", "Yara", "Zoë",
    ]

    private func group(_ name: String, _ index: Int, _ worlds: [World], _ random: inout SeededGenerator) async throws {
        let first = index == 0 ? "Anna" : Self.names[(index * 7) % Self.names.count]
        let email = index == 0 ? Self.guestEmail : "\(first.lowercased().filter(\.isASCII)).\(index)@example.org"
        let guest: Guest.ID = app.ids.next(at: now)
        let size = 2 + Int(random.next() % 6)
        let ages = (1..<size).map { _ in Int(random.next() % 50) + 1 }
        let group = try await app.act(as: .guest(guest)) { act in
            try await act.tx.run(IdentitySQL.insertGuest(guest, email: email, name: first, language: .dutch, at: now))
            act.tx.publish(guest, .guest, to: .guest(guest))
            var group = try await TravelGroup.create(GroupRequest(name: name, myName: first), by: guest, act)
            for (number, age) in ages.enumerated() {
                let companion = Self.names[(index * 5 + number * 3 + 1) % Self.names.count]
                group.travellers.append(
                    try await Traveller.add(
                        TravellerRequest(name: companion, birthDate: today.adding(days: -age * 365 - 40)),
                        to: group.id,
                        act
                    )
                )
            }
            return group
        }
        let bookings = index == 0 ? 2 : 3 + Int(random.next() % 4)
        for number in 0..<bookings {
            let world = worlds[Int(random.next() % UInt64(worlds.count))]
            let start = index == 0 ? 40 + number * 90 : 3 + Int(random.next() % 350)
            try await book(
                group,
                by: guest,
                in: world,
                around: today.adding(days: start),
                isHeld: index == 0 && number == 1
            )
        }
    }

    /// Books a stay for a group, on the first day from a given day on that the park's rules and free cottages allow.
    private func book(
        _ group: TravelGroup,
        by guest: Guest.ID,
        in world: World,
        around day: LocalDate,
        isHeld: Bool
    ) async throws {
        let adults = group.travellers.count
        guard let type = world.types.first(where: { $0.capacity >= adults }) else { return }
        for offset in 0..<10 {
            let arrival = day.adding(days: offset)
            for nights in [3, 4, 5, 7] {
                guard let stay = Stay(from: arrival, to: arrival.adding(days: nights)),
                    (try? world.park.rules.allow(stay, today: today)) != nil,
                    (try? world.park.rules.allow(stay, in: [type.id])) != nil
                else { continue }
                do {
                    try await app.act(as: .guest(guest)) { act in
                        let booking = try await Booking.place(
                            BookingRequest(
                                parkId: world.park.id,
                                groupId: group.id,
                                stay: stay,
                                cottages: [.init(anyOf: type.id)],
                                travellerIds: group.travellers.map(\.id)
                            ),
                            act
                        )
                        guard !isHeld else { return }
                        _ = try await Booking.confirm(
                            booking.id,
                            reason: "demo: deposit received",
                            act.as(Self.principal)
                        )
                    }
                    return
                } catch is Refusal {
                    continue
                }
            }
        }
    }

    // MARK: A way in

    /// Signs the demo's guest in for a day; returns an access token, the guest's group and a park.
    public func signIn() async throws -> (token: String, group: String, park: String)? {
        let now = app.now()
        return try await app.act(as: Self.principal) { act in
            guard let guest = try await act.tx.first(IdentitySQL.guestID(email: Self.guestEmail)),
                let group = try await act.tx.first(GroupSQL.memberships(of: guest)),
                let park = try await act.tx.all(ParkSQL.parks).first
            else { return nil }
            let refresh = Token(derivedFrom: app.secret.digest("demo", app.ids.uuid(at: now).uuidString))
            let session: Session.ID = app.ids.next(at: now)
            let tokens = try await SignIn.open(
                session,
                of: .guest(guest),
                refresh: refresh,
                deviceName: "demo",
                deviceHash: refresh.hash,
                act
            )
            try await act.tx.run(
                IdentitySQL.lengthenAccess(Token(tokens.accessToken), until: now.addingTimeInterval(86400))
            )
            return (tokens.accessToken, group.groupId.description, park.id.description)
        }
    }
}

extension IdentifierSource {
    /// UUIDv7 that count up from the first instant of 2026, with random bits that are the same every time.
    fileprivate static func seeded(_ seed: UInt64) -> IdentifierSource {
        let state = Mutex((count: UInt64(0), random: SeededGenerator(seed: seed)))
        return IdentifierSource { _ in
            let (high, low) = state.withLock { state in
                state.count += 1
                let millis = 1_767_225_600_000 + state.count
                return (millis << 16 | 0x7000, 0x8000_0000_0000_0000 | state.random.next() >> 2)
            }
            return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
                UUID(uuid: $0.loadUnaligned(as: uuid_t.self))
            }
        }
    }
}
