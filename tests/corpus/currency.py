"""C. Currency: three capital letters of a currency that is in use, and that has minor units."""

from typing import Any, Final

from tests.corpus.cases import BAD_CURRENCY, Applied, Case, Dead, Held, Raw, case, dead, entry

_UNKNOWN: Final = dead("bad_currency", "currency", "ISO 4217 lists no currency")


def code(id: str, currency: Any, verdict: Dead | Applied | Held = BAD_CURRENCY, of: str = "USD") -> Case:
    return case(id, entry(currency=currency), verdict, currency=of)


CASES: Final = [
    code("lower-case", "usd"),
    code("mixed-case", "Usd"),
    code("two-letters", "US"),
    code("four-letters", "USDT"),
    code("empty", ""),
    code("space-behind", "USD "),
    code("newline-behind", "USD\n"),
    code("symbol", "$"),
    code("name", "US dollar"),
    code("number", "840"),
    code("number-as-number", 840),
    code("null", None),
    code("full-width", "ＵＳＤ"),
    code("cyrillic-look-alike", "USD".replace("S", "Ѕ")),
    code("array", ["USD"]),
    case("missing", entry(without=["currency"]), dead("missing_field", "currency", "required")),
    case("raw-word", entry(currency=Raw("USD")), dead("bad_json")),
    # Three capital letters that are no money
    code("unknown", "QQQ", _UNKNOWN),
    code("no-currency", "XXX", _UNKNOWN),
    code("test-code", "XTS", _UNKNOWN),
    code("gold", "XAU", _UNKNOWN),
    code("historic-mark", "DEM", _UNKNOWN),
    code("historic-lira", "ITL", _UNKNOWN),
    code("crypto", "BTC", _UNKNOWN),
    # Money, but not the call's: never exchanged, never added
    code("not-the-calls", "EUR", Held("currency_mismatch", "100.00")),
    code("dollars-for-a-call-in-yen", "USD", Held("currency_mismatch", "100.00"), of="JPY"),
    code("yen-for-a-call-in-dollars", "JPY", Held("currency_mismatch", "100")),
    code("dinar-for-a-call-in-dollars", "KWD", Held("currency_mismatch", "100.000")),
    # Right
    code("right", "USD", Applied("100.00")),
    code("right-yen", "JPY", Applied("100"), of="JPY"),
    code("right-dinar", "KWD", Applied("100.000"), of="KWD"),
]
