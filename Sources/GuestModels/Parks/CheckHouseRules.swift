extension HouseRules: Checked {
    public func check(_ check: inout Check) {
        check.range(minimumNights, "/minimumNights", 1...365)
        check.range(maximumNights, "/maximumNights", 1...365)
        check.require(maximumNights >= minimumNights, "/maximumNights", "must not be less than minimumNights")
        check.range(bookableDaysAhead, "/bookableDaysAhead", 0...1100)
        check.range(holdMinutes, "/holdMinutes", 1...1440)
        check.range(extensionMinutes, "/extensionMinutes", 1...1440)
        check.range(depositPercent, "/depositPercent", 0...100)
        check.range(chosenCottageFee, "/chosenCottageFee", 0...1_000_000)
        check.range(petNight, "/petNight", 0...1_000_000)
        check.range(earlyBooking?.days, "/earlyBooking/days", 0...1100)
        check.range(earlyBooking?.percent, "/earlyBooking/percent", 0...100)
        check.range(touristTax?.personNight, "/touristTax/personNight", 0...1_000_000)
        check.range(touristTax?.fromAge, "/touristTax/fromAge", 0...120)
        check.range(touristTax?.toAge, "/touristTax/toAge", 0...120)
        check.range(touristTax?.rate, "/touristTax/rate", 0...10_000)
        check.range(touristTax?.maximumNights, "/touristTax/maximumNights", 1...365)
        check.text(touristTax?.municipality, "/touristTax/municipality", length: 1...100)
        check.range(register?.keepDays, "/register/keepDays", 0...4000)
        check.range(goodwillLimit, "/goodwillLimit", 0...1_000_000_000)
        check.range(goodwillDayLimit, "/goodwillDayLimit", 0...1_000_000_000)
        check.range(balanceDays, "/balanceDays", 0...1100)
        check.range(maximumBabies, "/maximumBabies", 0...20)
        check.range(undoHours, "/undoHours", 0...720)
        check.range(fullPriceDays, "/fullPriceDays", 0...1100)
        check.range(overdue?.askAfterDays, "/overdue/askAfterDays", 1...1100)
        check.range(overdue?.cancelAfterDays, "/overdue/cancelAfterDays", 1...1100)
        check.require((vat ?? []).count <= 50, "/vat", "must have at most 50 entries")
        for (index, rates) in (vat ?? []).enumerated() {
            check.range(rates.lodging, "/vat/\(index)/lodging", 0...10_000)
            check.range(rates.extras, "/vat/\(index)/extras", 0...10_000)
        }
        check.require(
            Set((vat ?? []).map(\.from)).count == (vat ?? []).count,
            "/vat",
            "must not name a day twice"
        )
        if let seller {
            check.text(seller.name, "/seller/name", length: 1...100)
            check.text(seller.address, "/seller/address", length: 1...200)
            check.text(seller.vatNumber, "/seller/vatNumber", length: 1...30)
            let isAccount = seller.account.map { account in
                account.hasPrefix("acct_") && (6...100).contains(account.utf8.count)
                    && account.utf8.dropFirst(5).allSatisfy(Check.isAlphanumeric)
            }
            check.require(isAccount ?? true, "/seller/account", "must be acct_ and letters or digits")
        }
        Self.check(arrivals, "/arrivals", &check)
        check.require((seasons ?? []).count <= 100, "/seasons", "must have at most 100 entries")
        for (index, season) in (seasons ?? []).enumerated() {
            let path = "/seasons/\(index)"
            check.range(season.minimumNights, "\(path)/minimumNights", 1...365)
            check.range(season.maximumNights, "\(path)/maximumNights", 1...365)
            check.range(season.depositPercent, "\(path)/depositPercent", 0...100)
            check.require((season.typeIds ?? []).count <= 100, "\(path)/typeIds", "must have at most 100 entries")
            let (least, most) = (season.minimumNights ?? minimumNights, season.maximumNights ?? maximumNights)
            check.require(most >= least, "\(path)/maximumNights", "must not be less than minimumNights")
            Self.check(season.arrivals ?? [], "\(path)/arrivals", &check)
        }
        check.require(cancellation.count <= 20, "/cancellation", "must have at most 20 entries")
        for (index, step) in cancellation.enumerated() {
            check.range(step.days, "/cancellation/\(index)/days", 0...1100)
            check.range(step.percent, "/cancellation/\(index)/percent", 0...100)
        }
    }

    private static func check(_ arrivals: [Arrival], _ path: String, _ check: inout Check) {
        check.require(arrivals.count <= 50, path, "must have at most 50 entries")
        for (index, arrival) in arrivals.enumerated() {
            check.require(
                arrival.nights.count <= 60 && arrival.nights.allSatisfy { (1...365).contains($0) },
                "\(path)/\(index)/nights",
                "must be up to 60 numbers from 1 to 365"
            )
        }
    }
}
