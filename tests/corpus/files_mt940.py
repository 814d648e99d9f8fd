"""Bad MT940 and MT942 files, each a good one with one thing spoilt, and the verdict that it must come to.

A verdict is what is said at a desk, with its line; or what is posted, where a file only looks bad.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

GOOD: Final = b"""\
:20:STARTUMS
:25:10090000/0123456700
:28C:00041/001
:60F:C260301EUR1000,00
:61:2603020302CR400000,00NTRFNONREF//B-1
:86:166?00GUTSCHRIFT?20EREF+E-1?21SVWZ+Kapitalabruf?32Nordwind
:61:2603020302DR12,50NMSCNONREF//B-2
:86:805?00ENTGELT?20Februar
:62F:C260302EUR400987,50
-
"""
ENVELOPE: Final = b"{1:F01ABCDDEFFAXXX0000000000}{2:O9401800260302ABCDDEFFAXXX00000000002603021800N}{4:\n"
ENVELOPED: Final = ENVELOPE + GOOD.removesuffix(b"-\n") + b"-}\n"
INTERIM: Final = b"""\
:20:INTRADAY
:25:10090000/0123456700
:28C:00041/002
:34F:EUR0,00
:61:2603020302CR400000,00NTRFNONREF//B-1
:90C:1EUR400000,00
-
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file posts, as ``B-1 credit 400000.00``, and what is said about its statements."""

    posted: tuple[str, ...]
    said: tuple[str, ...] = ()


Verdict: TypeAlias = str | Taken

LETTERS: Final = "the file is not UTF-8: letters other than A to Z are read as Windows-1252, and names may look wrong"
PLAIN: Final = Taken(("B-1 credit 400000.00",))


def but(old: bytes, new: bytes, good: bytes = GOOD) -> bytes:
    """The good file with one thing replaced, everywhere; which must be there."""
    if old not in good:
        raise ValueError(old)
    return good.replace(old, new)


def off(reached: str, closing: str = "400987.50") -> str:
    """What is said of a statement that does not add up."""
    return f"opening balance and booked entries come to {reached} EUR, but the closing balance is {closing} EUR"


def first(new: bytes) -> bytes:
    """The good file with another first entry."""
    return but(b"2603020302CR400000,00NTRFNONREF//B-1", new)


ENTRIES: Final[tuple[tuple[str, bytes, Verdict], ...]] = (
    ("no value date", first(b"CR400000,00NTRFNONREF//B-1"), "line 5: 'CR400000,00NTRFNONREF//B-1' does not begin with"),
    ("30 February", first(b"2602300302CR400000,00NTRFNONREF//B-1"), "line 5: '260230' is not a date"),
    ("29 February of a common year", first(b"260229CR400000,00NTRFNONREF//B-1"), "line 5: '260229' is not a date"),
    ("month 13", first(b"2613020302CR400000,00NTRFNONREF//B-1"), "line 5: '261302' is not a date"),
    ("entry date of no month", first(b"2603021302CR400000,00NTRFNONREF//B-1"), "line 5: '1302' is no day near"),
    ("entry date of no year near", first(b"2603020229CR400000,00NTRFNONREF//B-1"), "line 5: '0229' is no day near"),
    ("entry date of a year far off", first(b"2501020229C400000,00NTRFNONREF//B-1"), "line 5: '0229' is no day near"),
    ("no mark", first(b"2603020302400000,00NTRFNONREF//B-1"), "line 5: '' is no mark of an entry"),
    ("unknown mark", first(b"2603020302H400000,00NTRFNONREF//B-1"), "line 5: 'H' is no mark of an entry"),
    ("small mark", first(b"2603020302c400000,00NTRFNONREF//B-1"), "line 5: 'c' is no mark of an entry"),
    ("mark and minus", first(b"2603020302C-400000,00NTRFNONREF//B-1"), "line 5: 'C-' is no mark of an entry"),
    ("decimal point", first(b"2603020302C400000.00NTRFNONREF//B-1"), "line 5: '400000.00' is not an amount with"),
    ("grouped amount", first(b"2603020302C400.000,00NTRFNONREF//B-1"), "line 5: '400.000,00' is not an amount with"),
    ("no comma", first(b"2603020302C400000NTRFNONREF//B-1"), "line 5: '400000' is not an amount with a decimal comma"),
    ("comma alone", first(b"2603020302C,NTRFNONREF//B-1"), "line 5: ',' is not an amount with a decimal comma"),
    ("no whole units", first(b"2603020302C,50NTRFNONREF//B-1"), "line 5: ',50' is not an amount with a decimal comma"),
    ("two commas", first(b"2603020302C400,000,00NTRFNONREF//B-1"), "line 5: '400,000,00' is not an amount with"),
    ("no amount", first(b"2603020302CNTRFNONREF//B-1"), "line 5: 'CNTRFNONRE' is no mark of an entry"),
    ("three decimals", first(b"2603020302C400000,005NTRFNONREF//B-1"), "line 5: 400000,005 has more than the 2"),
    ("sixteen digits", first(b"2603020302C1234567890123456,00NTRFX//B-1"), "line 5: '1234567890123456,00' is not"),
    ("other digits", first("2603020302C４００,00NTRFNONREF//B-1".encode()), "line 5: 'C４００' is no mark of an entry"),
    ("no type", first(b"2603020302C400000,00"), "line 5: there is no type of transaction behind the amount"),
    ("endless reference", first(b"260302C400000,00NTRFX//" + b"R" * 141), "line 5: the bank's reference is longer"),
    ("endless text", but(b"Kapitalabruf", b"x" * 20_000), "line 5: the text of the entry has more than 16384"),
    ("surplus zeros", first(b"2603020302CR400000,000NTRFNONREF//B-1"), PLAIN),
    ("amount without decimals", first(b"2603020302CR400000,NTRFNONREF//B-1"), PLAIN),
    ("a credit taken back", first(b"2603020302RC400000,00NTRFE-1//B-1"),
     Taken(("B-1 reversal 400000.00",), (off("-399012.50"),))),
    ("a debit taken back", first(b"2603020302RD400000,00NTRFNONREF//B-1"), Taken(())),
    ("expected only", first(b"2603020302EC400000,00NTRFNONREF//B-1"), Taken((), (off("987.50"),))),
    ("an entry of nothing", first(b"2603020302C0,00NTRFNONREF//B-1"), Taken((), (off("987.50"),))),
    ("the same reference twice", but(b"DR12,50NMSCNONREF//B-2", b"CR12,50NMSCNONREF//B-1"),
     Taken(("B-1 credit 400000.00", "B-1#2 credit 12.50"), (off("401012.50"),))),
)  # fmt: skip

STATEMENTS: Final[tuple[tuple[str, bytes, Verdict], ...]] = (
    ("no account", but(b":25:10090000/0123456700\n", b""), "line 1: the statement names no account (:25:)"),
    ("blank account", but(b":25:10090000/0123456700", b":25: "), "line 2: the statement names no account (:25:)"),
    ("no opening", but(b":60F:C260301EUR1000,00\n", b""), "line 1: the statement has no opening balance (:60F:)"),
    ("no closing", but(b":62F:C260302EUR400987,50\n", b""), "line 1: the statement has no closing balance (:62F:)"),
    ("cut off", GOOD[:150], "line 1: the statement has no closing balance (:62F:): the file may be cut off"),
    ("two openings", but(b":60F:", b":60F:C260301EUR1000,00\n:60F:"), "line 5: :60F: stands here again"),
    ("two closings", but(b"-\n", b":62F:C260302EUR400987,50\n-\n"), "line 10: :62F: stands behind the closing balance"),
    ("entry behind closing", but(b"-\n", b":61:260302C1,00NTRFX\n-\n"), "line 10: :61: stands behind the closing"),
    ("two currencies", but(b":62F:C260302EUR", b":62F:C260302USD"), "line 1: the statement is in EUR and in USD"),
    ("no such currency", but(b"EUR", b"EUX"), "line 4: EUX is no currency that ISO 4217 lists"),
    ("currency without decimals", but(b"EUR", b"XAU"), "line 4: XAU is no currency that ISO 4217 lists"),
    ("balance with a point", but(b"EUR1000,00", b"EUR1000.00"), "line 4: 'C260301EUR1000.00' is not a balance"),
    ("balance without mark", but(b":60F:C", b":60F:"), "line 4: '260301EUR1000,00' is not a balance"),
    ("balance that is no mark", but(b":60F:C", b":60F:R"), "line 4: 'R260301EUR1000,00' is not a balance"),
    ("balance in other digits", but(b"260301EUR", "２６０３０１EUR".encode()), "line 4: 'C２６０３０１EUR1000"),
    ("balance on no day", but(b":60F:C260301", b":60F:C260229"), "line 4: '260229' is not a date"),
    ("balance on two lines", but(b"EUR1000,00", b"EUR1000,00\n00"), "line 5: '00' belongs to no field"),
    ("unknown field", but(b":28C:", b":37H:x\n:28C:"), "line 3: :37H: is no field of an MT940 or MT942"),
    ("proof that fails", but(b"400987,50", b"400987,51"),
     Taken(("B-1 credit 400000.00",), (off("400987.50", "400987.51"),))),
    ("opening overdrawn", but(b":60F:C", b":60F:D"), Taken(("B-1 credit 400000.00",), (off("398987.50"),))),
    ("no number", but(b":28C:00041/001\n", b""), PLAIN),
)  # fmt: skip

FILES: Final[tuple[tuple[str, bytes, Verdict], ...]] = (
    ("no statement at all", ENVELOPE + b"-}\n", "line 1: there is no statement, which begins with :20:"),
    ("field before the first", GOOD[GOOD.index(b":25:"):], "line 1: :25: stands outside of a statement"),
    ("text between statements", GOOD + b"\n" + b"surprise " * 12 + b"\n" + GOOD, "line 12: this line belongs to no"),
    ("text behind the last", GOOD + b"end of file\n", "line 11: this line belongs to no statement"),
    ("envelope not closed", ENVELOPED[:-20], "line 10: the block {4: of line 1 is not closed by -}"),
    ("envelope within another", ENVELOPED.replace(b"-}\n", b"") + ENVELOPED, "line 11: the block {4: of line 1 is"),
    ("another message", but(b"{2:O940", b"{2:O103", ENVELOPED), "line 2: this is an MT103; only MT940 and MT942"),
    ("a statement without texts", but(b"{2:O940", b"{2:O950", ENVELOPED), "line 2: this is an MT950; only MT940"),
    ("NUL inside", but(b"Nordwind", b"Nord\x00wind"), "line 6: there is a control character (U+0000)"),
    ("escape inside", but(b"Nordwind", b"Nord\x1bwind"), "line 6: there is a control character (U+001B)"),
    ("letters of DOS", but(b"Nordwind", b"Nordw\x81nd"), "line 6: byte 81 is no character of UTF-8 or Windows-1252"),
    ("letters of Windows", but(b"Nordwind", b"Nordw\xfcnd"),
     Taken(PLAIN.posted, (LETTERS,))),
    ("a field's look in a text", but(b"?32Nordwind", b"\n:12:30 train?32Nordwind"), PLAIN),
    ("an address before", b"945 Main Street\nBank of Somewhere, Treasury\n" + GOOD, PLAIN),
    ("a preamble of another report", b"941 00\n" + GOOD, "line 2: this is an MT941; only MT940 and MT942"),
    ("CR LF", GOOD.replace(b"\n", b"\r\n"), PLAIN),
    ("CR", GOOD.replace(b"\n", b"\r"), PLAIN),
    ("end of file mark", GOOD + b"\x1a", PLAIN),
    ("no end mark", GOOD.removesuffix(b"-\n"), PLAIN),
    ("frame of SWIFT", b"\x01" + ENVELOPED.rstrip() + b"\x03", PLAIN),
    ("twice the same", GOOD + GOOD, Taken(("B-1 credit 400000.00", "B-1 credit 400000.00"))),
    ("limit that is none", but(b"EUR0,00", b"EUR", INTERIM), "line 4: '' is not an amount with a decimal comma"),
    ("sum that is none", but(b":90C:1EUR", b":90C:1.EUR", INTERIM), "line 6: '1.EUR400000,00' is not a count"),
    ("sums in another currency", but(b":90C:1EUR", b":90C:1USD", INTERIM), "line 1: the statement is in USD and in"),
    ("interim without currency", b":20:X\n:25:1\n:28C:1\n:13:2603021530\n-\n", "line 1: the statement names no curren"),
    ("interim", INTERIM, PLAIN),
    ("interim that counts two", but(b":90C:1", b":90C:2", INTERIM),
     Taken(PLAIN.posted, ("the bank counts 2 credits of 400000.00 EUR (line 6), but 1 of 400000.00 EUR are listed",))),
)  # fmt: skip

TABLES: Final = {"entries": ENTRIES, "statements": STATEMENTS, "files": FILES}
CASES: Final = tuple(case for table in TABLES.values() for case in table)
