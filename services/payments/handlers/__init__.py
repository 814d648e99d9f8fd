"""Use cases of the payments service. One function is one transaction's work: load and lock, decide, save, tell."""

from services.payments.handlers.corrections import payment_not_found, resolve, reverse, unapply
from services.payments.handlers.people import (
    Account,
    Paid,
    cancel,
    declare_default,
    not_issued,
    pay,
    register_account,
    release_remainder,
)
from services.payments.handlers.receiving import Received, receive_payments, sweep
from services.payments.handlers.terms import CALLS_PER_TICK, apply_funds, apply_terms, tick_business_date

__all__ = [
    "CALLS_PER_TICK",
    "Account",
    "Paid",
    "Received",
    "apply_funds",
    "apply_terms",
    "cancel",
    "declare_default",
    "not_issued",
    "pay",
    "payment_not_found",
    "receive_payments",
    "register_account",
    "release_remainder",
    "resolve",
    "reverse",
    "sweep",
    "tick_business_date",
    "unapply",
]
