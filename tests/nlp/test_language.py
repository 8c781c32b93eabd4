"""Language: script first, then the identifier among the candidates; two languages in one."""

import pytest
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
from py3langid.modelio import load_model

from nlp.corpus import read
from nlp.detection import BATCH, MAX_READ, Told, detect_many
from nlp.language import DEFAULT_CANDIDATES, LANGUAGES, candidate_languages, primary_language

DEFAULT = candidate_languages(None)


def detect(text: str, candidates: frozenset[str], expected: str | None = None) -> str:
    return detect_many([text], candidates, expected=[expected])[0].language


def test_the_known_languages_are_the_labels_of_the_model():
    labels = load_model(MODEL_DIR / MODEL_FILE)[2]
    assert set(LANGUAGES) == set(labels) - {"zxx"}
    assert len(set(LANGUAGES)) == len(LANGUAGES)


def test_many_texts_at_once_get_what_the_identifier_says_of_each():
    codes = ["da", "de", "en", "es", "fr", "id", "it", "nl", "pl", "pt", "sr", "sv", "tr", "vi"]
    texts = [comment.text for code in ("de", "nl", "vi") for comment in read(code)[:200]]
    assert len(texts) > BATCH
    reference = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    reference.set_languages(codes)
    told = [reference.classify(text)[0] for text in texts]
    found = [one.language for one in detect_many(texts, frozenset(codes))]
    assert [pair for pair in zip(found, told, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel came two days late and nobody could tell me why.", "en"),
        ("Das Paket kam zwei Tage zu spät und niemand wusste warum.", "de"),
        ("Le colis est arrivé en retard et personne ne répond.", "fr"),
        ("El paquete llegó tarde y nadie me contesta.", "es"),
        ("Il pacco è arrivato in ritardo e nessuno risponde.", "it"),
        ("O pacote chegou atrasado e ninguém responde às mensagens.", "pt"),
        ("Het pakket kwam veel te laat en niemand reageert.", "nl"),
        ("Paczka przyszła za późno i nikt nie odpowiada.", "pl"),
        ("Kargo çok geç geldi ve kimse cevap vermiyor.", "tr"),
        ("Посылка пришла поздно, и никто не отвечает.", "ru"),
        ("Посилка прийшла пізно, і ніхто не відповідає.", "uk"),
        ("Gói hàng đến quá muộn và không ai trả lời.", "vi"),
        ("Paket saya datang terlambat dan tidak ada yang menjawab.", "id"),
        ("Paketet kom alldeles för sent och ingen svarar.", "sv"),
        ("وصل الطرد متأخرا ولا أحد يجيب", "ar"),
        ("पार्सल बहुत देर से आया और कोई जवाब नहीं देता", "hi"),
        ("荷物の到着が遅く、誰も返事をしません。", "ja"),
        ("包裹来得太晚了，没有人回复。", "zh"),
        ("택배가 너무 늦게 왔고 아무도 대답하지 않아요.", "ko"),
        ("พัสดุมาช้ามากและไม่มีใครตอบ", "th"),
        ("Το δέμα ήρθε πολύ αργά.", "el"),
        ("החבילה הגיעה מאוחר מדי.", "he"),
    ],
)
def test_sentences_of_the_default_languages(text, language):
    assert detect(text, DEFAULT) == language


@pytest.mark.parametrize("text", ["", "  ", "12 34", "👍👍", "!!!", "\x00", "\u0301", "★★★★★"])
def test_without_letters_the_language_is_undetermined(text):
    assert detect(text, DEFAULT) == "und"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("いいね", "ja"),
        ("좋아요", "ko"),
        ("ดีมาก", "th"),
        ("καλό", "el"),
        ("טוב", "he"),
        ("ممتاز", "ar"),
    ],
)
def test_a_decisive_script_decides_even_one_word(text, language):
    assert detect(text, DEFAULT) == language


def test_a_script_that_no_candidate_is_written_in_is_undetermined():
    assert detect("Посылка пришла поздно", frozenset({"en", "de"})) == "und"
    assert detect("Very good service", frozenset({"ja", "ru"})) == "und"


def test_one_candidate_left_by_the_script_needs_no_more():
    assert detect("Посылка пришла поздно", frozenset({"en", "bg"})) == "bg"


def test_characters_that_write_words_weigh_more_than_letters():
    assert detect("iPhone 很好用", DEFAULT) == "zh"
    assert detect("新しいiPadはとても便利", DEFAULT) == "ja"
    assert detect("The word 好 means good in Chinese", DEFAULT) == "en"


def test_a_word_that_tells_nothing_is_undetermined():
    assert detect("ok", DEFAULT) == "und"


def test_only_the_beginning_is_read():
    german = "Das Paket kam leider viel zu spät an. " * 30
    assert len(german) > MAX_READ
    assert detect(german[:MAX_READ] + "Много русских букв. " * 500, DEFAULT) == "de"


def test_two_scripts_of_one_language_both_find_it():
    candidates = frozenset({"sr", "en", "ru"})
    assert detect("Пакет је стигао веома касно и нико не одговара на поруке", candidates) == "sr"
    assert detect("Paket je stigao veoma kasno i niko ne odgovara na poruke", candidates) == "sr"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("pt-BR", "pt"),
        ("zh_Hant_TW", "zh"),
        (" DE ", "de"),
        ("nb-NO", "no"),
        ("fil", "fil"),
        ("eng", "en"),
        ("zho-Hant", "zh"),
    ],
)
def test_locales_are_matched_on_their_language(code, language):
    assert primary_language(code) == language


def test_the_model_is_read_twice_at_most_for_many_lists_of_languages(monkeypatch):
    first, *others = [code for code in LANGUAGES if code not in DEFAULT][:20]
    detect("Paket", DEFAULT)
    detect("Das Paket kam.", DEFAULT, first)
    monkeypatch.setattr("nlp.identifier.load_model", None)
    told = [detect("Das Paket kam zwei Tage zu spät an.", DEFAULT, code) for code in others]
    assert set(told) == {"de"}


def test_candidates_of_one_call_do_not_narrow_another():
    text = "The parcel came two days late and nobody could tell me why."
    assert detect(text, frozenset({"de", "fr"})) in {"de", "fr"}
    assert detect(text, DEFAULT) == "en"


def test_default_candidates_are_distinct():
    assert len(set(DEFAULT_CANDIDATES)) == len(DEFAULT_CANDIDATES)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Paketti tuli kaksi päivää myöhässä eikä kukaan vastaa.", "fi"),
        ("Balík přišel o dva dny později a nikdo neodpovídá.", "cs"),
    ],
)
def test_the_language_of_the_survey_is_a_candidate_too(text, language):
    assert detect(text, DEFAULT, expected=language) == language
    assert detect(text, DEFAULT) in DEFAULT
    assert detect("The parcel came two days late.", DEFAULT, expected=language) == "en"
    assert detect(text, DEFAULT, expected="tlh") == detect(text, DEFAULT)


def test_a_language_does_not_depend_on_its_neighbours():
    texts = ["super", "Paketti tuli myöhässä.", "Das Paket kam zu spät.", "", "ok", "很好"] * 60
    priors = [None, "fi", "cs", "de", "en", "ja"] * 60
    together = detect_many(texts, DEFAULT, expected=priors)
    alone = [
        detect_many([text], DEFAULT, expected=[prior])[0]
        for text, prior in zip(texts[:6], priors[:6], strict=True)
    ]
    assert together == alone * 60


@pytest.mark.parametrize(
    "text",
    [
        "Delivery bahut late thi aur packing bhi kharab",
        "app accha hai lekin kabhi kabhi chalta nahi",
        "koi phone nahi uthata",
    ],
)
def test_hindi_in_latin_letters_is_hindi(text):
    assert detect(text, DEFAULT) == "hi"
    assert detect(text, DEFAULT - {"hi"}) != "hi"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Cả hai đều tuyệt vời.", "vi"),
        ("Wie viel kostet die zweite Karte?", "de"),
        ("I log out of the app and the logo is still there.", "en"),
        ("Hai ragione, non funziona mai quando serve e nessuno risponde.", "it"),
    ],
)
def test_single_words_that_hindi_has_too_make_no_hindi(text, language):
    assert detect(text, DEFAULT) == language


@pytest.mark.parametrize(
    ("text", "both"),
    [
        (
            "Die Lieferung kam leider viel zu spät. But your support was very friendly!",
            {"de", "en"},
        ),
        ("La livraison était en retard, pero el servicio fue muy amable conmigo", {"fr", "es"}),
        ("配送很慢，包装也破了。 The customer service never answered my questions", {"zh", "en"}),
        ("Курьер опоздал на два часа, but the driver was friendly", {"ru", "en"}),
    ],
)
def test_a_second_language_is_noted(text, both):
    (found,) = detect_many([text], DEFAULT)
    assert {found.language, found.also} == both


def test_names_of_goods_and_handles_are_no_second_language():
    texts = [
        "iPhone 很好用",
        "新しいiPadはとても便利で満足しています",
        "@Rostelecom_Ural @SupportRT мошенники с ваших номеров https://example.com/very/long",
        "Mein neues MacBook läuft super, danke an das Team!",
    ]
    assert [one.also for one in detect_many(texts, DEFAULT)] == [None] * 4
    assert detect_many([texts[2]], DEFAULT) == [Told("ru")]


def test_few_comments_in_one_language_seem_to_have_a_second():
    texts = [comment.text for code in ("de", "pt", "ru", "ja") for comment in read(code)]
    seemed = [one for one in detect_many(texts, DEFAULT) if one.also]
    assert len(seemed) <= len(texts) / 200
