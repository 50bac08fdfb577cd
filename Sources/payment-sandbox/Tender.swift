/// The provider's limits of a currency: the least amount and the smallest step, in the units of its API.
///
/// This table is written separately from the service's own table, so that each checks the other.
struct Tender {
    let least: Int64
    var step: Int64 = 1

    static func of(_ currency: String) -> Tender? {
        if let least = leasts[currency] { return Tender(least: least) }
        if ["bhd", "jod", "kwd", "omr", "tnd"].contains(currency) { return Tender(least: 500, step: 10) }
        // These currencies no longer have hundredths, but the API still counts in hundredths.
        if ["isk", "ugx"].contains(currency) { return Tender(least: 100, step: 100) }
        if zeroDecimal.contains(currency) { return Tender(least: 1) }
        return others.contains(currency) ? Tender(least: 50) : nil
    }

    func allow(_ amount: Int64, _ currency: String) throws(Fault) {
        guard amount >= least else {
            throw Fault(
                code: "amount_too_small",
                message: "Amount must be at least \(least) \(currency)",
                param: "amount"
            )
        }
        guard amount <= 99_999_999 else {
            throw Fault(
                code: "amount_too_large",
                message: "Amount must be no more than 99999999 \(currency)",
                param: "amount"
            )
        }
        guard amount % step == 0 else {
            throw Fault(
                code: "parameter_invalid_integer",
                message: "Invalid amount for \(currency): must be divisible by \(step)",
                param: "amount"
            )
        }
    }

    private static let leasts: [String: Int64] = [
        "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
        "eur": 50,
        "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
        "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
    ]

    private static let zeroDecimal: Set = [
        "bif", "clp", "djf", "gnf", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    ]

    private static let others: Set = [
        "all", "amd", "ars", "bam", "bdt", "bnd", "cny", "cop", "crc", "dop", "egp", "etb", "gel", "idr", "ils", "jmd",
        "kes", "kzt", "lkr", "mad", "mdl", "mkd", "mur", "ngn", "npr", "pen", "php", "pkr", "qar", "rsd", "sar", "try",
        "ttd", "twd", "tzs", "uah", "uyu", "uzs", "zar", "zmw",
    ]
}
