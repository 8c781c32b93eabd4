"""Strict JSON: what one database or one parser would take otherwise than another, nobody takes."""

import json
import math
from typing import Any

from survey_app.errors import N_, Malformed

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1


def parse_json(body: bytes) -> Any:
    """Parse strict JSON.

    Raises Malformed for bytes that are not UTF-8 or not JSON, duplicate keys, and whatever
    `check_json` refuses.
    """
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from None
    check_json(value)
    return value


def check_json(value: Any) -> None:
    """Check what another parser has read, such as the content of a signed token.

    Raises Malformed for more than 32 levels, NaN and infinities (1e400 is one by now), integers
    beyond 64 bits, NUL and lone surrogates, in keys as in values.
    """
    try:
        level, depth = [value], 0
        while level:
            level = _check_level(level, is_last=depth == MAX_DEPTH)
            depth += 1
    except ValueError as error:
        raise _malformed(error) from None


def _check_level(items: list[Any], *, is_last: bool) -> list[Any]:
    """Check the scalars among these; returns what the containers hold."""
    inside: list[Any] = []
    for item in items:
        if isinstance(item, str):
            item.encode("utf-8")  # escaped surrogates only show after parsing
            if "\0" in item:
                raise ValueError("NUL in a text")
        elif isinstance(item, dict | list):
            if is_last:
                raise ValueError("nested too deeply")
            inside += item
            inside += item.values() if isinstance(item, dict) else ()
        else:
            _check_number(item)
    return inside


def _check_number(item: Any) -> None:
    if isinstance(item, float) and not math.isfinite(item):
        raise ValueError("a number that is not finite")
    if isinstance(item, int) and not -MAX_INTEGER - 1 <= item <= MAX_INTEGER:
        raise ValueError("a number beyond 64 bits")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _malformed(error: Exception) -> Malformed:
    return Malformed(
        "json.malformed",
        N_("The body is not JSON that we read: %(reason)s."),
        hint=N_("Send UTF-8 without NUL, duplicate keys, NaN or numbers beyond 64 bits."),
        reason=str(error).partition(":")[0][:80],
    )
