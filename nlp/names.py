"""Names of persons, where a sign is reliable: a title, a patronymic, *my name is*, a signature.

Given names that are hardly ever anything else are found without a sign. A family name alone, or a
name that is a word too, is not found. The words are in `names.toml`, by language.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from nlp.addresses import CAPITAL
from nlp.words import fold

# Endings of the cases of Slavic names: instead of a last vowel, and behind a consonant.
_CASES = {
    "pl": ("y i ę ą ie", "a owi em ie u"),
    "ru": ("ы и е у ю я ой ей ом ем", "а у ом е"),
    "uk": ("и і ї у ю я ою ею єю ові еві єві ем єм", "а у ом ові"),
}
_VOWELS = "aаеийоьяі"
_LEAST_SHOUTED = 5  # letters of a name in capitals
# A town, a mosque or a robot bears the name.
_NAMESAKE = re.compile(
    r"(?:San|Santa|Santo|São|St\.?|Saint|Sankt|سيدنا|نبينا|سلم على|صل على|الملك|الأمير|مسجد|"
    "(?:[Rr]obot|[Bb]ot|[Cc]hatbot(?:en)?|[Ss]torm(?:en)?|[Рр]обот|[Бб]от)(?: bernama)?)[ -]$"
)

# A capitalised word, an initial, and what stands between the parts of a name.
_PART = rf"[{CAPITAL}](?:'[{CAPITAL}])?[^\W\d_{CAPITAL}][\w'\u0300-\u036f-]{{0,24}}"
_INITIAL = rf"[{CAPITAL}]\."
_BETWEEN = (
    "(?:(?:van|von|de|der|den|del|della|di|da|do|dos|das|la|le|bin|al|el|ibn|zu|ter|ten|af|av) )"
    "{0,3}"
)
_NAME = rf"(?:{_INITIAL} ?){{0,2}}{_PART}(?: {_BETWEEN}(?:{_PART}|{_INITIAL}(?!\w))){{0,2}}"
_SURNAME = re.compile(rf" {_BETWEEN}{_PART}")
_WORD = re.compile(
    rf"(?<![\w'.@#-])(?:{_PART}|[{CAPITAL}]{{{_LEAST_SHOUTED},20}}(?!\w)"
    r"|[\u0621-\u064a]{2,15}(?!\w)|[\u0900-\u0963]{2,20}(?![\u0900-\u0963]))"
)
_INDIC = r"[\u0900-\u0963\u0970-\u097f]"
_ARABIC = r"[\u0621-\u063a\u0641-\u064a]"
_ARABIC_TITLE = re.compile(
    "(?:^|[^\u0621-\u064a])[ولب]?(?:ال)?(?:ممرضة?|سيدة?|[أا]ستاذة?|[أا]خت?|دكتورة?|مهندسة?|"
    "موظفة?|مندوبة?|شيخ|صيدلانية?|[آا]نسة|طبيبة?|اسمه|اسمها|اسمي|استقبال) $"
)

# In scripts without capitals; the form of address goes with the name.
_HAN = "\u4e00-\u9fff"
_CHINESE = (
    "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱林郭马馬罗羅梁宋郑鄭韩韓唐冯馮董萧"
    "蕭曹袁邓鄧傅沈彭吕呂苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎潘杜戴汪姜姚谭廖邹熊陆陸郝孔崔邱秦侯邵孟高"
)
_NO_CHINESE = "(?<![上下每一两本这那几最提感谢任如也分登照])"  # 上周医生, 提高老师
_CHINESE_JOB = (
    "经理|經理|师傅|師傅|老师|老師|医生|醫生|护士|律师|主任|医师|姐|哥|阿姨|大夫|警官|教授"
)
_KOREAN = (
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄"
    "채원천방공현함변여추도석선설길"
)
_KOREAN_JOB = (
    "기사|선생|팀장|과장|대리|부장|실장|원장|간호사|상담사|상담원|변호사|매니저|교수|약사|"
    "설계사|차장|주임|주무관"
)
_NO_KOREAN = (  # begin like a family name
    "지점장|안내원|공무원|정수기|지하철|이삿짐|우체국|한의원|소아과|유치원|도서관|주유소|전기차|"
    "고객센|정형외|주민센|이동식|하청업|공인중|현장직|전산실|도시가|주차장|공항버|고속버|전동차|"
    "한국어|방문자|설치기"
)
_KOREAN_VERB = "[면는을를에의로고던된할데게니며려]"  # 오는데 기사님
_NO_JAPANESE = (  # a role or a relative; behind it さん makes no name
    "[員師者官長士客手人係屋掌付将医工民達娘孫母父兄姉妹弟嬢婦夫主便配業務掃事当先方皆神王]|"
    "息子|女子|男子|仲居|旦那|同僚|板前|大家|司会|家族|施工|団体|給仕|学生"
)
_NO_LORD = "[仕同多模有一異奥殿貴何各両上下他別疲労陰世走互話遠傷]"  # 仕様, 同様, 奥様
_OTHER_SCRIPTS = (
    rf"{_NO_CHINESE}[{_CHINESE}](?:(?![的了和是有在到])[{_HAN}]){{0,2}}"
    "(?:先生|女士|小姐(?!姐))",
    rf"{_NO_CHINESE}([{_CHINESE}])(?:{_CHINESE_JOB})(?:\1[{_HAN}]{{1,2}})?",
    rf"(?<![{_HAN}])(?![{_HAN}]{{0,3}}(?:{_NO_JAPANESE})(?:さん|氏|様))"
    rf"(?![{_HAN}]{{0,3}}{_NO_LORD}様)[{_HAN}]{{2,3}}(?:さん|氏|様)(?!たち|方)",
    rf"(?<![{_HAN}])[林森原関谷東堀星岡辻南北島菅柳橘](?:さん|様)",
    rf"(?<![가-힣])(?!{_NO_KOREAN})[{_KOREAN}][가-힣]{{2}}(?:(?<![가의장사자]) ?(?:씨|님)"
    rf"|(?<!{_KOREAN_VERB}) (?:{_KOREAN_JOB})님?)",
    rf"(?<![가-힣])[김박최정강조윤임오서신권황송홍] (?:{_KOREAN_JOB})(?![가-힣]{{3}})",
    rf"(?:이름|성함)[은이] (?P<name>[{_KOREAN}][가-힣]{{2}})"
    "(?=입니다|이에요|예요|이고|이라고|인데)",
    rf"(?<!\w)(?:ال)?(?:ممرضة?|سيدة?|أستاذة?|أخت?|دكتورة?) (?:أبو|أم|عبد) {_ARABIC}{{3,12}}",
)


def find_names(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of names in `text`, the sure signs first; they may overlap. Linear time."""
    for sign in _signs():
        for found in sign.finditer(text):
            yield found.span("name" if "name" in sign.groupindex else 0)
    given, titled = _given(), _titled()
    for found in _WORD.finditer(text):
        start, end = found.span()
        before = text[max(0, start - 16) : start]
        name = found[0].partition("'")[0].lower()
        known = name in given or (fold(name) in titled and _ARABIC_TITLE.search(before))
        if known and not _NAMESAKE.search(before) and not text.startswith(_brands(), start):
            more = _SURNAME.match(text, end)
            yield start, more.end() if more else end


@lru_cache
def _words() -> dict[str, dict[str, str]]:
    source = (resources.files("nlp") / "names.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


def _phrases(part: str, *keys: str) -> list[str]:
    words = _words()[part]
    lists = (words[key] for key in keys or words)
    return [phrase.strip() for each in lists for phrase in each.replace("\n", " ").split(",")]


@lru_cache
def _given() -> frozenset[str]:
    names: set[str] = set()
    for language, source in _words()["given"].items():
        of_vowels, of_others = _CASES.get(language, ("", ""))
        for name in source.split():
            vowel = name[-1] in _VOWELS
            stem, cases = (name[:-1], of_vowels) if vowel else (name, of_others)
            names.update(map(str.lower, (name, fold(name), *(stem + end for end in cases.split()))))
    return frozenset(names)


@lru_cache
def _titled() -> frozenset[str]:
    return frozenset(map(fold, _words()["titled"]["ar"].split()))


@lru_cache
def _brands() -> tuple[str, ...]:
    return tuple(_phrases("brands"))


def _any_of(part: str, *keys: str) -> str:
    """A pattern for phrases as `names.toml` writes them; the longest first."""
    forms = []
    for phrase in sorted(_phrases(part, *keys), key=len, reverse=True):
        first, rest = phrase[0], phrase[1:]
        end = r"\.?" if rest.endswith(".") else ""
        letter = f"[{first}{first.upper()}]" if first.islower() else first
        forms.append(letter + re.escape(rest.rstrip(".")) + end)
    return f"(?:{'|'.join(forms)})"


@lru_cache
def _signs() -> tuple[re.Pattern[str], ...]:
    title, no_name = _any_of("titles"), _any_of("not_names", "words")
    return tuple(
        re.compile(sign)
        for sign in (
            rf"(?<!\w)(?<!\d )(?:{title} ){{1,3}}(?!(?:{title}|{no_name})(?!\w)){_NAME}",
            rf"(?<!\w)(?<!taille )M\. {_PART}",
            rf"(?<!\w){_any_of('called')}:? (?P<name>{_NAME})",
            rf"(?<!\w){_any_of('regards')}[,.!]?\s{{1,3}}(?P<name>{_NAME})"
            r"(?=[.!]?\s{0,9}(?:\Z|\n))",
            rf"(?<=[a-zà-ÿа-яії,] )(?P<name>{_NAME}) {_any_of('desk', 'from')} "
            rf"{_any_of('desk', 'words')}(?!\w)",
            # initials: P. J. Whitcombe, Иванов И. И.
            rf"(?<![\w.])(?!(?:P\. ?S|N\. ?B|U\. ?[SK]|[AP]\. ?M)\.){_INITIAL} ?{_INITIAL} {_PART}",
            rf"(?<!\w){_PART} {_INITIAL} ?{_INITIAL}",
            # patronymics
            rf"(?<!\w)(?:{_PART} ){{1,2}}[А-ЯЄІЇҐ]\w{{1,15}}(?:[ое]вич|[ое]вн|[іїи]вн|ичн)"
            rf"(?:[аеуиыіоюй]{{0,2}}|ем|ові|ою|ей)(?!\w)(?: {_PART})?",
            *_behind_the_name(),
            *_OTHER_SCRIPTS,
        )
    )


def _behind_the_name() -> tuple[str, ...]:
    """Selin Hanım, Sharma ji, प्रीति जी; and the titles of scripts that know no capitals."""
    no_hindi = _any_of("not_names", "hindi")
    word = rf"(?!{no_hindi}(?!{_INDIC})){_INDIC}"
    return (
        rf"(?<!\w)(?!{_any_of('not_names', 'turkish')}(?!\w)){_PART}(?<!da)(?<!de)(?<!ki) "
        r"(?:Bey|Hanım|Hoca|[Aa]bla|[Aa]bi)(?:n?[ıi]n|m)?(?!\w)",
        rf"(?<!\w)(?!{_any_of('not_names', 'hinglish')}(?!\w)){_PART} [Jj]i(?!\w)",
        rf"(?<!{_INDIC}){word}{{2,20}} जी(?!{_INDIC})",
        rf"(?<!{_INDIC})(?:श्री|श्रीमती|सुश्री|कुमारी|डॉ\.?|सिस्टर|मिस्टर) "
        rf"{word}{{3,20}}(?: {word}{{4,20}})?",
        rf"मेरा नाम (?P<name>{_INDIC}{{2,20}}(?: (?!है){_INDIC}{{3,20}})?) है",
        rf"(?<!\w)[دأم]\. ?(?!{_any_of('not_names', 'arabic')}(?!\w)){_ARABIC}{{3,12}}",
    )
