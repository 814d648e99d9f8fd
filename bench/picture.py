"""The picture of the report: each contender's events per second as a bar, on a scale of tens."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from bench import goals
from bench.rounds import DRAWDOWN, Middle, rates

_WIDTH: Final = 860
_LEFT: Final = 250
_RIGHT: Final = 130
_ROW: Final = 34
_TOP: Final = 46
_OURS, _THEIRS, _INK, _GRID = "#1f6f5c", "#9aa7b1", "#25313b", "#dde3e7"


def draw(told: Mapping[str, Any]) -> str:
    """An SVG; bars end at the median, thin lines reach from the smallest to the largest."""
    done = goals.samples(told["contest"])
    found = {name: rates(done, name) for name in dict.fromkeys(sample.contender for sample in done)}
    known = {name: rate for name, rate in found.items() if rate is not None}
    bars = sorted(known.items(), key=lambda each: each[1].median)
    low = math.floor(math.log10(min((rate.least for _, rate in bars), default=100)))
    high = math.ceil(math.log10(max((rate.most for _, rate in bars), default=1_000)))
    height = _TOP + _ROW * len(bars) + 30

    def place(rate: float) -> float:
        return _LEFT + (math.log10(rate) - low) / max(high - low, 1) * (_WIDTH - _LEFT - _RIGHT)

    parts = [_text(16, 26, "Events per second, end to end (each line is ten times the one before)", size=15, bold=True)]
    for power in range(low, high + 1):
        x = place(10**power)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{height - 26}" stroke="{_GRID}"/>')
        parts.append(_text(x, height - 10, f"{10**power:,}", anchor="middle"))
    for n, (name, rate) in enumerate(bars):
        parts += _bar(name, rate, _TOP + n * _ROW, place(10**low), place)
    busy = _text(_WIDTH - 16, 26, "machine was busy: no score", anchor="end") if told["busy"] else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" role="img" aria-label="Events per second of each contender">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join([*parts, busy]) + "\n</svg>\n"
    )


def _bar(name: str, rate: Middle, top: float, zero: float, place: Any) -> list[str]:
    middle, colour = top + _ROW / 2 - 3, _OURS if name == DRAWDOWN else _THEIRS
    end = place(rate.median)
    reach = (
        f'<line x1="{place(rate.least):.1f}" y1="{middle:.1f}" x2="{place(rate.most):.1f}" y2="{middle:.1f}" '
        f'stroke="{_INK}"/>'
    )
    return [
        _text(_LEFT - 12, middle + 4, name, anchor="end", bold=name == DRAWDOWN),
        f'<rect x="{zero:.1f}" y="{top:.1f}" width="{max(end - zero, 1):.1f}" height="{_ROW - 10}" fill="{colour}"/>',
        reach,
        _text(max(end, place(rate.most)) + 8, middle + 4, f"{rate.median:,.0f}", bold=name == DRAWDOWN),
    ]


def _text(x: float, y: float, says: str, *, anchor: str = "start", size: int = 12, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{_INK}"{weight}>'
        f"{escape(says)}</text>"
    )
