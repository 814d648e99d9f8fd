"""G. Text: free text is kept to the letter and never obeyed; control characters and lengths beyond limits are not
taken, and account numbers are shown to nobody."""

from typing import Any, Final

from tests.corpus.cases import Applied, Case, case, dead, entry
from tests.corpus.judging import ACCOUNT

_TAKEN: Final = Applied("100.00")
_CONTROLS: Final = "control characters"


def kept(id: str, remittance: str) -> Case:
    """Odd, and kept as it is."""
    return case(id, entry(remittance=remittance), _TAKEN, shows={"remittance": remittance})


def controlled(id: str, remittance: str) -> Case:
    return case(id, entry(remittance=remittance), dead("bad_text", "remittance", _CONTROLS))


def remitter(id: str, of: Any, reason: str, *says: str) -> Case:
    return case(id, entry(remitter=of), dead(reason, "remitter", *says))


CASES: Final = [
    controlled("nul", "call\u0000one"),
    controlled("newline", "paid\nlevel=error forged=yes"),
    controlled("carriage-return", "paid\runpaid"),
    controlled("tab", "a\tb"),
    controlled("escape-sequence", "\u001b[2J\u001b[31mred"),
    controlled("bell", "\u0007"),
    controlled("delete", "abc\u007f"),
    controlled("next-line", "abc\u0085def"),
    controlled("csi", "\u009b31m"),
    case("nul-in-reference", entry(reference="R\u00001"), dead("bad_text", "reference", _CONTROLS)),
    case("newline-in-source", entry(source="bank/a\nb"), dead("bad_text", "source", _CONTROLS)),
    case("newline-in-payment-id", entry(payment_id="a\nb"), dead("bad_text", "payment_id", _CONTROLS)),
    remitter("nul-in-name", {"name": "Acme\u0000LP"}, "bad_text", "name", _CONTROLS),
    # Limits, from both sides
    kept("longest-remittance-shown-whole", "x" * 500),
    case("longest-remittance", entry(remittance="x" * 2_000), _TAKEN),
    case("longest-remittance-of-four-bytes", entry(remittance="😀" * 2_000), _TAKEN),
    case("remittance-too-long", entry(remittance="x" * 2_001), dead("too_long", "remittance", "2000")),
    case("longest-reference", entry(reference="x" * 64), _TAKEN, shows={"reference": "x" * 64}),
    case("reference-too-long", entry(reference="x" * 65), dead("too_long", "reference", "64")),
    remitter("name-too-long", {"name": "x" * 201}, "too_long", "name", "200"),
    remitter("account-too-long", {"account": ACCOUNT * 10}, "too_long", "account", "200"),
    remitter("account-with-newline", {"account": f"{ACCOUNT}\n"}, "bad_text", "account", _CONTROLS),
    remitter("account-as-number", {"account": 370400440532013000}, "bad_value", "account", "string"),
    remitter("account-in-an-array", {"account": [ACCOUNT]}, "bad_value", "account", "string"),
    remitter("name-of-a-number", {"name": 17, "account": ACCOUNT}, "bad_value", "name", "string"),
    case("account-for-a-remitter", entry(remitter=ACCOUNT), dead("bad_value", "remitter")),
    case("account-for-a-kind", entry(kind=ACCOUNT), dead("bad_value", "kind", "credit", "reversal")),
    case("account-for-a-method", entry(method=ACCOUNT), dead("bad_value", "method", "wire")),
    case("megabyte-memo", entry(remittance="x" * 1_000_000), dead("too_large", "262144")),
    case("record-of-one-byte-too-much", entry(extra="x" * 262_144), dead("too_large", "262144")),
    case("record-just-inside", entry(extra="x" * 261_900), _TAKEN),
    # Kept, and never obeyed
    kept("right-to-left-override", "invoice \u202e00.001 DSU\u202c"),
    kept("zero-width", "Bale\u200brion\u200d"),
    kept("emoji", "call 1 💸👩‍👩‍👧‍👧"),
    kept("script", "<script>alert(document.cookie)</script>"),
    kept("image", '"><img src=x onerror=alert(1)>'),
    kept("sql", "'; drop table payments.payment; --"),
    kept("sql-placeholders", "$1 %s %(name)s :name ?"),
    kept("template", "{{7*7}}${7*7}#{7*7}<%= 7*7 %>"),
    kept("format-string", "%s%s%n %d {0} {}"),
    kept("log-lookup", "${jndi:ldap://127.0.0.1/a}"),
    kept("spreadsheet-formula", "=cmd|' /C calc'!A0"),
    kept("spreadsheet-link", '@SUM(1+1)*HYPERLINK("http://localhost","x")'),
    kept("path", "../../../../etc/passwd"),
    kept("line-separator", "a\u2028b\u2029c"),
    kept("non-character", "a\ufffeb\uffff"),
    kept("private-use-and-tags", "\ue000\U000e0041"),
    kept("combining-marks", "Z" + "\u0351" * 100),
    kept("replacement-character", "M\ufffdller"),
    kept("backslashes", "\\u0000 \\n \\"),
    kept("quotes", "\"'`´‘’“”"),
    kept("spaces-around", "  call 1  "),
    case(
        "look-alike-name",
        entry(remitter={"name": "Аcme LР"}),
        _TAKEN,
        shows={"remitter_name": "Аcme LР", "account_last4": None},
    ),
    case(
        "account-is-cut",
        entry(remitter={"name": "Acme LP", "account": ACCOUNT}),
        _TAKEN,
        shows={"remitter_name": "Acme LP", "account_last4": "3000"},
    ),
    case("short-account-is-not-shown", entry(remitter={"account": "1234"}), _TAKEN, shows={"account_last4": None}),
    case("empty-texts", entry(reference="", remittance="", remitter={"name": "", "account": ""}), _TAKEN),
]
