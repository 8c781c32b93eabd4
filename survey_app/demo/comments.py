"""The comments of the demo's customers, drawn so that a text comes back as late as possible."""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

# How often a writer speaks of what is on everybody's lips, and else of the own stage.
ON_THE_STORY = 0.65
ON_THE_STAGE = 0.6


@dataclass(frozen=True, slots=True)
class Comment:
    """One text of the pool; `band` is detractor, passive or promoter.

    With `stages`, only customers at one of them write it; with `story`, only those whom that event
    touches.
    """

    text: str
    language: str
    band: str
    about: str
    stages: frozenset[str]
    story: str | None


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: in which language, after which score's band, at which stage and event."""

    language: str
    band: str
    stage: str | None
    story: str | None


@cache
def load_comments() -> tuple[Comment, ...]:
    """The whole pool, in the order of its file."""
    source = resources.files(__package__).joinpath("comments.toml").read_text(encoding="utf-8")
    return tuple(
        Comment(
            text=row["text"],
            language=row["language"],
            band=row["band"],
            about=row["about"],
            stages=frozenset(row.get("stage", ())),
            story=row.get("story"),
        )
        for row in tomllib.loads(source)["comments"]
    )


class CommentPool:
    """Draws comments; each group of texts is used up, in random order, before any returns."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._bags: dict[tuple[Comment, ...], list[Comment]] = {}
        self._groups: dict[Writer, tuple[tuple[Comment, ...], ...]] = {}

    def draw(self, writer: Writer) -> str | None:
        """A text that fits the writer, or None where the pool has nothing in the language."""
        if writer not in self._groups:
            self._groups[writer] = _groups(writer)
        on_story, on_stage, general = self._groups[writer]
        told, staged = self._rng.random() < ON_THE_STORY, self._rng.random() < ON_THE_STAGE
        if on_story and told:
            return self._next(on_story)
        if on_stage and (staged or not general):
            return self._next(on_stage)
        return self._next(general) if general else None

    def _next(self, group: tuple[Comment, ...]) -> str:
        bag = self._bags.get(group)
        if not bag:
            bag = self._bags[group] = self._rng.sample(group, len(group))
        return bag.pop().text


def _groups(writer: Writer) -> tuple[tuple[Comment, ...], ...]:
    """What the writer could say: on the event, on the stage, in general."""
    fitting = [
        comment
        for comment in load_comments()
        if comment.language == writer.language and comment.band == writer.band
    ]
    return (
        tuple(c for c in fitting if c.story is not None and c.story == writer.story),
        tuple(c for c in fitting if c.story is None and writer.stage in c.stages),
        tuple(c for c in fitting if c.story is None and not c.stages),
    )
