"""The wording library: templates in our own words, in every survey locale."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

TEMPLATES = ("nps", "csat", "ces")


@cache
def read(name: str) -> dict[str, Any]:
    """One file of the library: a template (`nps`, `csat`, `ces`), `privacy` or `anonymous`."""
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
