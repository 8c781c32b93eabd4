"""Language: script first, then the identifier among the candidates."""

import pytest

from nlp.language import (
    DEFAULT_CANDIDATES,
    LANGUAGES,
    MAX_READ,
    _full_identifier,
    candidate_languages,
    detect,
    primary_language,
)

DEFAULT = candidate_languages(None)


def test_the_known_languages_are_the_labels_of_the_model():
    assert set(LANGUAGES) == set(_full_identifier().labels) - {"zxx"}
    assert len(set(LANGUAGES)) == len(LANGUAGES)


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
    ],
)
def test_locales_are_matched_on_their_language(code, language):
    assert primary_language(code) == language


def test_the_identifier_of_one_call_does_not_narrow_another():
    text = "The parcel came two days late and nobody could tell me why."
    assert detect(text, frozenset({"de", "fr"})) in {"de", "fr"}
    assert detect(text, DEFAULT) == "en"
    assert len(_full_identifier().labels) == len(LANGUAGES) + 1


def test_default_candidates_are_distinct():
    assert len(set(DEFAULT_CANDIDATES)) == len(DEFAULT_CANDIDATES)
