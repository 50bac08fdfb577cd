import Foundation
import GuestModels

extension DemoData {
    struct World: Sendable {
        let park: Park
        let types: [CottageType]
        let cottages: [Cottage]
    }

    struct Plan: Sendable {
        let request: ParkRequest
        /// The distance from one cottage to the next along a lane, in metres.
        let spacing: Double
        let lanes: Int
        /// The price of a night in the smallest cottage type in the low season, in minor units.
        let night: Int64
        let cleaning: Int64
    }

    static let plans: [Plan] = {
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

    func make(_ plan: Plan, _ random: inout SeededGenerator, _ act: Act) async throws -> World {
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
    func access(_ worlds: [World], by office: StaffMember, _ act: Act) async throws {
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
}
