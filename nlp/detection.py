"""Languages of comments: the script first, then py3langid among the candidates that write it.

Many scripts are written by one or few languages, so the script narrows the candidates and
often decides alone; where none of the candidates is written in the text's script, the answer
is `und` and not the least unlikely of the wrong ones. py3langid then compares byte n-grams.
Two things it can't do are added: Hindi in Latin letters, and a second language in one comment.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nlp.identifier import Floats, Identifier
from nlp.language import LANGUAGES, UNDETERMINED
from nlp.scripts import LATIN, letters_of, script_weights, written_in

# How much likelier than another language that of the survey is, before the comment is read.
EXPECTED_ODDS = 10.0
# How much of a text is read to tell its language: more changes nothing and costs time.
MAX_READ = 1_000
BATCH = 512
_KNOWN = frozenset(LANGUAGES)
# They are no words of the comment's language.
_ADDRESS = re.compile(r"@\w+|https?://\S*|www\.\S+")

# A second language has at least this share of the letters, in parts of at least so many.
ALSO_SHARE = 0.2
ALSO_LETTERS = 12
# Parts of a comment are looked at where the language of the whole is less sure than this, ...
_SURE = 0.999
# ... and a part is of another language where that has this probability; in another script, this.
_SURE_PART, _SURE_SCRIPT = 0.8, 0.5
_PART = re.compile(r"[.!?…;,\n。！？；，、،؟।:()–—]+|\s-\s")

HINDI = "hi"
# Words that Hindi in Latin letters is full of and that no other candidate writes, nearly; and
# others that count half beside them, as they are words elsewhere.
_HINDI = """
    aaj aake aap aapka aapke aapki aapko aata aati aaya aaye aayega aayi abhi accha acchi achha
    achhi aisa aise andar apna apne apni aur baad baar baat badhiya bahar bahot bahut bakwas
    bekar bhai bhaiya bhi bhot bilkul bohot bole chahiye chalo chalu dekh dekha dekho dhanyawad
    diya dobara dono ekdum galat gaya gaye gayi ghar ghatiya gya gye gyi hain hamara hamare hoga
    hogi hona hone hota hote hoti hua hue hum humein humko itna itne itni jaise jaldi jata jati
    jyada ka kaam kab kabhi kafi kahan kaisa kaise kar karke karna karne karo karti kaun keh
    kharab khud kitna kitne kiya kiye koi kripya kuch kya kyon kyu kyun kyunki lagta lekin liya
    liye magar maine matlab mera meri mila mile milta milti mujhe mujhko nahi nahin nehi nhi
    paas paisa paise pata pehle phir pyar raat raha rahe rahi rakha rha rhe rhi roz rupaye saal
    saath sab sabhi sabse sahi sakta sakte sakti saste sath shukriya sirf subah tabhi tha theek
    thik thoda toh tumhare uska uske uski usko wahan wahi wala wale wali wapas woh yaar yahan
    yeh zyada
"""
_HALF_HINDI = """
    aa ab acha agar bina bola dena deta dete di diye do ek fir h hai har hi ho hu hui is isme
    jab jo kal kam karta karte ke kha ki kisi ko le lo log logo main mast mat me mein mere mil
    na naam ne pe se tak thi to tu tum us waise warna wo ya ye
"""
_HINDI_WORDS, _HALF_HINDI_WORDS = frozenset(_HINDI.split()), frozenset(_HALF_HINDI.split())
_HINDI_SHARE = 0.15
_WORD = re.compile(r"[^\W\d_]+")


class Told(NamedTuple):
    """Language of a comment, and a second one that a part of it is written in."""

    language: str
    also: str | None = None


def detect_many(
    texts: Sequence[str],
    candidates: frozenset[str],
    *,
    expected: Sequence[str | None] | None = None,
) -> list[Told]:
    """Language of each text among checked `candidates`, or `und`.

    `expected` holds per text the language that the survey was shown in: one more candidate, if it
    is among `LANGUAGES`, and held for `EXPECTED_ODDS` times as likely as any other before the text
    is read, so that it decides where a text says little. `und` means: no letters, a script that no
    candidate is written in, or nothing that would tell the candidates apart. A text's language does
    not depend on its neighbours. Reads at most `MAX_READ` code points of each; never raises.
    """
    likely = [None] * len(texts) if expected is None else expected
    found = [Told(UNDETERMINED)] * len(texts)
    groups: dict[frozenset[str], list[int]] = {}
    for number, prior in enumerate(likely):
        choice = candidates | {prior} if prior in _KNOWN else candidates
        groups.setdefault(choice, []).append(number)
    for choice, numbers in groups.items():
        detector = _detector(tuple(sorted(choice)))
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            read = [_ADDRESS.sub(" ", texts[number][:MAX_READ]) for number in batch]
            told = detector.told(read, [likely[number] for number in batch])
            for number, one in zip(batch, told, strict=True):
                found[number] = one
    return found


class _Guesses(NamedTuple):
    """Per text: the place of its language or -1, how probable that is, and weights of scripts."""

    places: NDArray[np.int64]
    sure: Floats
    weights: NDArray[np.int64]


class _Detector:
    """Tells the languages of one list of candidates apart."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self._codes = codes
        self._written = written_in(codes)

    @cached_property
    def _identifier(self) -> Identifier:  # takes half a second, and many scripts decide alone
        return Identifier(self._codes)

    def told(self, texts: Sequence[str], expected: Sequence[str | None]) -> list[Told]:
        """The languages of the texts, given that each survey was shown in `expected`."""
        guesses = self._guesses(texts, expected)
        also = self._second(texts, guesses)
        return [
            Told(self._codes[place], also.get(number)) if place >= 0 else Told(UNDETERMINED)
            for number, place in enumerate(guesses.places.tolist())
        ]

    def _guesses(self, texts: Sequence[str], expected: Sequence[str | None]) -> _Guesses:
        weights = script_weights(texts)
        scripts = weights.argmax(1)
        allowed = self._written[scripts]
        count = allowed.sum(1)
        places = np.where(count == 1, allowed.argmax(1), -1)
        sure = np.ones(len(texts), np.float32)
        if rows := np.flatnonzero(count > 1).tolist():
            shares = self._identifier.shares([texts[row] for row in rows], allowed[rows])
            sure[rows] = shares.max(1)
            for place, row in enumerate(rows):
                if (prior := expected[row]) in self._codes:
                    shares[place, self._codes.index(prior)] *= EXPECTED_ODDS
            # Equal shares: the identifier has met nothing that it knows.
            known = shares.max(1) > 1.0001 / count[rows]
            places[rows] = np.where(known, shares.argmax(1), -1)
        if HINDI in self._codes:
            for row in np.flatnonzero(scripts == LATIN).tolist():
                if _is_hindi(texts[row]):
                    places[row], sure[row] = self._codes.index(HINDI), 1
        return _Guesses(places, sure, weights)

    def _second(self, texts: Sequence[str], guesses: _Guesses) -> dict[int, str]:
        """By number of the text: its second language, where it has one."""
        total = guesses.weights.sum(1)
        foreign = np.where(self._written[:, guesses.places].T, 0, guesses.weights)
        mixed = foreign.max(1) >= np.maximum(ALSO_SHARE * total, ALSO_LETTERS)
        unsure = (guesses.sure < _SURE) & (total >= 2 * ALSO_LETTERS)
        owners: list[int] = []
        parts: list[str] = []
        for row in np.flatnonzero((mixed | unsure) & (guesses.places >= 0)).tolist():
            other = int(foreign[row].argmax())
            more = [letters_of(texts[row], other)] if mixed[row] else _PART.split(texts[row])
            parts += more
            owners += [row] * len(more)
        found = self._guesses(parts, [None] * len(parts))
        sizes = found.weights.sum(1)
        floor = np.where(mixed[owners], _SURE_SCRIPT, _SURE_PART)
        taken = (found.places >= 0) & (found.places != guesses.places[owners])
        taken &= (sizes >= ALSO_LETTERS) & (found.sure >= floor)
        letters: Counter[tuple[int, int]] = Counter()
        for part in np.flatnonzero(taken).tolist():
            letters[owners[part], int(found.places[part])] += int(sizes[part])
        return {
            row: self._codes[place]
            for (row, place), size in sorted(letters.items(), key=lambda item: item[1])
            if size >= ALSO_SHARE * total[row]
        }


def _is_hindi(text: str) -> bool:
    """Whether a text in Latin letters is full of Hindi words, which are written without marks."""
    words = _WORD.findall(text.lower())
    if _HINDI_WORDS.isdisjoint(words):
        return False
    points = sum(
        (word in _HINDI_WORDS) + (word in _HALF_HINDI_WORDS) / 2 - (not word.isascii())
        for word in words
    )
    return points >= _HINDI_SHARE * len(words)


@lru_cache(maxsize=16)
def _detector(codes: tuple[str, ...]) -> _Detector:
    return _Detector(codes)
