"""A customer whose connection comes and goes: nothing is lost, nothing arrives twice."""

import pytest
from journeys.installation import PHONE, wait_for
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
OFFLINE = "ERR_INTERNET_DISCONNECTED"
CUT_OFF = "ERR_FAILED"


@pytest.fixture
def phone(visit):
    """A customer's phone, in English."""
    return visit(**PHONE)


@pytest.fixture
def survey(installation):
    return f"{installation.origin}/s/demo-nps?locale=en"


def opened(context, address):
    page = context.new_page()
    page.goto(address)
    page.locator("soundings-survey section").wait_for()
    return page


def answer(page, score, comment):
    page.get_by_role("radio", name=str(score), exact=True).check()
    page.get_by_role("textbox").fill(comment)
    page.get_by_role("button").click()


def test_offline_the_answer_waits_on_the_device(installation, phone, console, survey):
    console.provokes(OFFLINE)
    page = opened(phone, survey)
    phone.set_offline(True)
    answer(page, 3, "Written in a tunnel")
    status = page.get_by_role("status")
    expect(status).to_contain_text("Your answer is saved on this device")
    assert installation.with_comment("Written in a tunnel") == []
    phone.set_offline(False)
    expect(status).to_contain_text("Thank you for your answer")
    assert installation.with_comment("Written in a tunnel") == [("complete", 3)]


def test_a_page_closed_offline_delivers_when_the_next_one_opens(
    installation, phone, console, survey
):
    console.provokes(OFFLINE)
    page = opened(phone, survey)
    phone.set_offline(True)
    answer(page, 2, "Closed in the tunnel")
    expect(page.get_by_role("status")).to_contain_text("saved on this device")
    page.close()
    phone.set_offline(False)
    later = opened(phone, survey)
    wait_for(lambda: installation.with_comment("Closed in the tunnel"), [("complete", 2)])
    expect(later.get_by_role("radio", checked=True)).to_have_count(0)


def test_a_reload_keeps_the_draft(installation, phone, survey):
    page = opened(phone, survey)
    page.get_by_role("radio", name="7", exact=True).check()
    page.get_by_role("textbox").fill("Half a thought")
    page.reload()
    expect(page.get_by_role("radio", name="7", exact=True)).to_be_checked()
    expect(page.get_by_role("textbox")).to_have_value("Half a thought")
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    assert installation.with_comment("Half a thought") == [("complete", 7)]
    page.reload()
    expect(page.get_by_role("radio", checked=True)).to_have_count(0)


def test_a_lost_acknowledgement_is_one_answer(installation, phone, console, survey):
    console.provokes(CUT_OFF)
    page = opened(phone, survey)
    reached = []

    def lose(route):
        reached.append(route.fetch().status)
        route.abort()

    page.route("**/responses*", lose)
    answer(page, 9, "Did it arrive?")
    expect(page.get_by_role("status")).to_contain_text("saved on this device")
    assert reached[-1] in (200, 201), "the server has it"
    assert installation.with_comment("Did it arrive?") == [("complete", 9)]
    page.unroute("**/responses*")
    with page.expect_response("**/responses*") as again:
        page.reload()
    assert again.value.status == 200, "the same again, not a new one"
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    assert installation.with_comment("Did it arrive?") == [("complete", 9)]


def test_two_tabs_are_two_answers_and_each_arrives_once(installation, phone, console, survey):
    console.provokes(OFFLINE)
    tabs = [opened(phone, survey) for _ in range(2)]
    phone.set_offline(True)
    for score, tab in enumerate(tabs, 5):
        tab.bring_to_front()
        answer(tab, score, f"From tab {score}")
        expect(tab.get_by_role("status")).to_contain_text("saved on this device")
    phone.set_offline(False)
    for score, tab in enumerate(tabs, 5):
        expect(tab.get_by_role("status")).to_contain_text("Thank you")
        assert installation.with_comment(f"From tab {score}") == [("complete", score)]
