"""Figures of an evaluation: right on small examples, and no worse than what was promised."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import nlp
from nlp.evaluation import FoundFigures, Labelled, Share, evaluate, own_corpus
from nlp.redaction import PersonalData

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
TEXTS = {
    "negative": "Terrible service, I hate it.",
    "neutral": "When does the branch open on Sunday?",
    "positive": "Wonderful, thank you so much!",
}


def _labelled(label, text, **more):
    return Labelled(text=text, language="en", source="set", label=label, **more)


def test_right_labels_are_a_hundred_percent():
    report = evaluate(_labelled(label, text) for label, text in TEXTS.items())
    told = report.sentiment["set", "en"]
    assert (told.n, told.macro_f1, told.coverage) == (3, 100.0, 100.0)
    assert told.recall == {"negative": 100.0, "neutral": 100.0, "positive": 100.0}
    assert report.mean_macro_f1(["en", "de"]) == 100.0
    assert report.language["set", "en"] == 100.0
    assert report.comments_per_second > 0
    assert report.themes == report.personal == {}


def test_a_locale_counts_as_its_language():
    rows = [
        Labelled(text=TEXTS["positive"], language=code, source="set", label="positive")
        for code in ("EN", "en-GB", "en")
    ]
    report = evaluate(rows)
    assert report.sentiment["set", "en"].n == 3
    assert report.language == {("set", "en"): 100.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": "pos"}, "'pos' is no sentiment"),
        ({"themes": {"theme.price": "good"}}, "'good' is no sentiment"),
        ({"themes": {"delivery.speed": "negative"}}, "'delivery.speed' is no theme"),
        ({"language": "english"}, "'english' is not a language code"),
    ],
)
def test_labels_that_are_none_are_refused(wrong, message):
    right = {"text": "Fine", "language": "en", "source": "set", "label": "positive"}
    with pytest.raises(nlp.InputError, match=message) as caught:
        evaluate([Labelled(**right | wrong)])
    assert caught.value.hint


def test_wrong_labels_cost_precision_and_recall():
    report = evaluate(
        [_labelled("positive", TEXTS["negative"]), _labelled("negative", TEXTS["negative"])]
    )
    told = report.sentiment["set", "en"]
    assert told.recall == {"negative": 100.0, "positive": 0.0}
    assert told.macro_f1 == pytest.approx((200 / 3 + 0) / 2)


def test_an_unscored_language_counts_as_neutral_with_no_coverage():
    row = Labelled(text="Das ist so.", language="th", source="set", label="negative")
    told = evaluate([row]).sentiment["set", "th"]
    assert (told.coverage, told.macro_f1, told.calibration_error) == (0.0, 0.0, 0)


def test_themes_count_by_level_and_personal_data_by_touch():
    report = evaluate(
        [
            _labelled(
                None,
                "Late delivery. Mail ann@example.org",
                themes={"theme.delivery.speed": "negative", "theme.price.level": "negative"},
                personal=[PersonalData("email", 20, 35)],
            )
        ]
    )
    assert report.themes["set", "en"].recall == report.parts["set", "en"].recall == 50.0
    assert report.polarity["set", "en"] == Share(n=1, percent=100.0)
    assert report.personal["set", "en"] == FoundFigures(expected=1, precision=100.0, recall=100.0)
    assert FoundFigures(expected=1, precision=50.0, recall=100.0).f1 == pytest.approx(200 / 3)
    assert FoundFigures(expected=1, precision=0.0, recall=0.0).f1 == 0.0
    assert report.sentiment == {}


def test_of_as_many_good_as_bad_mentions_the_first_counts():
    text = "Fast delivery once, late delivery twice"
    themes = {"theme.delivery.speed": "positive"}
    report = evaluate([_labelled(None, text, themes=themes)])
    assert report.polarity["set", "en"] == Share(n=1, percent=100.0)


def _measured():
    """The cells of `docs/language.md` that our own corpus fills, by the beginning of their row."""
    rows = own_corpus()
    report = evaluate(rows)
    languages = [language for _, language in report.sentiment]

    def mean(figures):
        return sum(figures) / len(languages)

    def share(some):
        return sum(one.n * one.percent for one in some) / sum(one.n for one in some)

    f1 = report.mean_macro_f1(languages)
    structured = [
        replace(row, personal=[one for one in row.personal if one.kind != "name"])
        for row in rows
        if row.personal
    ]
    personal = evaluate(structured).personal.values()
    mixed = [row for row in rows if len(set(row.themes.values())) > 1]
    return {
        f"our corpus, the {len(rows)} comments that neither words nor weights have seen": [
            f1,
            mean(told.coverage for told in report.sentiment.values()),
        ],
        f"themes, our corpus, the {len(rows)} comments unseen": [
            mean(told.f1 for told in report.themes.values()),
            mean(told.f1 for told in report.parts.values()),
        ],
        "polarity of themes found, unseen": [
            share(report.polarity.values()),
            share(evaluate(mixed).polarity.values()),
        ],
        "personal data with a structure": [
            sum(told.expected * told.recall for told in personal)
            / sum(told.expected for told in personal)
        ],
        # What the accurate tier is compared with.
        f"the same {len(rows)} comments of our corpus, mean": [f1],
        "polarity of the themes found in them": [share(report.polarity.values())],
    }


def _said(row, count):
    """The last numbers in the cell beside a row's name, without those in brackets."""
    cells = re.findall(rf"^\| {re.escape(row)}[^|]*\|([^|(]*)", DOCUMENTED, re.MULTILINE)
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", "".join(cells))
    return [float(number) for number in numbers[-count:]]


def _holds(said, measured):
    """Whether nothing fell by more than a point, and the table is not behind by more than 1.5."""
    return len(said) == len(measured) and all(
        -1 <= now - then <= 1.5 for then, now in zip(said, measured, strict=True)
    )


def test_our_corpus_says_what_the_documentation_says():
    behind = [
        f"| {row} … | {' / '.join(f'{figure:.1f}' for figure in figures)} |"
        for row, figures in _measured().items()
        if not _holds(_said(row, len(figures)), figures)
    ]
    assert not behind, "\n".join(["write what was measured into docs/language.md:", *behind])
