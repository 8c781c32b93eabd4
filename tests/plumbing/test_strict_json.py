"""Strict JSON, from bytes and after another parser. Over HTTP: test_http_json.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_app.errors import Malformed
from survey_app.strict_json import MAX_DEPTH, MAX_INTEGER, check_json, parse_json

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none()
    | st.booleans()
    | texts
    | st.integers(-MAX_INTEGER - 1, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_whatever_json_can_say_comes_back_as_it_was(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_are_parsed_or_refused_and_never_crash(payload: bytes) -> None:
    try:
        value = parse_json(payload)
    except Malformed:
        return
    assert value == json.loads(payload)


@given(st.integers(1, 200), st.sampled_from(["[%s]", '{"a": %s}', "[1, %s]"]), texts)
def test_depth_is_counted_outside_of_texts(depth: int, form: str, text: str) -> None:
    inner = json.dumps(text + "[" * 100 + '\\"')
    payload = inner
    for _ in range(depth):
        payload = form % payload if "%" not in payload else form.replace("%s", payload)
    if depth <= MAX_DEPTH:
        parse_json(payload.encode())
    else:
        with pytest.raises(Malformed):
            parse_json(payload.encode())


# What Python's own parser lets through.
LAX_TEXTS = {"NUL": '"a\\u0000b"', "lone surrogate": '"\\ud800"', "low surrogate": '"é\\udc00"'}
LAX_NUMBERS = {
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "1e400": "1e400",
    "2^63": str(2**63),
    "-2^63-1": str(-(2**63) - 1),
}
LAX = LAX_TEXTS | LAX_NUMBERS
FULL = "[" * (MAX_DEPTH - 1) + "{}" + "]" * (MAX_DEPTH - 1)  # as deep as may be


def refused(text: str) -> bool:
    """Whether both refuse it: who reads bytes, and who looks at what another parser made."""
    value = json.loads(text)
    for check in (lambda: check_json(value), lambda: parse_json(text.encode())):
        with pytest.raises(Malformed) as caught:
            check()
        assert caught.value.code == "json.malformed"
    return True


@pytest.mark.parametrize("text", LAX.values(), ids=LAX)
@pytest.mark.parametrize("form", ["%s", "[1, %s]", '{"a": {"b": [%s]}}'])
def test_what_a_laxer_parser_took_is_refused_afterwards(form: str, text: str) -> None:
    assert refused(form % text)


@pytest.mark.parametrize("text", LAX_TEXTS.values(), ids=LAX_TEXTS)
def test_keys_are_texts_too(text: str) -> None:
    assert refused(f'{{"a": 1, "b": {{{text}: 2}}}}')


def test_one_level_more_is_too_deep() -> None:
    check_json(json.loads(FULL))
    for form in ("[%s]", '{"a": %s}', '[1, {"b": 2}, %s]'):
        assert refused(form % FULL)


def test_what_is_fine_is_let_through() -> None:
    check_json({"a": [None, True, -(2**63), MAX_INTEGER, -0.0, 1e308, "😀", {"": []}], "é": {}})


@given(values)
def test_both_ways_agree(value: object) -> None:
    check_json(value)
    assert parse_json(json.dumps(value).encode()) == value


def test_a_deep_value_is_checked_without_recursion() -> None:
    value: list[object] = []
    for _ in range(50_000):
        value = [value]
    with pytest.raises(Malformed, match="nested too deeply"):
        check_json(value)
    while value:  # Python itself would take it apart recursively
        value = value.pop()  # type: ignore[assignment]
