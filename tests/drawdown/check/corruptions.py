"""What a hand with every right could do to a ledger, and which questions of the checker must notice it."""

TWIN = """
insert into payments.payment ({columns})
select {values} from payments.payment where external_id = 'to reverse'
"""
COLUMNS = (
    *("id", "source_id", "external_id", "kind", "amount_minor", "currency", "value_date", "recorded_at"),
    *("applied_minor", "held_minor", "returned_minor", "dismissed_minor", "reversed_minor"),
)


def twin(**other: str) -> str:
    """A second row like that of the payment that was reversed, whose money is nowhere else."""
    values = [other.get(column, column) for column in COLUMNS]
    return TWIN.format(columns=", ".join(COLUMNS), values=", ".join(values))


def without(table: str, *constraints: str) -> list[str]:
    return [f"alter table {table} drop constraint {constraint}" for constraint in constraints]


def change(member: str, value: str) -> str:
    """Another value in the first change of the newest version of a fund's reserves."""
    return f"""update allocations.reallocation_audit
                  set changes_json = jsonb_set(changes_json, '{{0,{member}}}', to_jsonb({value}))
                where fund_id = 1 and new_version = 4"""


BY_HAND: dict[str, tuple[list[str], set[str]]] = {
    "a payment's money is counted twice": (
        [
            *without("payments.payment", "payment_conserved"),
            "update payments.payment set returned_minor = 1 where external_id = 'exact'",
        ],
        {"amounts are conserved", "postings and holds account for every amount"},
    ),
    "money is on hold that no hold has": (
        [
            """update payments.payment set held_minor = applied_minor, applied_minor = 0
            where external_id = 'by reference'""",
        ],
        {"postings and holds account for every amount"},
    ),
    "a reversal took back a part": (
        [
            """update payments.payment set reversed_minor = 1, dismissed_minor = amount_minor - 1
            where external_id = 'to reverse'""",
        ],
        {"postings and holds account for every amount", "reversals took back their originals whole, once"},
    ),
    "a dead letter is lost": (
        ["delete from payments.dead_letter"],
        {"every record is booked, a conflict or a dead letter"},
    ),
    "a payment is lost": (
        ["delete from payments.payment where external_id = 'to reverse'"],
        {
            "reversals took back their originals whole, once",
            "every record is booked, a conflict or a dead letter",
            "an application is undone by its like, once",
            "postings sum to each call's paid",
            "postings on call.status_changed",
        },
    ),
    "a statement's entry was never sent": (
        ["update payments.statement_entry set payment_id = 'B-2'"],
        {"every entry taken from a statement was sent"},
    ),
    "more is applied than was paid": (
        [
            """update payments.later_posting set amount_minor = amount_minor + 1
                where id = (select min(id) from payments.later_posting where kind = 'applied')""",
        ],
        {
            "postings and holds account for every amount",
            "net applications are within the payment's amount",
            "postings sum to each call's paid",
            "postings on call.status_changed",
        },
    ),
    "an identity is booked twice": (
        [*without("payments.payment", "payment_identity"), twin(id="999999999")],
        {"identities are booked once"},
    ),
    "an application is undone by another amount": (
        [
            """update payments.later_posting set amount_minor = amount_minor + 1
            where id = (select min(id) from payments.later_posting where kind = 'undone')""",
        ],
        {
            "postings and holds account for every amount",
            "net applications are within the payment's amount",
            "an application is undone by its like, once",
            "postings sum to each call's paid",
            "postings on call.status_changed",
        },
    ),
    "a payment that nobody sent": (
        [twin(id="999999999", external_id="'invented'")],
        {"every booking was sent"},
    ),
    "a call's day of payment": (
        [
            "update allocations.call set last_paid_on = '2026-03-01' where last_paid_on is not null",
        ],
        {"allocations heard what payments said last"},
    ),
    "a call counts a posting too many": (
        [
            "update payments.call set postings = postings + 1 where id = (select min(id) from payments.call)",
        ],
        {
            "postings sum to each call's paid",
            "allocations heard what payments said last",
            "versions on call.status_changed",
            "receivables",
        },
    ),
    "a call is paid beyond its amount": (
        [
            *without("payments.call", "call_paid", "call_paid_on", "call_status"),
            "update payments.call set paid_minor = original_minor + 1 where id = (select min(id) from payments.call)",
        ],
        {
            "postings sum to each call's paid",
            "allocations heard what payments said last",
            "receivables are paid within their amount",
            "status of receivables",
            "versions on call.status_changed",
            "receivables",
        },
    ),
    "allocations heard of more than was called": (
        [
            *without("allocations.call", "paid_within_amount"),
            "update allocations.call set paid_minor = amount_minor + 1 where id = 1",
        ],
        {
            "calls sum to planned, called and funded",
            "allocations heard what payments said last",
            "calls are paid within their amount",
        },
    ),
    "an amount beyond the commitment": (
        [
            *without("allocations.allocation", "amounts_in_order"),
            "update allocations.allocation set planned_minor = committed_minor + 1 where id = 1",
        ],
        {
            "calls sum to planned, called and funded",
            "amounts of allocations are in order",
            "versions on allocation.status_changed",
            "allocations",
            "totals of funds",
        },
    ),
    "an allocation's status": (
        [
            *without("allocations.allocation", "status_follows_from_amounts"),
            """update allocations.allocation set fresh = not fresh
            where funded_minor > 0 and funded_minor < committed_minor""",
        ],
        {"status of allocations"},
    ),
    "a call that should be overdue": (
        [
            *without("payments.call", "call_status"),
            "update payments.call set business_date = due_on + 1 where status = 'called'",
        ],
        {"status of receivables"},
    ),
    "a call that the clock forgot": (
        [
            """update payments.call set watch_on = null, defaulted = false, status = 'overdue'
                where due_on < '2021-01-01'""",
        ],
        {"the clock's defaults"},
    ),
    "a call without a number": (
        ["update allocations.call set seq_no = 99 where id = 1"],
        {"calls of an allocation are numbered without a gap", "terms of calls"},
    ),
    "a posting of a version that is not there": (
        [
            "update payments.payment set booked_version = 99 where external_id = 'exact'",
        ],
        {"postings belong to versions that exist"},
    ),
    "a fund that was never told of": (
        ["update allocations.fund set version = version + 1 where id = 1"],
        {"versions on fund.changed", "funds"},
    ),
    "a deal that was never told of": (
        ["update allocations.deal set version = version + 1 where id = 1"],
        {"versions on deal.changed", "deals"},
    ),
    "terms that were never told of": (
        ["update allocations.call set terms_version = terms_version + 1 where id = 1"],
        {"allocations heard what payments said last", "versions on call.terms_changed", "terms of calls"},
    ),
    "a hold that was never told of": (
        ["update payments.hold set version = version + 1"],
        {"versions on payment.held", "holds"},
    ),
    "a total of metrics": (
        ["update metrics.allocation set funded_minor = funded_minor - 1 where funded_minor > 0"],
        {"allocations", "totals of funds"},
    ),
    "a call that metrics forgot": (
        ["delete from metrics.call where id = (select min(id) from metrics.call)"],
        {"terms of calls", "receivables"},
    ),
    "a fund that metrics renamed": (
        ["update metrics.fund set name = 'Aerys' where id = 1"],
        {"funds"},
    ),
    "a deal that metrics moved on": (
        ["update metrics.deal set stage = 'funded' where stage <> 'funded'"],
        {"deals"},
    ),
    "a hold that metrics forgot": (
        ["delete from metrics.hold where id = (select min(id) from metrics.hold)"],
        {"holds"},
    ),
    "an audit entry is edited": (
        ["update audit.entry set actor = 'nobody' where sequence = 1"],
        {"audit chains"},
    ),
    "an audit entry is removed": (
        [
            """delete from audit.entry
                where sequence = 1 and topic_id = (select id from audit.topic where name = 'deal.changed')"""
        ],
        {"audit chains", "entries for deal.changed"},
    ),
    "every audit entry is removed": (
        ["delete from audit.entry"],
        {
            "audit chains",
            "entries for allocation.status_changed",
            "entries for audit.recorded",
            "entries for call.status_changed",
            "entries for call.terms_changed",
            "entries for deal.changed",
            "entries for fund.changed",
            "entries for payment.held",
            "entries for payment.received",
            "entries for payment.received.dlt",
            "entries for reserve.reallocated",
        },
    ),
    "a reserve at another version than its fund's": (
        [
            """update allocations.reserve set allocation_version = allocation_version + 1
                where fund_id = 1 and company_id = (select min(company_id) from allocations.reserve)""",
        ],
        {"reserves of a fund have one version", "versions on reserve.reallocated", "reserves"},
    ),
    "reserves beyond their history": (
        ["update allocations.reserve set allocation_version = allocation_version + 1 where fund_id = 1"],
        {"reserves of a fund have one version", "versions on reserve.reallocated", "reserves"},
    ),
    "a fund's reserves are gone": (
        ["delete from allocations.reserve where fund_id = 2"],
        {
            "reserves of a fund have one version",
            "reserves are what their history comes to",
            "versions on reserve.reallocated",
            "reserves",
        },
    ),
    "a fund's history of reserves is gone": (
        ["delete from allocations.reallocation_audit where fund_id = 2"],
        {
            "reserves of a fund have one version",
            "reserves are what their history comes to",
            "schedules that are done stand in the history",
            "figures on reserve.reallocated",
        },
    ),
    "a reserve that was moved by hand": (
        [
            """update allocations.reserve set planned_reserves_minor = planned_reserves_minor + 1
                where fund_id = 1 and company_id = (select min(company_id) from allocations.reserve)""",
        ],
        {"reserves are what their history comes to", "versions on reserve.reallocated", "reserves"},
    ),
    "reserves that were exchanged by hand": (
        [
            """update allocations.reserve r set planned_reserves_minor = o.planned_reserves_minor
                 from allocations.reserve o
                where r.fund_id = 1 and o.fund_id = 1 and r.company_id in (1, 2) and o.company_id = 3 - r.company_id""",
        ],
        {"reserves are what their history comes to"},
    ),
    "a cap that nobody set": (
        ["update allocations.reserve set allocation_cap_minor = 1 where allocation_cap_minor is null"],
        {"reserves are what their history comes to"},
    ),
    "a cap that was taken away by hand": (
        ["update allocations.reserve set allocation_cap_minor = null where allocation_cap_minor is not null"],
        {"reserves are what their history comes to"},
    ),
    "a version of reserves is missing": (
        ["delete from allocations.reallocation_audit where fund_id = 1 and new_version = 3"],
        {
            "the history of reserves is without a gap",
            "changes of reserves follow from each other",
            "figures on reserve.reallocated",
        },
    ),
    "reserves made from another version": (
        ["update allocations.reallocation_audit set baseline_version = 1 where fund_id = 1 and new_version = 3"],
        {"the history of reserves is without a gap", "figures on reserve.reallocated"},
    ),
    "a company that had something else before": (
        [change("from_cents", "((changes_json #>> '{0,from_cents}')::bigint + 1)")],
        {"changes of reserves follow from each other", "figures on reserve.reallocated"},
    ),
    "a history that comes to something else": (
        [change("to_cents", "((changes_json #>> '{0,to_cents}')::bigint + 1)")],
        {"reserves are what their history comes to", "figures on reserve.reallocated"},
    ),
    "a company that is named twice": (
        [
            """update allocations.reallocation_audit
                  set changes_json = changes_json || jsonb_build_array(changes_json -> 0)
                where fund_id = 1 and new_version = 4""",
        ],
        {"changes of reserves follow from each other", "figures on reserve.reallocated"},
    ),
    "a schedule's commit that is told as a set-up": (
        ["update allocations.reallocation_audit set kind = 'set_up' where fund_id = 2 and new_version = 2"],
        {"schedules that are done stand in the history", "figures on reserve.reallocated"},
    ),
    "a reason that was never told": (
        ["update allocations.reallocation_audit set reason = 'another' where reason = 'a better round'"],
        {"figures on reserve.reallocated"},
    ),
    "a total of reserves in metrics": (
        ["update metrics.fund_reserves set planned_minor = planned_minor - 1 where id = 1"],
        {"reserves"},
    ),
    "reserves that metrics forgot": (
        ["delete from metrics.fund_reserves where id = 2"],
        {"reserves"},
    ),
    "a schedule did what stands in no history": (
        ["update allocations.scheduled_reallocation set audit_ids[1] = gen_random_uuid() where status = 'done'"],
        {"schedules that are done stand in the history"},
    ),
    "a schedule did a part": (
        ["update allocations.scheduled_reallocation set audit_ids = audit_ids[1:1] where status = 'done'"],
        {"schedules that are done stand in the history"},
    ),
    "a schedule that was due long ago": (
        ["update allocations.scheduled_reallocation set run_at = '2020-01-01' where status = 'waiting'"],
        {"schedules are run when they are due"},
    ),
    "a hold waits for a call that is there": (
        [
            """update payments.hold set call_id = (select min(id) from payments.call)
            where reason = 'unknown_call'""",
        ],
        {"holds that wait for something that has come"},
    ),
    "a reversal waits for an original that is there": (
        [
            "update payments.payment set reverses = 'exact' where external_id = 'reversal of nothing'",
        ],
        {"holds that wait for something that has come"},
    ),
}
