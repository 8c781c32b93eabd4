"""`model.json`: what a model directory holds, how it is to be read, and the hash of each file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nlp.errors import ModelError, NlpError
from nlp.language import primary_language

FORMAT = 1
MANIFEST = "model.json"
CLASSES = 3
_MOST_BYTES = 4_000_000
_CHUNK = 1 << 20
_MOST = 1e6
_MOST_ENTRIES = 8192
_LEAST_TOKENS = 3
_LONGEST_PREFIX = 200
_HINT = "make the directory again with `soundings nlp encoder`, or name another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A linear reader of the vectors: logits of (negative, neutral, positive)."""

    weights: tuple[tuple[float, float, float], ...]  # one row for each entry of a vector
    bias: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `model.json` says; see docs/language.md for the format.

    Attributes:
        name, licence, attribution: of the weights, for people.
        languages: ISO 639 codes whose sentiment the head was evaluated in.
        graph: file of the ONNX graph: int64 `ids` and `mask` of shape (texts, tokens) in.
        vocabulary: file that `Vocabulary` reads.
        output: the graph's float output of shape (texts, width): one vector a text.
        width: entries of a vector.
        prefix: stands before each text.
        max_tokens: what is read of a text, both end marks included.
        temperature: multiplies the head's logits, so that its probabilities are calibrated.
        head: None for an encoder that gives vectors only.
        sha256: of each file, by its name.
        version: twelve digits of a hash of `model.json`, in which it does not stand.
    """

    name: str
    licence: str
    attribution: str
    languages: tuple[str, ...]
    graph: str
    vocabulary: str
    output: str
    width: int
    prefix: str
    max_tokens: int
    temperature: float
    head: Head | None
    sha256: Mapping[str, str]
    version: str = ""

    def to_json(self) -> str:
        """The text of `model.json`."""
        said = {"format": FORMAT, **asdict(self)}
        del said["version"]
        return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a model directory; its other files are not looked at.

    Raises ModelError for a directory without one, for one of another format, and for one that says
    what can't be.
    """
    path = directory / MANIFEST
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
        said = json.loads(data)
    except OSError as error:
        reason = error.strerror or "it can't be read"
        raise ModelError(f"{path}: {reason}.", hint=_HINT) from None
    except (ValueError, RecursionError):
        raise ModelError(f"{path} is no JSON.", hint=_HINT) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ModelError(f"{path} is not of format {FORMAT}.", hint=_HINT)
    try:
        return replace(_manifest(said), version=hashlib.sha256(data).hexdigest()[:12])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} says what can't be: {error}.", hint=_HINT) from None


def _manifest(said: Mapping[str, Any]) -> Manifest:
    values = {item.name: said[item.name] for item in fields(Manifest) if item.name != "version"}
    texts = ("name", "licence", "attribution", "graph", "vocabulary", "output", "prefix")
    if not all(isinstance(values[name], str) for name in texts):
        raise TypeError(f"{', '.join(texts)} are texts")
    if len(values["prefix"]) > _LONGEST_PREFIX:
        raise ValueError(f"a prefix of more than {_LONGEST_PREFIX} signs")
    width, head = _whole(values, "width", 1), values["head"]
    if head is not None:
        head = Head(
            weights=tuple(triple(row) for row in head["weights"]), bias=triple(head["bias"])
        )
        if len(head.weights) != width:
            raise ValueError(f"a head of {len(head.weights)} rows for vectors of {width}")
    languages = values["languages"]
    if not isinstance(languages, list) or not all(isinstance(code, str) for code in languages):
        raise TypeError("languages are a list of codes")
    if not _number(values["temperature"]) > 0:
        raise ValueError("a temperature that is not above 0")
    _whole(values, "max_tokens", _LEAST_TOKENS)
    values |= {"languages": tuple(map(primary_language, languages)), "head": head}
    return Manifest(**values | {"sha256": _files(values)})


def _files(values: Mapping[str, Any]) -> dict[str, str]:
    files = dict(values["sha256"])
    if {values["graph"], values["vocabulary"]} - set(files):
        raise ValueError("a file without sha256")
    if any(Path(name).name != name or not name.isprintable() for name in files):
        raise ValueError("a file outside the directory")
    return files


def _whole(values: Mapping[str, Any], name: str, least: int) -> int:
    number = values[name]
    if type(number) is not int or not least <= number <= _MOST_ENTRIES:
        raise ValueError(f"{name} is no whole number from {least} to {_MOST_ENTRIES}")
    return number


def _number(value: Any) -> float:
    """Small enough that no logit overflows; what is no number at all is refused, too."""
    if type(value) not in (int, float) or not abs(value) < _MOST:
        raise ValueError(f"{value!r:.40} is no number under {_MOST:,.0f}")
    return float(value)


def triple(row: Any) -> tuple[float, float, float]:
    """A row of a head. Raises ValueError or TypeError for what is not three numbers."""
    negative, neutral, positive = map(_number, row)
    return negative, neutral, positive


def check_directory(directory: Path) -> Manifest:
    """As `read_manifest`, and every file is the one it says, and ONNX Runtime is there.

    Raises ModelError for a file that is missing or another, NlpError where ONNX Runtime is missing.
    """
    manifest = read_manifest(directory)
    for name, expected in manifest.sha256.items():
        try:
            found = sha256_of(directory / name)
        except OSError as error:
            reason = error.strerror or "it can't be read"
            raise ModelError(f"{directory / name}: {reason}.", hint=_HINT) from None
        if found != expected:
            raise ModelError(
                f"{directory / name} is not the file that {MANIFEST} names.", hint=_HINT
            )
    require_package("onnxruntime")
    return manifest


def require_package(name: str) -> None:
    """Raises NlpError, with the line that installs it, where a package is missing."""
    if find_spec(name) is None:
        raise NlpError(
            f"The package {name} is not installed.", hint="pip install 'soundings[accurate]'"
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
