"""B. Money: amounts as banks, spreadsheets and programs write them. Only plain digits that fit the currency count."""

from typing import Final

from tests.corpus.cases import BAD_AMOUNT, BAD_JSON, GOOD_AMOUNT, Applied, Case, Dead, Held, Raw, case, dead, entry

_JPY: Final = dead("bad_amount", "amount", "at most 0 decimals for JPY", 'such as "400000"')
_KWD: Final = dead("bad_amount", "amount", "at most 3 decimals for KWD", 'such as "400000.000"')
_USD: Final = dead("bad_amount", "amount", "at most 2 decimals for USD", GOOD_AMOUNT)
_MISSING: Final = dead("missing_field", "amount", "required")


def text(id: str, amount: str, verdict: Dead | Applied | Held = BAD_AMOUNT, currency: str = "USD") -> Case:
    """An amount written as a JSON string."""
    return case(id, entry(amount=amount), verdict, currency=currency)


def token(id: str, json: str, verdict: Dead | Applied | Held = BAD_AMOUNT, currency: str = "USD") -> Case:
    """An amount written as another JSON value, or as something that JSON does not know."""
    return case(id, entry(amount=Raw(json)), verdict, currency=currency)


CASES: Final = [
    # What is right, in each way to write it
    text("two-decimals", "100.00", Applied("100.00")),
    text("one-decimal", "100.5", Applied("100.50")),
    text("no-decimals", "100", Applied("100.00")),
    text("leading-zeros", "000000000000100.00", Applied("100.00")),
    text("one-cent", "0.01", Applied("0.01")),
    text("the-whole-call", "1000.00", Applied("1000.00")),
    token("integer-of-major-units", "100", Applied("100.00")),
    text("yen", "100", Applied("100"), "JPY"),
    token("yen-as-integer", "100", Applied("100"), "JPY"),
    text("three-decimals-of-dinar", "100.125", Applied("100.125"), "KWD"),
    # More than anything that is owed, but money all the same
    text("one-cent-too-much", "1000.01", Held("over_payment", "1000.01")),
    text("fifteen-digits", "999999999999999.99", Held("over_payment", "999999999999999.99")),
    token("fifteen-digits-as-integer", "999999999999999", Held("over_payment", "999999999999999.00")),
    text("fifteen-digits-of-dinar", "999999999999999.999", Held("over_payment", "999999999999999.999"), "KWD"),
    # Digits that are not plain
    text("underscore", "1_000.50"),
    text("full-width-digits", "１００.00"),
    text("arabic-indic-digits", "١٠٠"),
    text("devanagari-digits", "१००.००"),
    text("superscript", "10²"),
    text("roman", "Ⅽ"),
    text("hexadecimal", "0x64"),
    text("octal", "0o144"),
    # Signs, spaces, separators
    text("plus", "+100.00"),
    text("minus", "-100.00"),
    text("unicode-minus", "−100.00"),
    text("accounting-minus", "(100.00)"),
    text("trailing-minus", "100.00-"),
    text("space-before", " 100.00"),
    text("space-behind", "100.00 "),
    text("no-break-space", "1\u00a0000.00"),
    text("newline-behind", "100.00\n"),
    text("nul-behind", "100.00\u0000"),
    text("thousands-comma", "1,000.00"),
    text("decimal-comma", "100,00"),
    text("apostrophe", "1'000.00"),
    text("two-points", "1.000.00"),
    text("arabic-decimal-separator", "100٫00"),
    text("point-without-decimals", "100."),
    text("point-without-whole", ".50"),
    text("point-alone", "."),
    text("currency-sign", "$100.00"),
    text("code-behind", "100.00 USD"),
    text("debit-credit-mark", "100.00CR"),
    # Nothing, and less than nothing
    text("zero", "0", _USD),
    text("zero-with-decimals", "0.00", _USD),
    text("minus-zero", "-0.00"),
    token("zero-as-integer", "0"),
    token("negative-integer", "-100"),
    token("minus-zero-as-number", "-0"),
    text("empty", ""),
    # Numbers that lose money on their way, and words that are no numbers in JSON
    text("exponent", "1e3"),
    text("capital-exponent", "1E3"),
    token("exponent-as-number", "1e3"),
    token("decimal-number", "100.00"),
    token("decimal-number-beyond-doubles", "9007199254740993.01"),
    token("integer-written-with-decimals", "100.0"),
    token("huge-exponent", "1e400"),
    token("tiny-exponent", "1e-400"),
    text("nan", "NaN"),
    text("infinity", "Infinity"),
    token("nan-as-number", "NaN", BAD_JSON),
    token("infinity-as-number", "Infinity", BAD_JSON),
    token("minus-infinity-as-number", "-Infinity", BAD_JSON),
    # Too many digits
    text("sixteen-digits", "1000000000000000.00"),
    text("nineteen-digits", "9223372036854775808"),
    text("four-thousand-digits", "9" * 4_000),
    token("sixteen-digits-as-integer", "1000000000000000"),
    token("integer-beyond-64-bits", "18446744073709551616"),
    token("integer-of-four-thousand-digits", "9" * 4_000),
    text("three-decimals", "100.001", _USD),
    text("three-decimals-that-are-zero", "100.000", _USD),
    text("five-decimals", "100.00000"),
    text("yen-with-cents", "100.50", _JPY, "JPY"),
    text("yen-with-no-cents", "100.00", _JPY, "JPY"),
    text("four-decimals-of-dinar", "100.1250", _KWD, "KWD"),
    # Other kinds of value
    token("true", "true"),
    token("null", "null"),
    token("array", '["100.00"]'),
    token("object", '{"amount": "100.00", "currency": "USD"}'),
    case("missing", entry(without=["amount"]), _MISSING),
]
