"""Use cases of the payments service. One function is one transaction's work: load and lock, decide, save, tell."""

from services.payments.handlers.accounts import Registered, register_account
from services.payments.handlers.charges import CALLS_PER_SLICE, close_short_calls
from services.payments.handlers.corrections import payment_not_found, resolve, reverse, unapply
from services.payments.handlers.matching import MOST_CANDIDATES, assign, candidates_of, hold_not_found
from services.payments.handlers.people import (
    Paid,
    cancel,
    declare_default,
    not_issued,
    pay,
    release_remainder,
)
from services.payments.handlers.policies import get_policy, set_policy
from services.payments.handlers.receiving import Received, receive_payments, sweep
from services.payments.handlers.terms import CALLS_PER_TICK, apply_funds, apply_terms, tick_business_date

__all__ = [
    "CALLS_PER_SLICE",
    "CALLS_PER_TICK",
    "MOST_CANDIDATES",
    "Paid",
    "Received",
    "Registered",
    "apply_funds",
    "apply_terms",
    "assign",
    "cancel",
    "candidates_of",
    "close_short_calls",
    "declare_default",
    "get_policy",
    "hold_not_found",
    "not_issued",
    "pay",
    "payment_not_found",
    "receive_payments",
    "register_account",
    "release_remainder",
    "resolve",
    "reverse",
    "set_policy",
    "sweep",
    "tick_business_date",
    "unapply",
]
