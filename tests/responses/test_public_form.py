"""The hosted page without JavaScript, the definition in every locale, and texts that stay texts."""

import re
import uuid
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from survey_app.accounts.models import PrivacyNotice
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.i18n import SURVEY_LOCALES
from survey_app.surveys import wording

PAGE = "/s/acme-nps"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}&amp;"


class _Page(HTMLParser):
    """What a browser would make of a page: tags with attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def value(self, name: str) -> str | None:
        return next(a.get("value") for t, a in self.tags if t == "input" and a.get("name") == name)

    def checked(self) -> list[str | None]:
        return [a.get("value") for t, a in self.tags if t == "input" and "checked" in a]


def _open(app: Flask, query: str = "") -> tuple[Any, _Page, str]:
    client = app.test_client()
    reply = client.get(PAGE + query)
    assert reply.status_code == 200
    html = reply.get_data(as_text=True)
    return client, _Page(html), html


def test_the_form_is_filled_in_and_sent(door: Any) -> None:
    client, page, _ = _open(door.app, "?locale=de")
    form = {"id": page.value("id"), "locale": page.value("locale"), "answers.nps": "10",
            "answers.comment": "Sehr gut.\r\nDanke!"}  # fmt: skip
    thanks = client.post(PAGE, data=form)
    assert thanks.status_code == 200
    texts = client.get("/api/v1/public/surveys/acme-nps?locale=de").json["texts"]
    assert texts["thanks"] in "".join(_Page(thanks.get_data(as_text=True)).texts)
    row = door.row()
    assert row["answers"] == {"nps": 10, "comment": "Sehr gut.\nDanke!"}
    assert (row["channel"], row["locale"], row["status"]) == ("link", "de", "complete")
    assert row["key"] == form["id"]


def test_sent_twice_it_is_one_answer_and_what_came_first_stands(door: Any) -> None:
    client, page, _ = _open(door.app)
    form = {"id": page.value("id"), "locale": "en", "answers.nps": "7", "answers.comment": ""}
    assert [client.post(PAGE, data=form).status_code for _ in range(2)] == [200, 200]
    assert client.post(PAGE, data=form | {"answers.nps": "1"}).status_code == 200
    assert door.row()["answers"] == {"nps": 7}


def test_every_render_makes_a_new_id_and_is_not_stored(door: Any) -> None:
    client = door.app.test_client()
    replies = [client.get(PAGE) for _ in range(2)]
    ids = {_Page(reply.get_data(as_text=True)).value("id") for reply in replies}
    assert len(ids) == 2 and all(uuid.UUID(str(one)).version == 4 for one in ids)
    assert all(reply.headers["Cache-Control"] == "no-store" for reply in replies)
    assert "Set-Cookie" not in replies[0].headers


def test_a_wrong_form_comes_back_with_what_was_written(door: Any) -> None:
    client, page, _ = _open(door.app, "?locale=fr")
    form = {"id": page.value("id"), "locale": "fr", "answers.nps": "", "answers.comment": HOSTILE}
    reply = client.post(PAGE, data=form)
    assert reply.status_code == 422
    html = reply.get_data(as_text=True)
    back = _Page(html)
    assert back.value("id") == form["id"] and back.value("locale") == "fr"
    assert any(attrs.get("id") == "nps-error" for _, attrs in back.tags)
    assert HOSTILE in "".join(back.texts)
    assert not any(tag == "img" or "onerror" in attrs for tag, attrs in back.tags)
    long = client.post(PAGE, data=form | {"answers.nps": "3", "answers.comment": "x" * 4001})
    assert long.status_code == 422
    kept = _Page(long.get_data(as_text=True))
    assert kept.checked() == ["3"] and "x" * 4001 in "".join(kept.texts)
    assert door.how_many() == 0
    assert client.post(PAGE, data=form | {"answers.nps": "3"}).status_code == 200


def test_forms_that_no_page_of_ours_sends(door: Any) -> None:
    client = door.app.test_client()
    right = {"id": str(uuid.uuid4()), "locale": "en", "answers.nps": "9"}
    for change in (
        {"answers.nps": "11"},
        {"answers.nps": "9.0"},
        {"answers.nps": "nine"},
        {"answers.nps": "09"},
    ):
        assert client.post(PAGE, data=right | change).status_code == 422, change
    assert client.post(PAGE, data={}).status_code == 422
    assert client.post(PAGE, data=right | {"answers.comment": "x" * 70_000}).status_code == 413
    assert client.post(PAGE, data=right | {"locale": "../../etc"}).status_code == 200
    assert door.row()["locale"] == "en"


@pytest.mark.parametrize("broken", [{}, {"id": ""}, {"id": "x"}, {"id": "1" * 36}])
def test_a_form_without_its_id_gets_a_new_one(broken: dict[str, str], door: Any) -> None:
    client = door.app.test_client()
    page = _Page(client.post(PAGE, data=broken).get_data(as_text=True))
    assert uuid.UUID(str(page.value("id"))).version == 4
    assert client.post(PAGE, data=broken | {"answers.nps": "9"}).status_code == 200
    assert uuid.UUID(door.row()["key"]).version == 4


def test_too_many_is_said_beside_what_was_typed(door: Any) -> None:
    door.app.config["SETTINGS"] = replace(door.app.config["SETTINGS"], public_limit=1)
    client = door.app.test_client()
    form = {"locale": "de", "answers.nps": "3", "answers.comment": "Lange getippt."}
    while (reply := client.post(PAGE, data=form | {"id": str(uuid.uuid4())})).status_code == 200:
        pass  # a new minute may have begun
    assert reply.status_code == 429 and int(reply.headers["Retry-After"]) >= 1
    html = reply.get_data(as_text=True)
    page = _Page(html)
    assert page.checked() == ["3"] and "Lange getippt." in "".join(page.texts)
    assert page.value("id") and page.tags[0] == ("html", {"lang": "de", "dir": "ltr"})
    assert any(attrs.get("role") == "alert" for _, attrs in page.tags)
    assert not any(tag == "script" for tag, _ in page.tags)


def test_closed_and_unknown_pages(door: Any) -> None:
    client, page, _ = _open(door.app)
    sent = {"id": page.value("id"), "locale": "en", "answers.nps": "8"}
    assert client.post(PAGE, data=sent).status_code == 200
    door.close()
    assert client.get(PAGE).status_code == 410
    assert client.post(PAGE, data=sent).status_code == 200  # acknowledged before, so it stays
    assert client.post(PAGE, data=sent | {"id": str(uuid.uuid4())}).status_code == 410
    unknown = client.get("/s/nobody?locale=ar")
    assert unknown.status_code == 404 and 'dir="rtl"' in unknown.get_data(as_text=True)
    assert client.post("/s/nobody", data=sent).status_code == 404
    assert door.how_many() == 1


def test_the_privacy_notice_is_the_library_s_or_the_workspace_s_own(door: Any) -> None:
    library = wording.read("privacy")["wording"]
    own = f"Acme reads along. {HOSTILE}"
    with door.app.app_context():
        workspace = workspace_by_key(db.session, "acme")
        db.session.add(PrivacyNotice(workspace_id=workspace.id, locale="en", text=own))
        db.session.commit()
    client = door.app.test_client()
    definitions = {
        code: client.get(f"/api/v1/public/surveys/acme-nps?locale={code}").json
        for code in SURVEY_LOCALES
    }
    for code, definition in definitions.items():
        assert definition["privacy"]["text"] == (own if code == "en" else library[code]["text"])
    _, page, html = _open(door.app, "?locale=en")
    assert own in "".join(page.texts) and "<img" not in html
    _, page, _ = _open(door.app, "?locale=ja")
    assert library["ja"]["text"] in "".join(page.texts)


@pytest.mark.parametrize("template", ["nps", "csat", "ces"])
def test_the_definition_in_every_locale(template: str, door: Any) -> None:
    client = door.app.test_client()
    words = wording.read(template)["wording"]
    assert set(words) == set(SURVEY_LOCALES)
    for code in SURVEY_LOCALES:
        reply = client.get(f"/api/v1/public/surveys/acme-{template}?locale={code}")
        definition = reply.json
        assert (definition["key"], definition["version"]) == (f"acme-{template}", 1)
        assert definition["locale"] == code and definition["locales"] == list(words)
        assert definition["dir"] == ("rtl" if code == "ar" else "ltr")
        assert definition["title"] == words[code]["title"]
        score, comment = definition["questions"]
        assert (score["key"], score["kind"], score["required"]) == (template, template, True)
        assert score["text"] == words[code][template]["text"]
        values = [choice["value"] for choice in score["choices"]]
        assert values == {"nps": list(range(11)), "csat": [1, 2, 3, 4, 5],
                          "ces": [1, 2, 3, 4, 5, 6, 7]}[template]  # fmt: skip
        assert (comment["kind"], comment["required"]) == ("comment", False)
        assert comment["max_length"] == 4000


def test_the_locale_is_asked_for_or_the_browser_s_or_the_workspace_s(door: Any) -> None:
    client = door.app.test_client()

    def shown(query: str = "", accept: str = "") -> str:
        headers = {"Accept-Language": accept} if accept else {}
        reply = client.get(f"/api/v1/public/surveys/acme-nps{query}", headers=headers)
        return str(reply.json["locale"])

    assert shown("?locale=pt-BR") == "pt"
    assert shown("?locale=AR") == "ar"
    assert shown("?locale=sv", "ja,en;q=0.5") == "ja"
    assert shown(accept="de-AT,fr;q=0.8") == "de"
    assert shown("?locale=../x", "tlh") == "en"
    door.change_workspace(locale="ar")
    assert shown() == "ar"


def test_right_to_left_pages_say_so(door: Any) -> None:
    _, page, _ = _open(door.app, "?locale=ar")
    assert page.tags[0] == ("html", {"lang": "ar", "dir": "rtl"})
    _, page, _ = _open(door.app, "?locale=en")
    assert page.tags[0] == ("html", {"lang": "en", "dir": "ltr"})


def test_a_comment_is_kept_as_the_text_it_is(door: Any) -> None:
    door.answer(answers={"nps": 2, "comment": f"{HOSTILE}\u202egnp.exe\x07\r\nok e\u0301"})
    assert door.row()["answers"]["comment"] == f"{HOSTILE}gnp.exe\nok é"


def test_pages_run_no_inline_script(door: Any) -> None:
    client, page, html = _open(door.app)
    policy = client.get(PAGE).headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert all(attrs.get("src") for tag, attrs in page.tags if tag == "script")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert not re.search(r"<style|\sstyle=", html)
