public import Foundation

extension HouseRules {
    public var babiesPerCottage: Int { maximumBabies ?? 2 }

    public var overdueRule: Overdue { overdue ?? .usual }

    /// Whether an act at `then` is too long ago for the desk to undo.
    public func isTooLateToUndo(_ then: Date, at now: Date) -> Bool {
        now.timeIntervalSince(then) > Double(undoHours ?? 24) * 3600
    }

    /// The rules for a stay that begins on a day in a cottage of a type.
    ///
    /// - Parameter type: the cottage's type; when nil, seasons that are limited to some types are ignored.
    public func season(of arrival: LocalDate, _ type: CottageType.ID?) -> HouseRules {
        let found = seasons?.first { season in
            season.arriving.arrival <= arrival && arrival < season.arriving.departure
                && (season.typeIds.map { types in type.map(types.contains) ?? false } ?? true)
        }
        guard let found else { return self }
        var rules = self
        rules.arrivals = found.arrivals ?? arrivals
        rules.minimumNights = found.minimumNights ?? minimumNights
        rules.maximumNights = found.maximumNights ?? maximumNights
        rules.depositPercent = found.depositPercent ?? depositPercent
        return rules
    }

    /// The deposit in percent of the lodging, for a stay booked on the park-local day `today`.
    public func depositPercent(for stay: Stay, today: LocalDate) -> Int {
        let isNear = fullPriceDays.map { stay.arrival.daysSince1970 - today.daysSince1970 < $0 } ?? false
        return isNear ? 100 : depositPercent
    }

    /// The day by which a booking made on `today` must be paid, park-local.
    public func balanceDue(for stay: Stay, today: LocalDate) -> LocalDate {
        max(stay.arrival.adding(days: -(balanceDays ?? 28)), today)
    }

    /// Throws when the dates are not allowed in any cottage, on the park-local day `today`.
    public func allow(_ stay: Stay, today: LocalDate) throws(Refusal) {
        guard stay.arrival >= today else { throw .arrivalPassed }
        guard stay.arrival <= today.adding(days: bookableDaysAhead) else { throw .tooFarAhead }
    }

    /// Throws when the arrival day or the length of the stay is not allowed in cottages of these types.
    public func allow(_ stay: Stay, in types: some Sequence<CottageType.ID>) throws(Refusal) {
        for type in types { try season(of: stay.arrival, type).allowLength(of: stay) }
    }

    private func allowLength(of stay: Stay) throws(Refusal) {
        guard (minimumNights...max(minimumNights, maximumNights)).contains(stay.nightCount) else {
            throw .lengthNotAllowed
        }
        guard !arrivals.isEmpty else { return }
        let ofDay = arrivals.filter { $0.weekday == stay.arrival.weekday }
        guard !ofDay.isEmpty else { throw .arrivalDayNotAllowed }
        guard ofDay.contains(where: { $0.nights.isEmpty || $0.nights.contains(stay.nightCount) }) else {
            throw .lengthNotAllowed
        }
    }

    /// The fee of a cancellation on the park-local day `today`, in percent of the price.
    public func cancellationPercent(arrival: LocalDate, today: LocalDate) -> Int {
        let daysAhead = arrival.daysSince1970 - today.daysSince1970
        return cancellation.sorted { $0.days > $1.days }.first { daysAhead >= $0.days }?.percent ?? 100
    }
}

extension Refusal {
    /// The stay begins before today in the park's time zone.
    public static let arrivalPassed = Refusal(
        .conflict,
        "arrival_passed",
        en: "That day of arrival has passed.",
        nl: "Die aankomstdag is al voorbij.",
        de: "Dieser Anreisetag ist schon vorbei."
    )

    /// The day of arrival lies beyond the `bookableDaysAhead` of the house rules.
    public static let tooFarAhead = Refusal(
        .conflict,
        "too_far_ahead",
        en: "The park does not take bookings that far ahead yet.",
        nl: "Het park neemt nog geen boekingen zo ver vooruit aan.",
        de: "So weit im Voraus nimmt der Park noch keine Buchungen an."
    )

    /// The stay begins on a weekday on which the season of a requested cottage type allows no arrival.
    public static let arrivalDayNotAllowed = Refusal(
        .conflict,
        "arrival_day_not_allowed",
        en: "The park has no arrivals on that day of the week.",
        nl: "Op die weekdag zijn er geen aankomsten in het park.",
        de: "An diesem Wochentag gibt es im Park keine Anreise."
    )

    /// The house rules of the season or of the arrival day do not allow this number of nights.
    public static let lengthNotAllowed = Refusal(
        .conflict,
        "length_not_allowed",
        en: "The park does not offer a stay of that many nights from that day.",
        nl: "Het park biedt vanaf die dag geen verblijf van zoveel nachten aan.",
        de: "Der Park bietet ab diesem Tag keinen Aufenthalt mit so vielen Nächten an."
    )
}
