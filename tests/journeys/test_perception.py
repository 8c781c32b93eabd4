"""The CX lead on *Perception*: log-in, filters, floors, files, languages, log-out."""

import csv
import io
import re
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from journeys.installation import PHONE, RIVAL, log_in
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser
TWINS = ("trend", "mountain", "world", "segments", "themes", "sentiment")
LEGEND = {"−100", "−60", "−40", "−20", "0", "20", "40", "60", "100"}
# Groups of the page's twelve months with fewer answers than any floor; the largest is the trial.
SMALL_GROUPS = """
    SELECT country, stage, count(*) AS n FROM responses
    JOIN surveys ON surveys.id = responses.survey_id AND surveys.kind = 'relational'
    WHERE counted AND day >= date('now', 'start of month', '-11 months')
    AND country IS NOT NULL AND stage IS NOT NULL
    GROUP BY country, stage HAVING n BETWEEN 1 AND 4 AND sum(has_comment) > 0 ORDER BY n DESC
"""


def query_of(page):
    return {name: values for name, values in parse_qs(urlsplit(page.url).query).items() if values}


def card(page, title):
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator("article", has=heading)


def shown(page, title):
    return int(card(page, title).locator(".big").inner_text().replace(",", "").replace("−", "-"))


def follow(target):
    """Click what leads to another page, and wait until that is there."""
    with target.page.expect_navigation():
        target.click()


def twin(page, name):
    """The rows of the table under a chart, as a person reads them."""
    figure = page.locator(f"figure[aria-labelledby={name}-title]")
    rows = figure.locator("tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def test_log_in_refuses_and_then_leads_to_the_page(installation, visit, console):
    console.provokes("status of 422")
    page = visit().new_page()
    page.goto(installation.perception)
    assert urlsplit(page.url).path == "/login"
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.get_by_label("E-mail").fill("demo@example.org")
    page.get_by_label("Password").fill("a wrong one")
    follow(page.get_by_role("button", name="Log in"))
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(installation.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/demo/perception")
    expect(page.get_by_role("heading", level=1)).to_have_text("Perception")


def test_filters_change_address_and_numbers(installation, lead):
    lead.goto(installation.perception)
    everyone = shown(lead, "Answers")
    lead.get_by_role("combobox", name="Country").select_option(label="Germany")
    lead.get_by_role("combobox", name="Compare with").select_option("none")
    lead.get_by_role("combobox", name="Break down by").select_option("age_band")
    follow(lead.get_by_role("button", name="Show"))
    assert query_of(lead)["country"] == ["DE"]
    germany = shown(lead, "Answers")
    assert 0 < germany < everyone
    assert [row[0] for row in twin(lead, "world")] == ["Germany"]
    expect(lead.get_by_role("heading", name="By: Age band")).to_be_visible()
    assert {"18-24", "65+"} <= {row[0] for row in twin(lead, "segments")}
    assert sum(int(row[3]) for row in twin(lead, "segments") if len(row) > 3) <= germany
    expect(lead.locator(".change")).to_have_count(0)
    expect(lead.get_by_text("compared with")).to_have_count(0)
    lead.reload()
    assert shown(lead, "Answers") == germany, "the address is the state"
    follow(lead.get_by_role("link", name="Clear filters"))
    assert "country" not in query_of(lead)
    assert shown(lead, "Answers") == everyone
    expect(lead.get_by_role("heading", name="By: Age band")).to_be_visible()


def test_a_row_of_a_table_leads_to_its_own_page(installation, lead):
    lead.goto(f"{installation.perception}?by=age_band&compare=none")
    world = lead.locator("figure[aria-labelledby=world-title]")
    world.locator("summary").click()
    follow(world.get_by_role("link", name="Germany", exact=True))
    assert query_of(lead)["country"] == ["DE"]
    assert query_of(lead)["by"] == ["age_band"], "what was chosen stays"
    world.locator("summary").click()
    expect(world.get_by_role("rowheader", name="Germany")).to_be_visible()
    expect(world.get_by_role("link")).to_have_count(0)


def test_a_selection_without_answers_says_what_to_do(installation, lead):
    lead.goto(f"{installation.perception}?country=DE&from=2019-01-01&to=2019-12-31")
    expect(lead.get_by_role("heading", name="No answers in this selection.")).to_be_visible()
    expect(lead.locator("figure, article")).to_have_count(0)
    follow(lead.locator(".nothing").get_by_role("link", name="24 months"))
    assert query_of(lead)["country"] == ["DE"]
    assert shown(lead, "Answers") > 0


def test_presets_are_periods(installation, lead):
    lead.goto(f"{installation.perception}?country=DE")
    found = []
    for name in ("24 months", "12 months", "90 days"):
        follow(lead.get_by_role("link", name=name, exact=True))
        expect(lead.locator(".presets [aria-current]")).to_have_text(name)
        assert query_of(lead)["country"] == ["DE"], "filters stay"
        found.append(shown(lead, "Answers"))
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_a_tiny_group_is_withheld_everywhere(installation, visit, lead_state, device):
    country, stage, _ = installation.rows(SMALL_GROUPS)[0]
    page = visit(storage_state=lead_state, **device).new_page()
    page.goto(f"{installation.perception}?country={country}&stage={stage}&compare=none")
    expect(card(page, "Net Promoter Score")).to_contain_text("Withheld")
    expect(card(page, "Answers")).to_contain_text("Withheld")
    expect(card(page, "Net Promoter Score").locator(".big")).to_have_count(0)
    for name in ("mountain", "world", "segments"):
        rows = twin(page, name)
        assert rows
        assert all(row[1:] in (["withheld"], ["no answers"]) for row in rows), (name, rows)
        twins = page.locator(f"figure[aria-labelledby={name}-title] tbody")
        expect(twins.locator("a")).to_have_count(0)
    # In the pictures, too: no mark says a number, and none stands there but on a scale.
    for name in TWINS:
        figure = page.locator(f"figure[aria-labelledby={name}-title] svg")
        told = figure.locator("[aria-label], title").evaluate_all(
            "marks => marks.map(mark => mark.getAttribute('aria-label') ?? mark.textContent)"
        )
        assert not [text for text in told if re.search(r"NPS|: [−\d]", text)], name
        numbers = figure.locator("text", has_text=re.compile(r"^[−\d]+%?$")).all_text_contents()
        assert set(numbers) <= (LEGEND if name == "world" else {"0"}), name
    split = card(page, "Who recommends us").locator("svg text", has_text=re.compile(r"\d"))
    expect(split).to_have_count(0)
    expect(page.locator(".comments")).to_contain_text("fewer than 10 people")
    expect(page.locator("blockquote")).to_have_count(0)


def test_the_files_say_what_the_page_says(installation, lead):
    lead.goto(f"{installation.perception}?country=DE&country=US")
    table = {row[0]: row[1:] for row in twin(lead, "mountain")}
    files = {}
    for link in ("CSV", "Excel"):
        with lead.expect_download() as arriving:
            lead.get_by_role("link", name=link, exact=True).click()
        download = arriving.value
        files[link] = (download.suggested_filename, download.path().read_bytes())
    name, content = files["CSV"]
    today = date.today()  # noqa: DTZ011 - the browser's day names nothing here but the file
    assert re.fullmatch(r"nps-by-stage-\d{4}-\d\d-\d\d-(\d{4}-\d\d-\d\d)\.csv", name)
    assert abs(date.fromisoformat(name[-14:-4]) - today) <= timedelta(days=1)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == len(table)
    for row, (label, cells) in zip(rows, table.items(), strict=True):
        assert label.lower().replace(" ", "") in (row["stage"], "notknown")
        if row["suppressed"].lower() == "true":
            assert cells == ["withheld"]
            continue
        nps, interval, answers = cells
        low, high = interval.split(" … ")
        assert int(answers) == int(row["n"])
        for text, field in ((nps, "nps"), (low, "low"), (high, "high")):
            assert abs(int(text.replace("−", "-")) - float(row[field])) <= 0.505, (label, field)
    name, content = files["Excel"]
    assert name.endswith(".xlsx")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    head = sheet.index(list(rows[0]))
    for row, cells in zip(rows, sheet[head + 1 :], strict=True):
        for text, cell in zip(list(row.values())[:-1], cells[:-1], strict=True):
            assert text == str(cell) or float(text) == cell, (row, cells)


def test_another_language_keeps_the_filters(installation, lead):
    lead.goto(f"{installation.perception}?country=DE&by=channel")
    before = shown(lead, "Answers"), [row[1:] for row in twin(lead, "mountain")]
    follow(lead.get_by_role("link", name="العربية"))
    html = lead.locator("html")
    expect(html).to_have_attribute("dir", "rtl")
    expect(html).to_have_attribute("lang", "ar")
    assert query_of(lead) == {"country": ["DE"], "by": ["channel"], "lang": ["ar"]}
    heading = lead.get_by_role("heading", level=1).inner_text()
    assert re.search(r"[\u0600-\u06ff]", heading), heading
    follow(lead.locator(".filters button"))
    assert query_of(lead)["lang"] == ["ar"]
    follow(lead.get_by_role("link", name="English"))
    assert before == (shown(lead, "Answers"), [row[1:] for row in twin(lead, "mountain")])


def test_the_keyboard_reaches_every_table(installation, lead):
    lead.goto(installation.perception)
    opened = "document.querySelectorAll('figure details[open]').length"
    focused = "document.activeElement.localName + ' ' + document.activeElement.className"
    lead.keyboard.press("Tab")
    expect(lead.get_by_role("link", name="Skip to the content")).to_be_focused()
    regions = 0
    for _ in range(80):
        lead.keyboard.press("Tab")
        at = lead.evaluate(focused)
        if at.startswith("summary"):
            lead.keyboard.press("Enter")
        regions += at == "div scroll"
        if at.startswith("body"):
            break
    assert lead.evaluate(opened) == len(TWINS)
    assert regions == len(TWINS)
    for name in TWINS:
        expect(lead.locator(f"figure[aria-labelledby={name}-title] table")).to_be_visible()


def test_filters_are_folded_on_a_phone(installation, visit, lead_state):
    page = visit(**PHONE, storage_state=lead_state).new_page()
    page.goto(f"{installation.perception}?country=DE")
    score = card(page, "Net Promoter Score").locator(".big").bounding_box()
    assert score["y"] + score["height"] < 812, "the first number is on the first screen"
    expect(page.get_by_role("combobox", name="Country")).to_be_hidden()
    summary = page.locator(".fold > summary")
    expect(summary).to_contain_text("Germany")
    summary.tap()
    page.get_by_role("combobox", name="Country").select_option(label="France")
    follow(page.get_by_role("button", name="Show"))
    assert query_of(page)["country"] == ["FR"]
    expect(page.locator(".fold > summary")).to_contain_text("France")


def test_after_log_out_nothing_is_left(installation, visit):
    page = visit().new_page()
    log_in(page, installation)
    page.goto(f"{installation.perception}?by=gender")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.go_back()
    assert urlsplit(page.url).path == "/login"
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    again = page.request.get(installation.perception, max_redirects=0)
    assert again.status == 302
    assert "/login" in again.headers["location"]


def test_a_member_of_another_workspace_finds_nothing(installation, visit, console):
    console.provokes("status of 404")
    page = visit().new_page()
    log_in(page, installation, RIVAL)
    assert urlsplit(page.url).path == "/w/rival/perception"
    expect(page.get_by_role("heading", name="No answers in this selection.")).to_be_visible()
    expect(page.get_by_text("soundings survey create rival-nps")).to_be_visible()
    assert page.goto(installation.perception).status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    known, unknown = (
        page.request.get(f"{installation.origin}/w/{key}/perception") for key in ("demo", "nobody")
    )
    assert known.status == unknown.status == 404
    assert known.text() == unknown.text()
