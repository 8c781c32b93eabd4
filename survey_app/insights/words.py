"""Words for codes, in the reader's language: dimensions, their values, themes, chart labels."""

from collections.abc import Mapping
from datetime import date

from babel import Locale, UnknownLocaleError
from flask_babel import format_date, format_decimal, get_locale, gettext

from analytics import Grain
from analytics.charts import Look
from survey_app.errors import N_
from survey_app.i18n import current_locale, direction
from survey_app.insights.theme_names import THEMES
from survey_app.lifecycle.operations import DEFAULT_STAGES

# A sign stays before its number among right-to-left words only behind a left-to-right mark.
MINUS, PLUS = "\N{MINUS SIGN}", "+"
MARK = "\N{LEFT-TO-RIGHT MARK}"

REBUILD = N_("Make it anew with this command: soundings lake rebuild")

# Codes -> words, by what they are codes of.
NAMES: Mapping[str, Mapping[str, str]] = {
    "dimension": {
        "country": N_("Country"),
        "region": N_("Region"),
        "language": N_("Language"),
        "comment_language": N_("Language of the comment"),
        "stage": N_("Lifecycle stage"),
        "age_band": N_("Age band"),
        "gender": N_("Gender"),
        "channel": N_("Channel"),
        "survey": N_("Survey"),
        "month": N_("Month"),
        "bucket": N_("From"),
    },
    "stage": DEFAULT_STAGES,
    "trouble": {
        "missing": N_(
            "The lake is missing: these numbers come from the database, complete but more slowly."
        ),
        "corrupt": N_(
            "The lake is damaged: these numbers come from the database, complete but more slowly."
        ),
        "newer": N_(
            "The lake is of a newer version: these numbers come from the database, complete but "
            "more slowly."
        ),
        "away": N_(
            "The lake can't be read just now: these numbers come from the database, complete but "
            "more slowly."
        ),
        "engine": N_(
            "The analytics engine can't be reached: this machine counts instead, completely."
        ),
    },
    "remedy": {
        "missing": REBUILD,
        "corrupt": REBUILD,
        "newer": REBUILD,
        "away": N_("See what the log of the web process says."),
        "engine": N_("See whether the address in SOUNDINGS_SPARK_MASTER answers."),
    },
    "gender": {
        "female": N_("female"),
        "male": N_("male"),
        "other": N_("other gender"),
    },
    "channel": {
        "widget": N_("Widget"),
        "link": N_("Link"),
        "email": N_("E-mail"),
        "api": N_("API"),
        "import": N_("Import"),
        "kiosk": N_("Kiosk"),
    },
    "theme": THEMES,
    "sentiment": {
        "negative": N_("negative"),
        "neutral": N_("neutral"),
        "positive": N_("positive"),
        "": N_("not scored"),
        "unscored": N_("not scored"),
    },
    "flag": {
        "contradicts": N_("contradicts its score"),
        "corrected": N_("corrected by a person"),
    },
    "survey_kind": {
        "relational": N_("relational"),
        "transactional": N_("transactional"),
    },
    "scale": {
        "nps": N_("of 10 (NPS)"),
        "csat": N_("of 5 (CSAT)"),
        "ces": N_("of 7 (CES)"),
    },
    "preset": {
        "30d": N_("30 days"),
        "90d": N_("90 days"),
        "12m": N_("12 months"),
        "24m": N_("24 months"),
    },
    "comparison": {
        "previous": N_("the period before"),
        "year": N_("a year earlier"),
        "none": N_("nothing"),
    },
}


def number(value: float, digits: int = 0) -> str:
    """A number as the reader writes it, whole unless digits are asked for, with a true minus."""
    rounded = round(float(value), digits)
    form = "#,##0" + "." * (digits > 0) + "0" * digits
    return _sign(MINUS if rounded < 0 else "") + str(format_decimal(abs(rounded), format=form))


def _sign(sign: str) -> str:
    return MARK + sign if sign and direction(current_locale()) == "rtl" else sign


def percent(share: float) -> str:
    """A share in [0, 1] as whole percent."""
    return str(gettext("%(number)s%%", number=number(100 * share)))


def signed(value: float, digits: int = 0) -> str:
    """A change: with a plus or a minus, unless it rounds to nothing."""
    return (_sign(PLUS) if round(float(value), digits) > 0 else "") + number(value, digits)


def between(low: float, high: float) -> dict[str, str]:
    """The bounds of a change, signed, each isolated from the direction of the words around it.

    A bound that rounds to 0 gets a decimal: whether 0 lies inside is what they are read for.
    """
    digits = 1 if 0 in (round(low), round(high)) else 0
    return {
        name: f"\N{LEFT-TO-RIGHT ISOLATE}{signed(value, digits)}\N{POP DIRECTIONAL ISOLATE}"
        for name, value in (("low", low), ("high", high))
    }


def day(value: date) -> str:
    """A date in the reader's medium form."""
    return str(format_date(value, "medium"))


def bucket_name(start: date, grain: Grain) -> str:
    """A bucket of a trend, short enough for an axis."""
    forms = {"day": "d MMM", "week": "d MMM", "month": "MMM yy", "quarter": "QQQ yy"}
    return str(format_date(start, forms[grain]))


def dimension(code: str) -> str:
    """A dimension's name."""
    return _named("dimension", code)


def value_name(dimension_code: str, key: str | None) -> str:
    """The name of a dimension's value; the null value has one too."""
    if key is None:
        return gettext("not known")
    if dimension_code in ("country", "region"):
        return str(_locale().territories.get(key, key))
    if dimension_code in ("language", "comment_language"):
        return _language_name(key)
    return _named(dimension_code, key)


def theme(code: str, own: Mapping[str, str] | None = None) -> str:
    """A theme's name; `own` has the names of the workspace's own themes."""
    return (own or {}).get(code) or _named("theme", code)


def sentiment(code: str | None) -> str:
    """A sentiment's name; unscored has one too."""
    return _named("sentiment", code or "")


def flag(code: str) -> str:
    """The name of what a comment can be marked with."""
    return _named("flag", code)


def survey_kind(code: str) -> str:
    """The name of a kind of surveys."""
    return _named("survey_kind", code)


def scale(code: str) -> str:
    """What a score of a metric is one of."""
    return _named("scale", code)


def preset(code: str) -> str:
    """The name of a period that is one click away."""
    return _named("preset", code)


def comparison(code: str) -> str:
    """The name of what a score is compared with."""
    return _named("comparison", code)


def trouble(code: str) -> str:
    """Why numbers did not come the usual way; see `lake.reading.Source`."""
    return _named("trouble", code)


def remedy(code: str) -> str:
    """What an owner can do about it."""
    return _named("remedy", code)


def look(width: int) -> Look:
    """How charts are dressed for this reader."""
    return Look(
        labels=_chart_labels(),
        width=width,
        rtl=direction(current_locale()) == "rtl",
        number=number,
        percent=percent,
    )


def _chart_labels() -> Mapping[str, str]:
    return {
        "nps": gettext("NPS"),
        # A sample's size is a symbol where room is scarce.
        "n": gettext("n"),
        "answers": gettext("answers"),
        "empty": gettext("No answers in this selection"),
        "few": gettext("30–49 answers: read with care"),
        "weak": gettext("fewer than 30 answers"),
        "withheld": gettext("withheld to protect people"),
        "overall": gettext("all"),
        "significant": gettext("differs from the rest"),
        "promoters": gettext("Promoters"),
        "passives": gettext("Passives"),
        "detractors": gettext("Detractors"),
        "negative": gettext("negative"),
        "neutral": gettext("neutral"),
        "positive": gettext("positive"),
        "mentions": gettext("mentions"),
        "net": gettext("net"),
        "coverage": gettext("Comments scored:"),
    }


def _locale() -> Locale:
    return get_locale() or Locale("en")


def _language_name(code: str) -> str:
    if code == "und":
        return gettext("not recognised")
    try:
        return Locale.parse(code, sep="_").get_display_name(_locale()) or code
    except (UnknownLocaleError, ValueError):
        return code


def _named(kind: str, code: str) -> str:
    """The name of one code out of `NAMES`; one that has no words yet is shown as it is."""
    message = NAMES.get(kind, {}).get(code)
    return gettext(message) if message else code
