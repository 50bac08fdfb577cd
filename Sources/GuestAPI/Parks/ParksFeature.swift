import GuestModels

extension Feature {
    /// The parks feature: parks, cottages, rates, closures and the search for free cottages.
    static let parks = Feature(
        name: "parks",
        handlers: [ParkRoutes.handlers],
        jobs: [CheckOccupancy.self],
        schedules: [.dailyAtPark(LocalTime(constant: "03:00")) { park, _ in CheckOccupancy(parkId: park) }]
    )
}
