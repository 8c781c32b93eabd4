"""axe finds nothing in any theme, language and size, and no page is wider than its screen.

A page is loaded for each language and size; the theme is switched where it stands.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from journeys.installation import DESKTOP, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
READERS = {
    "en-desk": {"locale": "en", **DESKTOP},
    "en-phone": {"locale": "en", **PHONE},
    "ar-desk": {"locale": "ar", **DESKTOP},
    "ar-phone": {"locale": "ar", **PHONE},
}
OPEN_ALL = "document.querySelectorAll('details').forEach(part => { part.open = true })"
# Not innerWidth: a phone zooms out until a page that is too wide fits, and says so there.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def assert_accessible(page):
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{theme} {page.url}\n{found.generate_report()}"


@pytest.fixture(params=READERS.values(), ids=READERS.keys())
def reader(request, visit, lead_state, console):
    """The lead's browser, in a language and a size; its locale is in `reader.locale`."""
    console.provokes("status of 404", "status of 422")
    context = visit(**request.param, storage_state=lead_state)
    page = context.new_page()
    page.locale = request.param["locale"]
    return page


def test_what_a_customer_sees(installation, reader):
    locale = reader.locale
    reader.goto(f"{installation.origin}/s/demo-nps?locale={locale}")
    send = reader.locator("soundings-survey form[novalidate] button")
    send.click()
    expect(reader.locator("#nps-error")).not_to_be_empty()
    assert_accessible(reader)
    reader.get_by_role("radio", name="9", exact=True).check()
    assert_accessible(reader)
    send.click()
    expect(reader.get_by_role("status")).to_contain_text(installation.texts(locale)["thanks"])
    assert_accessible(reader)
    for key in ("csat", "ces"):
        reader.goto(f"{installation.origin}/s/demo-{key}?locale={locale}")
        reader.locator("soundings-survey section").wait_for()
        assert_accessible(reader)


def test_a_survey_in_a_foreign_page(installation, reader):
    reader.goto(f"{installation.shop}?locale={reader.locale}")
    reader.locator("soundings-survey section").wait_for()
    assert_accessible(reader)


def test_the_plain_form(installation, reader, console):
    console.provokes("ERR_FAILED")
    reader.route("**/embed/v1.js", lambda route: route.abort())  # axe itself is a script
    reader.goto(f"{installation.origin}/s/demo-csat?locale={reader.locale}")
    send = reader.locator("form.card button")
    assert_accessible(reader)
    send.click()
    expect(reader.locator("form.card .error")).to_be_visible()
    assert_accessible(reader)
    reader.locator("input[type=radio]").last.check()
    send.click()
    expect(reader.locator(".message")).to_be_visible()
    assert_accessible(reader)


def test_what_a_member_sees(installation, reader):
    reader.goto(f"{installation.origin}/login")
    assert_accessible(reader)
    reader.goto(f"{installation.perception}?lang={reader.locale}")
    expect(reader.locator("html")).to_have_attribute("lang", reader.locale)
    assert_accessible(reader)
    reader.evaluate(OPEN_ALL)
    assert_accessible(reader)
    reader.goto(f"{installation.change}?lang={reader.locale}")
    expect(reader.locator("figure")).to_have_count(4)
    reader.evaluate(OPEN_ALL)
    assert_accessible(reader)


@pytest.mark.parametrize("path", ["/nowhere", "/s/nobody"])
def test_what_nobody_wants_to_see(installation, reader, path):
    assert reader.goto(installation.origin + path).status == 404
    assert_accessible(reader)


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_nothing_is_wider_than_a_small_phone(installation, visit, lead_state, locale):
    small = PHONE | {"viewport": {"width": 320, "height": 640}}
    page = visit(**small, locale=locale, storage_state=lead_state).new_page()
    for address in (
        f"{installation.perception}?lang={locale}",
        f"{installation.perception}?lang={locale}&by=age_band",  # its table has most columns
        f"{installation.change}?lang={locale}&by=country",
        f"{installation.origin}/login",
        f"{installation.origin}/s/demo-ces?locale=de",
        f"{installation.origin}/s/demo-nps?locale={locale}",
        f"{installation.shop}?locale={locale}",
    ):
        page.goto(address)
        page.evaluate(OPEN_ALL)
        assert page.evaluate(TOO_WIDE) <= 0, address


# How far each chart on the page is shrunk or blown up from the size it was drawn in.
ZOOMS = """[...document.querySelectorAll('svg.chart')].filter(one => one.checkVisibility())
  .map(one => [one.closest('figure, article').innerText.split('\\n')[0],
               one.getBoundingClientRect().width / one.viewBox.baseVal.width])"""


@pytest.mark.parametrize(
    ("device", "widths"),
    [({}, (600, 768, 900, 901, 1000, 1080, 1081, 1280, 1600, 1920)), (PHONE, (320, 390, 844))],
    ids=["desk", "phone"],
)
def test_print_in_charts_is_neither_small_nor_large(
    installation, visit, lead_state, device, widths
):
    page = visit(**device, storage_state=lead_state).new_page()
    page.goto(installation.perception)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        zooms = page.evaluate(ZOOMS)
        assert len({name for name, _ in zooms}) == len(zooms) == 7, "each chart once"
        assert all(0.73 <= zoom <= 1.6 for _, zoom in zooms), (width, zooms)
        assert page.evaluate(TOO_WIDE) <= 0, width
