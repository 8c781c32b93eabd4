"""A workspace's own themes: words and phrases, or one RE2 pattern, under a name of its own.

Nothing here commits. Whoever changes what a theme finds makes the workspace's comments unread, so
that the worker reads them again; what was found before stays until then.
"""

import hashlib
import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from survey_app.accounts.models import Workspace
from survey_app.errors import N_, Conflict, FieldError, Invalid, NotFound
from survey_app.insights.comments.marks import Mention, Piece, pieces
from survey_app.insights.comments.readable import comments, is_open
from survey_app.insights.lake.facts import PERSON
from survey_app.insights.models import CommentCorrection, OwnTheme, ThemeMention
from survey_app.insights.theme_names import THEMES
from survey_app.responses.models import Answer, Response

if TYPE_CHECKING:
    from nlp.own_themes import OwnThemes

log = logging.getLogger(__name__)
PREFIX = "theme.own."
MAX_NAME = 60
SEARCHED = 2000  # comments that a preview searches
HITS = 10
# Own themes by code, with their words or, else, their pattern.
Definitions = tuple[tuple[str, tuple[str, ...], str], ...]
# What `nlp` can't search for, by its reason.
REASONS: Mapping[str, str] = {
    "phrase.form": N_("“%(text)s” is no word or phrase of 1 to %(most)s characters."),
    "phrase.stem": N_(
        "“%(text)s” finds too much: write at least %(least)s letters before the star."
    ),
    "phrase.star": N_("“%(text)s”: a star stands at the end of a word only."),
    "phrase.twice": N_("“%(text)s” stands there twice."),
    "words.many": N_("Write at most %(most)s words or phrases, one a line."),
    "pattern.length": N_("A pattern has at most %(most)s characters."),
    "pattern.nothing": N_("This pattern fits every comment: write a+ instead of a*."),
    "pattern.size": N_("This pattern is too large: repeat less, or make several themes of it."),
    "pattern.reference": N_("RE2 has no look-around and no references to groups."),
    "pattern.form": N_(
        "This pattern is not complete: close every bracket, and write a backslash before signs "
        "that stand for themselves."
    ),
}
JOINERS = "\u200c\u200d"  # can't be seen, and names in Persian and Hindi need them


@dataclass(frozen=True, slots=True)
class Draft:
    """An own theme as it would be kept: words, or a pattern."""

    name: str
    words: tuple[str, ...]
    pattern: str | None

    @property
    def definitions(self) -> Definitions:
        """What it would search for."""
        return ((f"{PREFIX}draft", self.words, self.pattern or ""),)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft finds in the newest comments: how many of them, and the first ones in pieces.

    `hits` is None where too few people wrote to show what they did.
    """

    searched: int
    found: int
    hits: Sequence[Sequence[Piece]] | None


def theme_of(code: str) -> str:
    """The theme that a part belongs to; an own theme has no parts."""
    return code if code.startswith(PREFIX) else ".".join(code.split(".")[:2])


def own_themes(session: Session, workspace_id: int) -> Sequence[OwnTheme]:
    """The workspace's own themes, by name."""
    own = sa.select(OwnTheme).where(OwnTheme.workspace_id == workspace_id)
    return session.scalars(own.order_by(sa.func.lower(OwnTheme.name), OwnTheme.id)).all()


def own_names(session: Session, workspace_id: int) -> dict[str, str]:
    """The names of the workspace's own themes, by code."""
    return {theme.code: theme.name for theme in own_themes(session, workspace_id)}


def known_themes(session: Session, workspace_id: int) -> set[str]:
    """The codes of all themes and parts that a comment of the workspace may speak of."""
    return {*THEMES, *own_names(session, workspace_id)}


def find_own_theme(session: Session, workspace_id: int, code: str) -> OwnTheme:
    """One own theme. Raises NotFound."""
    found = session.scalar(
        sa.select(OwnTheme).where(OwnTheme.workspace_id == workspace_id, OwnTheme.code == code)
    )
    if found is None:
        raise NotFound("theme.unknown", N_("There is no such theme."))
    return found


def read_draft(*, name: str, words: str, pattern: str) -> Draft:
    """A draft from what a person typed: one word or phrase a line, or a pattern.

    Raises Invalid, naming the field: `name`, `words` or `pattern`.
    """
    name = " ".join(name.split())
    lines = (" ".join(line.split()) for line in words.splitlines())
    listed = {line.casefold(): line for line in lines if line}
    draft = Draft(name, tuple(listed.values()), pattern.strip() or None)
    wrong = _wrong_fields(draft)
    if not wrong:
        try:
            compiled(draft.definitions)
        except nlp.TaxonomyError as error:
            message = REASONS.get(error.reason, N_("We can't search with this."))
            field = "pattern" if draft.pattern else "words"
            wrong.append(FieldError(field, error.reason, message, error.values))
    if wrong:
        raise Invalid(
            "theme.invalid",
            N_("This theme can't be kept."),
            hint=N_("Look at what is said beside the fields."),
            errors=wrong,
        )
    return draft


def _wrong_fields(draft: Draft) -> list[FieldError]:
    wrong = []
    if not (draft.name.strip(JOINERS) and len(draft.name) <= MAX_NAME and _is_visible(draft.name)):
        message = N_("A name has 1 to %(most)s characters that can be seen.")
        wrong.append(FieldError("name", "theme.name", message, {"most": MAX_NAME}))
    if bool(draft.words) == bool(draft.pattern):
        message = N_("Write words, or a pattern; not both.")
        wrong.append(FieldError("words", "theme.words", message))
    hidden = N_("There are characters here that can't be seen.")
    if not all(map(_is_visible, draft.words)):
        wrong.append(FieldError("words", "theme.words", hidden))
    if not _is_visible(draft.pattern or ""):
        wrong.append(FieldError("pattern", "theme.pattern", hidden))
    return wrong


def _is_visible(text: str) -> bool:
    """Whether nothing in it hides, turns the line around or can't be stored."""
    return all(sign in JOINERS or unicodedata.category(sign)[0] not in "C" for sign in text)


def create_own_theme(
    session: Session, workspace: Workspace, draft: Draft, *, now: datetime
) -> OwnTheme:
    """Keep a new own theme. Raises Conflict for a name that is taken and for one too many."""
    _lock(session, workspace)
    known = own_themes(session, workspace.id)
    if len(known) >= nlp.MAX_OWN_THEMES:
        raise Conflict(
            "theme.many",
            N_("A workspace has at most %(most)s themes of its own."),
            hint=N_("Delete one first."),
            most=nlp.MAX_OWN_THEMES,
        )
    _check_name(draft.name, [theme.name for theme in known])
    theme = OwnTheme(
        workspace_id=workspace.id,
        code=_code(draft.name, {theme.code for theme in known}),
        name=draft.name,
        words=list(draft.words),
        pattern=draft.pattern,
        created_at=now,
    )
    session.add(theme)
    make_unread(session, workspace.id)
    return theme


def change_own_theme(session: Session, workspace: Workspace, code: str, draft: Draft) -> OwnTheme:
    """Change name, words or pattern; the code stays. Raises NotFound, Conflict."""
    _lock(session, workspace)
    theme = find_own_theme(session, workspace.id, code)
    others = [one.name for one in own_themes(session, workspace.id) if one.code != code]
    _check_name(draft.name, others)
    theme.name = draft.name
    if (tuple(theme.words), theme.pattern) != (draft.words, draft.pattern):
        theme.words, theme.pattern = list(draft.words), draft.pattern
        make_unread(session, workspace.id)
    return theme


def delete_own_theme(session: Session, workspace: Workspace, code: str) -> str:
    """Forget an own theme, also where it was found or corrected; returns its name.

    Raises NotFound.
    """
    _lock(session, workspace)
    theme = find_own_theme(session, workspace.id, code)
    session.execute(
        sa.delete(ThemeMention).where(
            ThemeMention.workspace_id == workspace.id, ThemeMention.code == code
        )
    )
    session.delete(theme)
    make_unread(session, workspace.id)
    _forget_in_corrections(session, workspace.id, code)
    return theme.name


def _forget_in_corrections(session: Session, workspace_id: int, code: str) -> None:
    """A later theme of the same code has nothing to do with what people said of this one.

    To be called when the responses are locked, since whoever corrects locks them first.
    """
    own = sa.select(CommentCorrection).where(CommentCorrection.workspace_id == workspace_id)
    for one in session.scalars(own.execution_options(populate_existing=True)):
        if one.themes and code in one.themes:
            one.themes = {name: said for name, said in one.themes.items() if name != code}


def make_unread(session: Session, workspace_id: int) -> None:
    """Have the worker read all comments of the workspace again.

    Unread ones are written too: who is just reading one with the old themes must be waited for.
    """
    session.execute(
        sa.update(Response)
        .where(Response.workspace_id == workspace_id, Response.has_comment.is_(True))
        .values(analysed_version=None)
    )


def preview(session: Session, workspace: Workspace, draft: Draft) -> Preview:
    """Search the workspace's newest comments as the draft would."""
    rows = session.execute(
        comments(Answer.text, PERSON)
        .where(Response.workspace_id == workspace.id, Response.counted.is_(True))
        .order_by(Response.day.desc(), Response.id.desc())
        .limit(SEARCHED)
    ).all()
    if not is_open(len({person for _, person in rows}), workspace):
        return Preview(0, 0, None)
    search = compiled(draft.definitions)
    found = 0
    hits: list[list[Piece]] = []
    for text, _ in rows:
        mentions = search.mentions(text or "")
        found += bool(mentions)
        if mentions and len(hits) < HITS:
            marked = [Mention(one.code, None, one.start, one.end) for one in mentions]
            hits.append(pieces(text or "", marked))
    return Preview(len(rows), found, hits)


def definitions(session: Session, workspace_id: int) -> Definitions:
    """What the workspace's own themes search for: equal where they find the same.

    One that was kept by another version, and can't be searched for by this one, is left out, so
    that the workspace's comments are read all the same.
    """
    themes = own_themes(session, workspace_id)
    found = sorted((one.code, tuple(one.words), one.pattern or "") for one in themes)
    return tuple(one for one in found if _is_searchable((one,)))


@lru_cache(maxsize=1024)
def _is_searchable(theme: Definitions) -> bool:
    try:
        compiled(theme)
    except nlp.TaxonomyError as error:
        log.warning("an own theme is left out: %s", error.hint)
        return False
    return True


@lru_cache(maxsize=64)
def compiled(themes: Definitions) -> "OwnThemes":
    """The themes as `nlp` searches for them; once a process for each content.

    Raises nlp.TaxonomyError for what can't be searched for.
    """
    from nlp.own_themes import OwnTheme, OwnThemes  # noqa: PLC0415 - RE2 and spaCy, for few pages

    return OwnThemes(
        [OwnTheme(code, words=words, pattern=pattern or None) for code, words, pattern in themes]
    )


def _lock(session: Session, workspace: Workspace) -> None:
    """Let the workspace's themes change one after the other; its answers still come in."""
    own = sa.select(Workspace.id).where(Workspace.id == workspace.id)
    session.execute(own.with_for_update(key_share=True))


def _check_name(name: str, others: Sequence[str]) -> None:
    same = [*others, *(THEMES[code] for code in THEMES if code.count(".") == 1)]
    if name.casefold() in (other.casefold() for other in same):
        raise Conflict(
            "theme.exists",
            N_("There is a theme of this name already."),
            hint=N_("Choose another name, or change that theme."),
        )


def _code(name: str, known: set[str]) -> str:
    """`theme.own.` and the name's letters a to z and digits, or a hash where there are none."""
    slug = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    if not slug[:1].isalpha():
        slug = f"t_{slug or hashlib.sha256(name.encode()).hexdigest()[:8]}"
    codes = (f"{PREFIX}{slug}{number}" for number in ("", *range(2, nlp.MAX_OWN_THEMES + 2)))
    return next(code for code in codes if code not in known)
