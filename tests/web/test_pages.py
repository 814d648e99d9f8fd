"""Promises of the index page: the ledger's own figures, nothing executable in them, and a word where there are none."""

from html.parser import HTMLParser

from tests.web.conftest import Front

CAPITAL = {
    "total_committed": "1000000.00",
    "total_called": "400000.00",
    "total_funded": "400000.00",
    "outstanding_calls": "0.00",
    "overdue": "0.00",
    "uncalled_capital": "600000.00",
    "collection_rate": 100.0,
}


class Text(HTMLParser):
    """The words of a page, and every address that it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name == "src" or (tag == "link" and name == "href")]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(" ".join(data.split()))


async def page_of(front: Front) -> Text:
    answer = await front.http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return Text(answer.text)


def furnish(front: Front, *names: str, more: bool = False) -> None:
    for echo in front.services.values():
        echo.answers["/readyz"] = {"checks": {"database": {"ok": True}}}
    funds = [{"id": n, "name": name, "currency": "USD"} for n, name in enumerate(names, 1)]
    front.services["allocations"].answers["/api/funds"] = {"items": funds, "next": "x" if more else None}
    front.services["metrics"].answers["/api/funds/1/capital"] = CAPITAL


async def test_every_fund_stands_with_its_totals(front: Front) -> None:
    """The figures of metrics, digit for digit, with thousands apart."""
    furnish(front, "Balerion II", "Not measured yet", more=True)
    words = (await page_of(front)).words
    row = words[words.index("Balerion II") :][:9]
    assert row[:5] == ["Balerion II", "USD", "1,000,000.00", "400,000.00", "400,000.00"]
    assert row[5:] == ["0.00", "0.00", "600,000.00", "100.0 %"]
    second = words[words.index("Not measured yet") :]
    assert second[1:9] == ["USD", *["–"] * 7]
    assert "all funds" in words


async def test_no_name_is_markup(front: Front) -> None:
    """What people called a fund is shown, never run, and no template reads it."""
    furnish(front, "<script>alert(1)</script> & $id ${name}")
    page = await page_of(front)
    assert "<script>alert(1)</script> & $id ${name}" in page.words
    assert page.tags.count("script") == 1


async def test_an_empty_ledger_says_what_to_do(front: Front) -> None:
    """No funds: what will stand here, and the command to run."""
    furnish(front)
    words = (await page_of(front)).words
    assert "No funds yet." in words
    assert "drawdown demo --keep" in words


async def test_services_stand_with_their_state(front: Front) -> None:
    """Each of the four by name, whether it is ready, and the way to its document; a gap is no error."""
    furnish(front)
    del front.services["allocations"].answers["/api/funds"]
    front.services["payments"].answers["/readyz"] = {"checks": {"partitions": {"ok": False}}}
    words = (await page_of(front)).words
    assert words.count("ready") == 3
    assert "not ready: partitions" in words
    assert "The funds cannot be shown at the moment" in words


async def test_everything_it_loads_is_ours(front: Front) -> None:
    """Style, script and picture come from this address and are there."""
    furnish(front)
    loads = (await page_of(front)).loads
    assert set(loads) == {"/static/site.css", "/static/live.js", "/static/mark.svg"}
    for address in loads:
        assert (await front.http.get(address)).status_code == 200
