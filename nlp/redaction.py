"""Personal data in comments, found by rules that are reliable, to be taken out before storing.

Found are e-mail addresses, links that lead to one person's page, IBANs and payment cards (by their
checksums), telephone numbers, customer and order numbers, street addresses with a house number,
and names where `nlp.names` knows a reliable sign. A rule asks for a form and then for what the
form alone can't say: no price, date, range, version or model number.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nlp.addresses import ADDRESS
from nlp.names import find_names
from nlp.words import readable

Kind: TypeAlias = Literal["email", "url", "iban", "card", "phone", "id", "address", "name"]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A place that identifies a person: `text[start:end]`, in code points of the text as given."""

    kind: Kind
    start: int
    end: int


# Digits of every script, and what keyboards and pages offer for a space, a hyphen, a plus, an at.
_PLAIN = (
    {
        code: str(unicodedata.decimal(chr(code)))
        for code in [*range(0x660, 0xFF1A), *range(0x1D7CE, 0x1D800)]
        if unicodedata.decimal(chr(code), -1) >= 0
    }
    | dict.fromkeys([0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x3000], " ")
    | str.maketrans("\u2010\u2011\u2212\uff0d\uff0b\uff20", "----+@")
)
# Signs without width, which pasting leaves inside numbers and addresses; but a space of no width
# parts a word from a number.
_HIDDEN = re.compile(r"[\u00ad\u2060\ufeff]|(?!(?<=[^\W\d_])\u200b\d|(?<=\d)\u200b[^\W\d_])\u200b")
# No letter or digit beside it, but Chinese, Japanese and Korean write without spaces.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_FROM = rf"(?<![^\W{_UNSPACED}])"
_TO = rf"(?![^\W{_UNSPACED}])"
_CURRENCY = (
    "(?:[$€£¥₹₽₺₴₩₫]|(?:EUR|USD|GBP|CHF|PLN|SEK|DKK|NOK|BRL|INR|IDR|VND|KRW|JPY|RUB|UAH|TRY|SAR|Rs|Rp|TL)"
    "(?![A-Za-z]))"
)
_UNIT = r"[%°元円원块塊年]|(?:kr|zł|đ|TL)(?!\w)|[Ee]uro|руб|грн|lira|ribu|juta|rupiah|đồng|रुप|ريال"
_END = rf"{_TO}(?![.,:/-]\d)(?! ?(?:{_CURRENCY}|{_UNIT}))"

# Every repetition is bounded, so that the time is linear for any text.
_HOST = r"A-Za-z\d\u00c0-\u024f\u0400-\u04ff-"
_EMAIL = re.compile(
    rf"(?<![{_HOST}_.+%])[{_HOST}_.+%]{{1,64}}(?:@| ?[(\[](?:at|@)[)\]] ?)"
    rf"[{_HOST}]{{1,63}}(?:\.[{_HOST}]{{1,63}}){{1,5}}"
)
_URL = re.compile(
    rf"{_FROM}(?<!@)(?:https?://|www\.|(?:[a-z\d-]{{1,40}}\.){{1,4}}[a-z]{{2,12}}/)"
    r"[!#-&(-;=?-~\u00c0-\u024f\u0400-\u04ff]{3,2000}",
    re.IGNORECASE,
)
_IBAN = re.compile(rf"{_FROM}[A-Za-z]{{2}}\d\d(?:[ -]?[A-Za-z\d]){{11,30}}")
_CARD = re.compile(
    rf"{_FROM}(?<!\d[.,])[2-6]\d{{3}}(?:(?:\.\d{{4,6}}){{2,3}}|(?:[ -]?\d){{9,21}}){_TO}"
)
_PHONE = re.compile(
    rf"{_FROM}(?<!\d[.,:+])(?<!\w[/-])(?:\((?=\+?\d{{1,6}}\)))?(?:\+ ?)?"
    rf"\d(?:(?:[ .-]|\)[ -]?| ?\(| ?[/-] ?)?\d){{6,14}}{_END}"
)
_LETTER = "A-Za-zА-яІЇЄҐієїґ"
_NUMBER = re.compile(
    rf"{_FROM}(?<![@&$€£¥₹₽])(?<!\d[.,])(?:"
    rf"[#№] ?\d{{5,20}}(?:-[{_LETTER}]{{1,4}})?"
    rf"|(?:[{_LETTER}]{{0,5}}[-/#]?|[A-ZА-Я]{{1,3}} )\d[\dA-Z]{{0,20}}"
    rf"(?:[-/._][{_LETTER}\d]{{1,12}}){{0,6}}"
    rf"|(?=[A-Z]{{0,6}}\d{{1,6}}[A-Z])(?=[A-Z]{{0,2}}\d{{0,2}}[A-Z]{{1,4}}\d)[A-Z\d]{{6,8}}"
    rf"){_END}"
)
_FOURS = re.compile(rf"{_FROM}[1-9]\d{{3}}(?:[ -]\d{{4}}){{2,5}}{_END}")

_IBAN_DIGITS = 10  # at least; fewer are words that pass by chance
# The lengths of ISO 13616's register.
_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in re.findall(
        r"\w+",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28"
        " EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26"
        " IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30"
        " NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23"
        " TN24 TR26 UA29 VA22 VG24 XK20",
    )
}
_DIGIT = re.compile(r"\d")
_MONEY = re.compile(
    r"[1-9]\d{0,2}(?:[.,']\d{3})+(?:[.,]\d{1,2})?|[1-9]\d{0,2}(?: \d{3})+(?:[.,]\d{1,2}| 000)"
    r"|[1-9]\d? \d{3} \d{3}|[1-9]\d?(?:,\d\d)+,\d{3}|\d+[.,]\d{1,2}|[1-9]\d{0,5}000"
)
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_DAY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_RANGE = re.compile(r"(\d{2,6}) ?- ?(\d{2,6})")
_VERSION = re.compile(r"[vV]?\d+(?:\.\d+)+")
_NORM = re.compile(  # and a measure, and an aircraft
    r"(?:ISO|DIN|IEC|EN|KB|RFC|CVE)[- /]?\d{4,7}|\d{1,6}[A-Z]{1,4}|[A-Z]\d{3}-\d{3,4}"
)
_DOTTED_PHONE = re.compile(r"[+0(].*|\d{3}\.\d{3}\.\d{4}")
_MOBILE = re.compile(r"0\d{7,13}|[6-9]\d{9}|1[3-9]\d{9}")
_PHONE_WORD = re.compile(
    r"(?i)(?:tel|phone|mobile|handy|whatsapp|call|fon|тел|тлф|تليفون|هاتف|फोन|मोबाइल)\W{0,3}$"
)
_NUMBER_WORD = re.compile(
    r"(?i)(?:\b(?:n[ro°º]|num[eé]ro|número|number|nummer|nomor|ref|reference|ticket|order|case|"
    r"claim|invoice|pnr|pedido|commande|dossier|ordine|pratica|bestelling|vorgang|ordre|sag|ärende|"
    r"zamówieni[ea]|zgłoszeni[ea]|sipariş|pesanan|mã|заказа?|номер|обращени[ея]|замовлення)|"
    r"رقم|नंबर|番号|번호|号)[ .:#]{0,3}$"
)
_CURRENCY_SIGN = re.compile(f"^{_CURRENCY}")
_AMOUNT_BEFORE = re.compile(f"{_CURRENCY} ?$")


def find_personal(text: str) -> tuple[PersonalData, ...]:
    """Personal data in `text`, by position, without overlaps. Never raises; linear time.

    Kinds may be mistaken for each other (a customer number for a telephone number); the earlier
    rule wins where two find the same place.

    >>> text = "Call Mrs Lind on +46 70 174 06 35."
    >>> [(found.kind, text[found.start : found.end]) for found in find_personal(text)]
    [('name', 'Mrs Lind'), ('phone', '+46 70 174 06 35')]
    """
    read = readable(text).translate(_PLAIN)
    shown, places = _without_hidden(read)
    kept: list[PersonalData] = []
    taken = bytearray(len(read))

    def keep(kind: Kind, start: int, end: int) -> None:
        if 1 not in taken[start:end]:
            kept.append(PersonalData(kind, start, end))
            taken[start:end] = b"\1" * (end - start)

    for kind, pattern, accepted in _RULES if _DIGIT.search(read) else _RULES[:_WITHOUT_DIGITS]:
        for found in pattern.finditer(shown):
            start = found.start()
            sure = accepted(found[0].rstrip(" .,;:!?-/(*'"), shown[max(0, start - 24) : start])
            if sure:
                keep(kind, places[start], places[start + sure - 1] + 1)
    for start, end in find_names(read):
        keep("name", start, end)
    return tuple(sorted(kept, key=lambda one: one.start))


def redact(text: str) -> str:
    """`text` with each personal place replaced by its kind in brackets, such as `[phone]`.

    Everything else stays, sign for sign. Never raises; linear time.

    >>> redact("Call Mrs Lind on +46 70 174 06 35.")
    'Call [name] on [phone].'
    """
    parts: list[str] = []
    last = 0
    for found in find_personal(text):
        parts += [text[last : found.start], f"[{found.kind}]"]
        last = found.end
    return "".join([*parts, text[last:]])


def _without_hidden(text: str) -> tuple[str, Sequence[int]]:
    """What can be seen of `text`, and each sign's place in it."""
    hidden = {found.start() for found in _HIDDEN.finditer(text)}
    if not hidden:
        return text, range(len(text))
    places = [at for at in range(len(text)) if at not in hidden]
    return "".join(text[at] for at in places), places


def _all(found: str, _before: str) -> int:
    """How many signs of `found` are personal data; so do the others below."""
    return len(found)


def _link(found: str, _before: str) -> int:
    """A link that leads to one person's page rather than to a site."""
    found = found.rstrip(')]}"')
    site, _, path = found.split("//", 1)[-1].partition("/")
    last = path.rstrip("/").rpartition("/")[2]
    tells = any(sign in found for sign in "?#&=@") or (
        len(last) >= 8 and any(map(str.isdigit, last))
    )
    return len(found) if tells and "." in site else 0


def _iban(found: str, _before: str) -> int:
    """ISO 13616: a country's length, and the check digits modulo 97. Words may follow it."""
    places = [place for place, sign in enumerate(found) if sign not in " -"]
    length = _IBAN_LENGTHS.get(found[:2].upper(), 0)
    if not length or len(places) < length or sum(map(str.isdigit, found)) < _IBAN_DIGITS:
        return 0
    signs = "".join(found[place] for place in places[:length])
    value = int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4]))
    return places[length - 1] + 1 if value % 97 == 1 else 0


def _card(found: str, _before: str) -> int:
    """ISO/IEC 7812: the Luhn checksum. A date or a code may follow the number."""
    places = [place for place, sign in enumerate(found) if sign.isdigit()]
    for length in (16, 15, 14, 13, 19, 18, 17):
        if length > len(places) or found[places[length - 1] + 1 :][:1].isdigit():
            continue
        digits = [int(found[place]) for place in places[:length]][::-1]
        doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
        if (sum(digits[::2]) + doubled) % 10 == 0:
            return places[length - 1] + 1
    return 0


def _phone(found: str, before: str) -> int:
    groups = re.findall(r"\d+", found)
    digits = sum(map(len, groups))
    if _is_amount(found, before) or sum(len(group) == 1 for group in groups) > 1 + (
        found[0] in "(+"
    ):
        return 0
    if "." in found and not _DOTTED_PHONE.fullmatch(found):
        return 0
    if found.isdigit() and not (_MOBILE.fullmatch(found) or _PHONE_WORD.search(before)):
        return 0
    return len(found) if digits >= 8 or found[0] in "+0(" or _PHONE_WORD.search(before) else 0


def _number(found: str, before: str) -> int:
    """A number that an organisation gave to one customer, order, case or contract."""
    groups = re.findall(r"\d+", found)
    digits, longest = sum(map(len, groups)), max(map(len, groups))
    if found[0] in "#№":
        return len(found) if digits >= 5 else 0
    if _is_amount(found, before) or _VERSION.fullmatch(found) or _NORM.fullmatch(found):
        return 0
    named = digits >= 4 and len(found) >= 5 and bool(_NUMBER_WORD.search(before))
    if not any(map(str.isalpha, found)):
        return len(found) if digits >= 7 or named else 0
    if " " in found:
        return len(found) if longest >= 6 else 0
    reservation = found.isalnum() and found.isupper() and len(groups) >= 2 and 6 <= len(found) <= 8
    shown = longest >= 5 or (digits >= 6 and not found.islower())
    return len(found) if shown or reservation or named else 0


def _is_amount(found: str, before: str) -> bool:
    """Whether it is a price, a quantity, a date, a time or a range of those."""
    if (
        _MONEY.fullmatch(_CURRENCY_SIGN.sub("", found))
        or _DAY.fullmatch(found)
        or _AMOUNT_BEFORE.search(before)
    ):
        return True
    if span := _RANGE.fullmatch(found):
        low, high = int(span[1]), int(span[2])
        if low < high and low % 10 == high % 10 == 0 and not span[1].startswith("0"):
            return True
    groups = re.findall(r"\d+", found)
    years = sum(bool(_YEAR.fullmatch(group)) for group in groups)
    if found[0] in "+(" or sum(len(group) > 2 for group in groups) > years:
        return False
    spaced = not re.search(r"[./-]", found)
    return bool(years) or (not spaced and len(groups) <= 4 and not found.isalnum())


_RULES: tuple[tuple[Kind, re.Pattern[str], Callable[[str, str], int]], ...] = (
    ("url", _URL, _link),
    ("email", _EMAIL, _all),
    ("iban", _IBAN, _iban),
    ("card", _CARD, _card),
    ("address", ADDRESS, _all),
    ("id", _FOURS, _number),
    ("phone", _PHONE, _phone),
    ("id", _NUMBER, _number),
)
_WITHOUT_DIGITS = 2  # rules that can find something in a text without digits
