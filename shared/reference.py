"""Payment references: ISO 11649 creditor references of a fixed length, which people print on notices.

``RF`` + two check digits + ``D`` + the call's id in ten digits: 15 characters that survive every bank's character set.
"""

import re

from stdnum.iso7064 import mod_97_10

_OURS = re.compile(r"RF[0-9]{2}D[0-9]{10}")
_SEPARATORS = re.compile(r"[\s\-./]+")


def reference_of(call_id: int) -> str:
    """The reference of a call: ``reference_of(17)`` is ``RF97D0000000017``. Raises ValueError beyond ten digits."""
    if not 1 <= call_id <= 9_999_999_999:
        raise ValueError(f"call id {call_id} does not fit a reference")
    body = f"D{call_id:010d}"
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def can_only_name(text: str, call_id: int) -> bool:
    """Whether a text is printed like a call's reference, and so can name no other call, whatever its check digits."""
    return len(text) == 15 and text.startswith("RF") and text[4:] == f"D{call_id:010d}"


def normalise(text: str) -> str:
    """The text in capitals and without spaces and separators, as two references are compared."""
    return _SEPARATORS.sub("", text).upper()


def find(*texts: str | None) -> list[int]:
    """Call ids of the valid references of ours in free texts, in order, each once; a wrong check digit is no match."""
    found: dict[int, None] = {}
    for text in texts:
        if text:
            for match in _OURS.finditer(normalise(text)):
                if match[0][2:4] == _check_digits(match[0][5:]):
                    found.setdefault(int(match[0][5:]))
    return list(found)


def _check_digits(digits: str) -> str:
    """ISO 7064 mod 97-10 of ``D`` and ten digits; the letters count as D = 13, R = 27, F = 15.

    Written out, since every payment passes here, and stricter than the congruence alone, which also takes 00, 01, 99.
    """
    return f"{98 - int(f'13{digits}271500') % 97:02d}"
