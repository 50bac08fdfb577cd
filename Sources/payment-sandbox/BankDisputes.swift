extension Bank {
    /// Opens a dispute: the payer's bank takes the money back at once, unless it only inquires.
    func dispute(_ charge: inout Charge, _ status: String) throws {
        charge.disputed = true
        let dispute = Dispute(
            id: Self.id("dp"),
            amount: charge.amount,
            currency: charge.currency,
            charge: charge.id,
            paymentIntent: charge.paymentIntent,
            status: status,
            created: created
        )
        try store.put(dispute, intent: charge.paymentIntent, of: account)
        if dispute.hasMoney {
            try book("adjustment", -dispute.amount, fee: 1500, dispute.currency, source: dispute.id)
            try emit("charge.dispute.funds_withdrawn", .dispute(dispute))
        }
        try emit("charge.dispute.created", .dispute(dispute))
        if status == "lost" { try emit("charge.dispute.closed", .dispute(dispute)) }
    }

    func dispute(_ id: String) throws -> Dispute {
        guard let dispute: Dispute = try store.find(id, of: account) else { throw Fault.missing("dispute", id) }
        return dispute
    }

    /// Answers a dispute with evidence; the words of Stripe's test mode decide whether it is won or lost.
    func answer(_ id: String, _ form: Form) throws -> Dispute {
        var dispute = try dispute(id)
        guard !["won", "lost"].contains(dispute.status) else {
            throw Fault(code: "dispute_already_closed", message: "This dispute is \(dispute.status).")
        }
        switch form["evidence[uncategorized_text]"] {
        case "winning_evidence":
            let hadMoney = dispute.hasMoney
            dispute.status = "won"
            if hadMoney {
                try book("adjustment", dispute.amount, fee: 0, dispute.currency, source: dispute.id)
                try emit("charge.dispute.funds_reinstated", .dispute(dispute))
            }
            try emit("charge.dispute.closed", .dispute(dispute))
        case "losing_evidence": return try close(id)
        default:
            dispute.status = "under_review"
            try emit("charge.dispute.updated", .dispute(dispute))
        }
        try store.put(dispute, of: account)
        return dispute
    }

    /// Closes a dispute as lost.
    func close(_ id: String) throws -> Dispute {
        var dispute = try dispute(id)
        dispute.status = "lost"
        try store.put(dispute, of: account)
        try emit("charge.dispute.closed", .dispute(dispute))
        return dispute
    }
}
