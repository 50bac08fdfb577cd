/// The HTML page that a payer sees.
enum PayPage {
    static let missing = frame("<h1>There is no such payment</h1>")

    static func text(_ intent: PaymentIntent) -> String {
        let amount =
            "\(intent.amount / 100).\(String(100 + intent.amount % 100).dropFirst()) \(intent.currency.uppercased())"
        switch intent.status {
        case "succeeded": return frame("<h1>Paid</h1><p>\(amount). You may close this page.</p>")
        case "processing": return frame("<h1>Under way</h1><p>\(amount). The bank takes its time.</p>")
        case "canceled": return frame("<h1>Withdrawn</h1><p>This payment can no longer be made.</p>")
        default:
            let declined = intent.lastPaymentError == nil ? "" : "<p>The last try was declined.</p>"
            return frame(
                """
                <h1>\(amount)</h1>
                <p>by \(intent.paymentMethodTypes.joined(separator: ", "))</p>\(declined)
                <form method="post">
                <input type="hidden" name="client_secret" value="\(intent.clientSecret)">
                <button name="button" value="approve">Approve</button>
                <button name="button" value="decline">Decline</button>
                </form>
                """
            )
        }
    }

    private static func frame(_ body: String) -> String {
        """
        <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Payment sandbox</title>
        <style>
        body { font: 18px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem }
        button { font: inherit; padding: .6rem 1.2rem; margin: 0 .5rem .5rem 0 }
        small { color: #666 }
        </style>
        \(body)
        <p><small>This is a sandbox. No money moves.</small></p></html>
        """
    }
}
