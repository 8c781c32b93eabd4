"""The contract of `nlp.analyse_many`."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp

COMMENTS = [
    "The delivery was late and the box was damaged.",
    "I love it, very easy to use!",
    "Die Lieferung kam leider viel zu spät bei mir an.",
    "配送がとても早くて助かりました。",
    "خدمة العملاء ممتازة وسريعة جدا",
    "🙂",
    "",
    "Where can I see my invoice?",
]


def test_analyses_come_back_in_the_order_of_the_texts():
    languages = [found.language for found in nlp.analyse_many(COMMENTS)]
    assert languages == ["en", "en", "de", "ja", "ar", "und", "und", "en"]


def test_the_batch_gives_what_single_calls_give():
    assert nlp.analyse_many(COMMENTS) == [nlp.analyse_many([text])[0] for text in COMMENTS]
    assert nlp.analyse_many(COMMENTS[::-1]) == nlp.analyse_many(COMMENTS)[::-1]


def test_the_same_texts_give_the_same_results_twice():
    assert nlp.analyse_many(COMMENTS * 50) == nlp.analyse_many(COMMENTS) * 50


def test_no_texts_give_no_analyses():
    assert nlp.analyse_many([]) == []
    assert nlp.analyse_many(iter(())) == []


def test_texts_and_languages_may_be_iterators():
    found = nlp.analyse_many(iter(COMMENTS[:2]), iter(["en", None]))
    assert [one.language for one in found] == ["en", "en"]


def test_english_is_scored_with_probabilities_of_the_three_labels():
    good, bad, plain = nlp.analyse_many(
        ["Great, thank you!", "Terrible, I hate it.", "When does the shop open on Sunday?"],
        ["en"] * 3,
    )
    assert (good.sentiment, bad.sentiment, plain.sentiment) == ("positive", "negative", "neutral")
    assert good.score > 0 > bad.score
    for found in (good, bad, plain):
        assert sum(found.probabilities) == pytest.approx(1)
        label = ("negative", "neutral", "positive").index(found.sentiment)
        assert found.confidence == found.probabilities[label] == max(found.probabilities)


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("de", "Sehr freundlich und schnell, danke!", "Leider sehr schlecht, nie wieder."),
        ("pl", "Bardzo dobra obsługa, polecam.", "Fatalnie, nie polecam."),
        ("ar", "خدمة ممتازة شكرا", "خدمة سيئة جدا"),
        ("hi", "बहुत अच्छी सेवा", "बहुत खराब सेवा"),
        ("ja", "とても親切で満足です。", "最悪です。二度と使いません。"),
        ("zh", "服务非常好，很满意", "太差了，非常失望"),
    ],
)
def test_many_languages_are_scored(language, good, bad):
    found = nlp.analyse_many([good, bad], [language] * 2)
    assert [one.sentiment for one in found] == ["positive", "negative"]


@pytest.mark.parametrize("code", ["th", "el", "tlh", "und"])
def test_languages_that_were_not_evaluated_are_unscored_and_not_neutral(code):
    (found,) = nlp.analyse_many(["This is good, or so it says."], [code])
    assert (found.sentiment, found.score, found.confidence) == (None, None, None)
    assert found.probabilities is None


class Unsure:
    """An encoder that knows little."""

    def averaged(self, small, texts, languages):
        return np.array([[0.28, 0.33, 0.39], [0.28, 0.31, 0.41]], np.float32)


def test_an_unsure_label_is_not_given_but_its_probabilities_are():
    unsure, sure = nlp.analyse_many(["ok", "ok"], ["en"] * 2, encoder=Unsure())
    assert (unsure.sentiment, unsure.score, unsure.confidence) == (None, None, None)
    assert unsure.probabilities == pytest.approx((0.28, 0.33, 0.39))
    assert sure.sentiment == "positive"
    assert (sure.score, sure.confidence) == pytest.approx((0.13, 0.41))


def test_a_given_language_skips_detection():
    text = "Die Lieferung kam leider viel zu spät."
    given_codes = ["fr", "en", "pt-BR", "ZH_hant_TW", "tlh", "nb"]
    found = nlp.analyse_many([text] * 6, given_codes)
    assert [one.language for one in found] == ["fr", "en", "pt", "zh", "tlh", "no"]
    assert [one.probabilities is None for one in found] == [False] * 4 + [True] * 2


def test_emoji_are_scored_where_the_language_is_known():
    (found,) = nlp.analyse_many(["😍😍"], ["en-GB"])
    assert found.sentiment == "positive"


def test_a_second_language_is_noted_where_the_language_is_detected():
    text = "Die Lieferung kam leider viel zu spät. But your support was very friendly!"
    detected, told = nlp.analyse_many([text] * 2, [None, "de"])
    assert {detected.language, detected.also} == {"de", "en"}
    assert (told.language, told.also) == ("de", None)


def test_detection_keeps_to_the_candidates():
    text = "The delivery was late again, and nobody answered my questions."
    (narrow,) = nlp.analyse_many([text], candidates=["de", "fr-CA"])
    assert narrow.language in {"de", "fr"}


@pytest.mark.parametrize("odd", [None, 3, 2.5, b"bytes", ["nested"]])
def test_a_text_that_is_no_str_is_named_by_its_index(odd):
    with pytest.raises(TypeError, match=r"texts\[1\]"):
        nlp.analyse_many(["fine", odd])


@pytest.mark.parametrize("work", [nlp.redact, nlp.find_personal])
def test_what_is_no_text_is_told_from_one(work):
    with pytest.raises(TypeError, match="NoneType, not str"):
        work(None)


def test_a_single_str_is_no_list_of_texts_or_languages():
    with pytest.raises(TypeError, match="list of texts"):
        nlp.analyse_many("one comment")
    with pytest.raises(TypeError, match="one code or None per text"):
        nlp.analyse_many(["a", "b"], "en")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["a", "b"], ["en"]), {}, "2 texts and 1 languages"),
        ((["a"], ["english"]), {}, "'english' is not a language code"),
        ((["a"], [""]), {}, "'' is not a language code"),
        ((["a"], [3]), {}, "3 is not a language code"),
        ((["a"],), {"expected": [3]}, "3 is not a language code"),
        ((["a"],), {"candidates": [None]}, "None is not a language code"),
        ((["a"],), {"candidates": "en"}, "single str"),
        ((["a"],), {"candidates": []}, "no candidates"),
        ((["a"],), {"own_themes": ["x"]}, "own_themes is list"),
        ((["a"],), {"encoder": "/path"}, "encoder is str"),
        ((["a"],), {"tuning": {}}, "tuning is dict"),
        ((["a"],), {"candidates": ["en", "qqq"]}, "qqq"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments, options, message):
    with pytest.raises(nlp.InputError, match=message) as caught:
        nlp.analyse_many(*arguments, **options)
    assert isinstance(caught.value, nlp.NlpError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.hint
    assert caught.value.hint in str(caught.value)


def test_the_survey_s_language_decides_where_a_text_says_little():
    (alone,) = nlp.analyse_many(["super"])
    told = nlp.analyse_many(
        ["super", "Die Lieferung kam leider zu spät."], expected=["fr", "fr-CA"]
    )
    assert [one.language for one in told] == ["fr", "de"]
    assert alone.language != "und"
    with pytest.raises(nlp.InputError, match="1 texts and 2 expected"):
        nlp.analyse_many(["a"], expected=["en", "de"])


def test_results_are_frozen():
    (found,) = nlp.analyse_many(["Bad delivery"], ["en"])
    with pytest.raises(FrozenInstanceError):
        found.language = "de"
    with pytest.raises(FrozenInstanceError):
        found.themes[0].code = "theme.price"


@pytest.mark.parametrize("text", ["\u200d" * 20, "\ufeff\u00ad", "\u3164"])
def test_what_can_not_be_seen_is_unscored(text):
    (found,) = nlp.analyse_many([text], ["en"])
    assert found.sentiment is found.probabilities is None


POISON = {
    "empty": "",
    "spaces": " \t\r\n\u00a0\u2003",
    "NUL": "delivery\x00was\x00late",
    "lone surrogate": "bad delivery \ud83d and \udc00",
    "right-to-left controls": "\u202edelivery\u202c \u2066late\u2069",
    "zalgo": "d̴̢̛e̷l̶̨i̵v̸e̴r̵y̶" + "\u0301" * 500,
    "mixed scripts": "delivery доставка 配送 التوصيل delivery",
    "emoji only": "👨‍👩‍👧‍👦🏳️‍🌈🇩🇪" * 20,
    "digits": "12345 67,89 %",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "BOM": "\ufeffGood",
    "combining only": "\u0301\u0302",
    "markup": "<script>alert(1)</script> {{7*7}} ' OR 1=1 --",
}


@pytest.mark.parametrize("text", POISON.values(), ids=POISON.keys())
@pytest.mark.parametrize("language", [None, "en", "hi"])
def test_no_text_raises_and_its_neighbours_are_untouched(text, language):
    before, odd, after = nlp.analyse_many(["I love it", text, "I hate it"], ["en", language, "en"])
    assert (before.sentiment, after.sentiment) == ("positive", "negative")
    assert isinstance(odd, nlp.CommentAnalysis)


def test_lone_surrogates_and_controls_do_not_hide_the_words_beside_them():
    texts = [POISON["NUL"], POISON["lone surrogate"], POISON["right-to-left controls"]]
    for text, found in zip(texts, nlp.analyse_many(texts, ["en"] * 3), strict=True):
        assert found.themes
        assert "delivery" in text[found.themes[0].start : found.themes[0].end]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=5), st.booleans())
def test_any_text_is_analysed(texts, english):
    found = nlp.analyse_many(texts, ["en"] * len(texts) if english else None)
    assert len(found) == len(texts)
    for one in found:
        assert one.language == "und" or one.language in nlp.LANGUAGES
        assert (one.sentiment is None) == (one.score is None) == (one.confidence is None)
        assert one.probabilities is not None or one.sentiment is None
        assert one.probabilities is None or sum(one.probabilities) == pytest.approx(1, abs=1e-4)
        assert one.score is None or -1 <= one.score <= 1


def test_long_texts_are_analysed_by_their_beginning():
    text = "The delivery was late. " * 5_000
    (found,) = nlp.analyse_many([text])
    assert found.truncated
    assert found.language == "en"
    assert 0 < max(mention.end for mention in found.themes) <= nlp.MAX_ANALYSED
    exact, over = nlp.analyse_many(["a" * nlp.MAX_ANALYSED, "a" * (nlp.MAX_ANALYSED + 1)])
    assert (exact.truncated, over.truncated) == (False, True)


@pytest.mark.parametrize(
    "unit", ["(", "😀", "'s", "'", "not bad but ", "late delivery, ", ":)", "x"]
)
def test_time_stays_linear_on_repetitive_texts(unit, cpu_seconds):
    text = unit * (100_000 // len(unit))
    nlp.analyse_many(["warm"], ["en"])
    # Quadratic tokenising took 8 to 10 seconds of the first 10,000 characters of these.
    assert cpu_seconds(lambda: nlp.analyse_many([text], ["en"])) < 2


def test_importing_is_cheap_and_loads_no_engine():
    program = (
        "import sys, nlp; "
        "heavy = ('spacy', 'py3langid', 'numpy', 'scipy', 're2', 'onnxruntime', 'nlp.encoder'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert ran.stdout.strip() == "[]"


def test_all_names_what_is_public_and_each_name_and_module_can_be_had():
    assert set(nlp.__all__) <= set(dir(nlp))
    for name in nlp.__all__:
        assert getattr(nlp, name) is not None
    modules = ("detection", "encoder", "learning", "own_themes", "redaction", "topics", "tuning")
    program = f"import nlp; print([nlp.redact('Mr Lind'), *(nlp.{', nlp.'.join(modules)},)])"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert ran.stdout.startswith("['[name]', <module 'nlp.detection'")
    with pytest.raises(AttributeError, match="no attribute 'sentimental'"):
        _ = nlp.sentimental


def test_the_languages_that_are_scored_can_be_told():
    assert set(nlp.SCORED_LANGUAGES) <= set(nlp.DEFAULT_CANDIDATES) <= set(nlp.LANGUAGES)
