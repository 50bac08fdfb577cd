"""Drives the payment sandbox with Stripe's own Python library, as somebody would who has never seen our client.

    stripe_contract.py URL

Each check says what the provider's documentation promises; one that does not hold ends with its name.
"""

import sys
import uuid

import stripe

stripe.api_base = sys.argv[1]
stripe.max_network_retries = 0
stripe.api_key = "sk_test_contract" + uuid.uuid4().hex
checks = 0


def check(name, holds):
    global checks
    if not holds:
        raise SystemExit(f"{name} does not hold")
    checks += 1


def refused(error, call, *, status, code=None, param=None):
    try:
        call()
    except error as refusal:
        same = refusal.http_status == status and (code is None or refusal.code == code)
        return same and (param is None or getattr(refusal, "param", None) == param)
    except stripe.StripeError as other:
        print(f"got {type(other).__name__} {other.http_status} {other.code}: {other}", file=sys.stderr)
    return False


def intent(amount=2000, currency="eur", **more):
    return stripe.PaymentIntent.create(amount=amount, currency=currency, **more)


made = intent(metadata={"attempt": "7"}, payment_method_types=["card"])
check("an intent wants a payment method", made.status == "requires_payment_method" and made.client_secret.startswith(made.id))
check("an intent is found again", stripe.PaymentIntent.retrieve(made.id).metadata["attempt"] == "7")
paid = stripe.PaymentIntent.confirm(made.id, payment_method="pm_card_visa")
check("a good card pays", paid.status == "succeeded" and paid.amount_received == 2000)
charge = stripe.Charge.retrieve(paid.latest_charge)
check("its charge can be read", charge.amount == 2000 and charge.payment_intent == made.id and not charge.disputed)
check("what is paid is not cancelled", refused(
    stripe.InvalidRequestError, lambda: stripe.PaymentIntent.cancel(made.id), status=400, code="payment_intent_unexpected_state"))
other = intent()
check("a declined card is a 402", refused(
    stripe.CardError, lambda: stripe.PaymentIntent.confirm(other.id, payment_method="pm_card_visa_chargeDeclined"),
    status=402, code="card_declined"))
check("and another card may follow", stripe.PaymentIntent.retrieve(other.id).status == "requires_payment_method")
check("an open intent is cancelled", stripe.PaymentIntent.cancel(other.id).status == "canceled")
key = uuid.uuid4().hex
once = intent(idempotency_key=key)
check("the same key is the same intent", intent(idempotency_key=key).id == once.id)
check("the same key with another amount is refused", refused(
    stripe.IdempotencyError, lambda: intent(2001, idempotency_key=key), status=400))
check("ten cents are too little", refused(
    stripe.InvalidRequestError, lambda: intent(10), status=400, code="amount_too_small", param="amount"))
check("a hundred million are too much", refused(
    stripe.InvalidRequestError, lambda: intent(100_000_000), status=400, code="amount_too_large", param="amount"))
check("a currency that is none is refused", refused(
    stripe.InvalidRequestError, lambda: intent(currency="zzz"), status=400, param="currency"))
check("iDEAL in pounds is refused", refused(
    stripe.InvalidRequestError, lambda: intent(currency="gbp", payment_method_types=["ideal"]), status=400))
check("dinars end in a nought", refused(
    stripe.InvalidRequestError, lambda: intent(12_345, "kwd"), status=400, param="amount"))
check("a part is refunded", stripe.Refund.create(payment_intent=made.id, amount=500).status == "succeeded")
check("never more than was taken", refused(
    stripe.InvalidRequestError, lambda: stripe.Refund.create(payment_intent=made.id, amount=1501), status=400, param="amount"))
stripe.Refund.create(payment_intent=made.id)
check("nor twice", refused(
    stripe.InvalidRequestError, lambda: stripe.Refund.create(payment_intent=made.id), status=400, code="charge_already_refunded"))
disputed = intent(payment_method="pm_card_createDispute", confirm=True)
dispute = stripe.Dispute.list(payment_intent=disputed.id).data[0]
check("a dispute is listed by its intent", dispute.status == "needs_response" and dispute.amount == 2000)
check("disputed money is not refunded", refused(
    stripe.InvalidRequestError, lambda: stripe.Refund.create(payment_intent=disputed.id), status=400, code="charge_disputed"))
won = stripe.Dispute.modify(dispute.id, evidence={"uncategorized_text": "winning_evidence"})
check("evidence wins a dispute", won.status == "won")
books = stripe.BalanceTransaction.list(limit=100).data
check("the books have every movement", sorted({line.type for line in books}) == ["adjustment", "charge", "refund"])
check("an id that is none is a 404", refused(
    stripe.InvalidRequestError, lambda: stripe.PaymentIntent.retrieve("pi_none"), status=404, code="resource_missing"))
check("a path that is none is a JSON error", refused(
    stripe.InvalidRequestError, lambda: stripe.Product.list(), status=404))
connected = intent(stripe_account="acct_contract")
check("an intent belongs to the account it was made at", refused(
    stripe.InvalidRequestError, lambda: stripe.PaymentIntent.retrieve(connected.id), status=404, code="resource_missing"))
check("and is found there", stripe.PaymentIntent.retrieve(connected.id, stripe_account="acct_contract").id == connected.id)
stripe.PaymentIntent.confirm(connected.id, payment_method="pm_card_visa", stripe_account="acct_contract")
moved = stripe.BalanceTransaction.list(limit=5, stripe_account="acct_contract").data
check("each account has books of its own", [movement.type for movement in moved] == ["charge"])
check("an account that is none is refused", refused(
    stripe.PermissionError, lambda: intent(stripe_account="nobody"), status=403))
stripe.api_key = "wrong"
check("a wrong key is a 401", refused(stripe.AuthenticationError, lambda: intent(), status=401))
print(f"{checks} passed, 0 failed")
