"""Street addresses: a street and a house number, as each country writes them.

A street alone is a place where many live, and is not found; a number must stand with it. Street
names are capitalised where the script knows capitals, which tells *via Roma 5* from *via e-mail 5*.
"""

import re

CAPITAL = "".join(filter(str.isupper, map(chr, range(0x2000))))
_CAP = rf"[{CAPITAL}](?:[^\W\d_]|['.-]){{1,24}}(?!\w)"
# The number of a house: 12, 12a, 12-14, 12/3; no time, price, measure or range.
_HOUSE = (
    r"\d{1,4}(?: ?[a-zA-Z]\b(?!:))?(?:[/-]\d{1,4}[a-zA-Z]?)?"
    r"(?!\w|[.:,]\d|[/-]\w| ?[–%€$£°]| (?:min|km|m|h)\b)"
)
_NUMBER = r"(?:№ ?|No[.:]? ?|Nr\.? ?|n[.º°] ?|nº ?)?"
_OF = (
    "(?:(?:de|du|des|la|le|les|los|las|del|della|delle|dei|degli|di|do|da|dos|das|e|y|i) "
    "|d'|l'|dell'){0,3}"
)
_POSTCODE = r"(?:\d\d-\d{3}|(?:[A-Z]-?)?\d{3,5}(?: \d\d| ?[A-Z]{2}|-\d{3,4})?)"
_TOWN = rf"(?:, ?{_POSTCODE} {_CAP}(?: {_CAP})?)?"
_HAN = "\u4e00-\u9fff"
_KANA = f"\u3005\u3041-\u30ff{_HAN}"

_NO_STREET = "Arbeits|Stell|Sitz|Park|Camping|Spiel|Steh|Rück|Heim|Hin|Umweg|Motor"  # -platz, -weg
_END_OF_STREET = (
    r"[Ss]traße|[Ss]trasse|[Ss]tr\.|weg|gasse|platz|allee|straat|laan|gracht|plein|kade|singel|"
    "gatan|gata|vägen|gade|vej|vejen|gate"
)
_ENGLISH_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Close|Drive|Court|Crescent|Terrace|Boulevard|Blvd|Grove|"
    "Gardens|Square|Mews|Hill|Way|Row|Walk|Parkway"
)
_ROMANCE_STREET = (
    r"[Vv]ia|[Vv]iale|[Cc]orso|[Pp]iazza|[Cc]alle|C/|[Aa]venida|Av\.|Avda\.|[Pp]aseo|[Pp]laza|"
    "[Rr]ua|[Tt]ravessa"
)
_STREET_BEFORE = (
    r"ул\.|улиц[аеы]|вул\.|вулиц[яіи]|пр-т|просп\.|проспект[еі]?|пер\.|пров\.|бул\.|"
    r"ul\.|ulic[ay]|al\.|os\.|Jl\.?|Jalan"
)
_TURKISH_STREET = "Cad|Cd|Sok|Sk|Mah|Caddesi|Sokak|Sokağı|Mahallesi|Bulvarı"
_NO_KOREAN = "친구|입구|출구|지구|가구|누구|도구|전구|다시|역시|혹시|잠시|즉시"
_COUNTED = "시분층개일명만천원년월주회차대살"  # 3시간, 2층

_FORMS = (
    # German, Dutch, Swedish, Danish: the kind of street is the end of the word
    rf"(?:[{CAPITAL}][\w-]{{1,24}} )?(?!{_NO_STREET})[{CAPITAL}][\w.-]{{0,24}}(?:{_END_OF_STREET}) "
    rf"{_HOUSE}{_TOWN}",
    # English
    rf"(?:(?:Flat|Apt|Unit) \d{{1,4}}\w?,? )?\d{{1,5}}[a-zA-Z]? (?:{_CAP} ){{1,3}}"
    rf"(?:{_ENGLISH_STREET})\b\.?(?:, {_CAP}(?: {_CAP})?)?"
    r"(?:,? [A-Z]{1,2}(?:\d\w? \d[A-Z]{2}| \d{5}))?",
    # French, and its sisters with the number behind
    r"\d{1,4}(?: bis| ter)?,? (?:rue|avenue|impasse|boulevard|chemin|allée|place|quai) "
    rf"{_OF}(?:{_CAP}|(?<=(?:de|du|es|la|le) )\w{{3,20}}|(?<=')\w{{3,20}})"
    rf"(?: {_OF}{_CAP}){{0,3}}{_TOWN}",
    rf"(?:{_ROMANCE_STREET}) ?{_OF}{_CAP}(?: {_OF}{_CAP}){{0,4}},? {_NUMBER}{_HOUSE}{_TOWN}",
    # Russian, Ukrainian, Polish, Indonesian: the kind of street is shortened before it
    rf"(?:г\. ?{_CAP}, ?)?(?:{_STREET_BEFORE}) ?{_CAP}(?: {_CAP}){{0,3}},? ?"
    rf"(?:д\. ?|дом |буд\. ?)?{_NUMBER}{_HOUSE}(?:, ?(?:кв|каб|оф|м)\.? ?\d{{1,4}})?{_TOWN}",
    # a village without streets
    rf"{_CAP}(?: {_CAP}){{0,2}} \d{{1,3}}[a-z]?, "
    rf"(?:\d\d-\d{{3}}|\d{{5}}|\d{{3}} \d\d|\d{{4}} [A-Z]{{2}}) {_CAP}",
    # Turkish, Vietnamese
    rf"{_CAP} (?:{_TURKISH_STREET})\b\.?,? (?:No[:.]? ?)?{_HOUSE}"
    r"(?: D: ?\d{1,3})?(?:, [\w/]{2,20}(?: [\w/]{2,20})?)?",
    r"[Ss]ố (?:nhà )?\d{1,4}[\w/]{0,6},? (?:(?:ngõ|ngách|hẻm|kiệt) \d{1,4}[\w/]{0,6},? )?"
    rf"(?:đường|phố) {_CAP}(?: {_CAP}){{0,3}}(?:, {_CAP}(?: {_CAP})?){{0,2}}",
    rf"\d{{1,4}}[\w/]{{0,6}} {_CAP}(?: {_CAP}){{1,3}}, ?(?:quận|phường|[Qq]\.|[Pp]\.) ?\w{{1,12}}",
    # India: a house number and a PIN code; Arabic: a street and a marked number
    r"\d{1,4}(?:/\d{1,3})?, [^\n.:!?\d]{3,50}[ -][1-8]\d{5}\b",
    r"मकान (?:नंबर|नं\.?|संख्या|न\.?) ?\d{1,5}(?:[^\n.!?।\d]{0,30}[1-8]\d{5}\b)?",
    r"شارع [^\d\n.،!؟]{2,30}(?:[،,]| رقم| مبنى| عمارة| بناية) ?(?:(?:رقم|مبنى|عمارة|بناية) )?"
    r"\d{1,4}\b",
    # Chinese, Japanese, Korean: from the large to the small
    rf"[{_HAN}]{{2,20}}(?:路|街|道|巷|弄|胡同)\d{{1,5}}[号號]"
    rf"(?:[{_HAN}]{{0,4}}\d{{1,5}}[幢栋楼室号座单元]{{1,2}}){{0,4}}",
    rf"[{_HAN}]{{2,12}}(?:小区|花园|公寓)\d{{1,4}}(?:栋|幢|号楼|座)(?:\d{{1,5}}[单元室号]{{0,2}}){{0,3}}",
    rf"(?:〒\d{{3}}-\d{{4}} ?)?[{_KANA}]{{1,10}}[都道府県市区町村郡][{_KANA}]{{1,15}}\d{{1,3}}"
    r"(?:(?:丁目|番地?|-)\d{1,4}){1,3}号?",
    rf"(?:[가-힣]{{2,4}}(?:도|시) )?(?<![가-힣])(?!{_NO_KOREAN})[가-힣]{{1,5}}[시군구] "
    r"(?:[가-힣]{1,6}[구동읍면] )?[가-힣]{1,9}(?<!으)[로길동] ?\d{1,4}(?:-\d{1,4})?"
    rf"(?![\d{_COUNTED}]|번(?!지))(?:, ?(?:\d{{1,4}}동 ?)?\d{{1,5}}호)?",
)
ADDRESS = re.compile(rf"(?<![^\W{_KANA}])(?:{'|'.join(_FORMS)})")
