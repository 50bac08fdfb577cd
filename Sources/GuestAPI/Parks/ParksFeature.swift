import GuestModels

extension Feature {
    /// Parks, cottages, rates, closures and what is free.
    static let parks = Feature(
        name: "parks",
        handlers: [ParkRoutes.handlers],
        jobs: [CheckOccupancy.self],
        schedules: [.dailyAtPark(LocalTime(constant: "03:00")) { park, _ in CheckOccupancy(parkId: park) }]
    )
}
