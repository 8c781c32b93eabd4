"""What a workspace's own scores taught: which fit is in use, what to show of it, forgetting it.

A fit is of one workspace and of one engine: on other weights it says nothing. Nothing here commits.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

import nlp
from nlp.errors import ModelError
from survey_app.accounts.models import Workspace
from survey_app.insights.comments.own_themes import make_unread
from survey_app.insights.comments.readable import comments
from survey_app.insights.models import (
    CommentAnalysis,
    CommentCorrection,
    LearningLook,
    LearntSentiment,
)
from survey_app.responses.models import Answer, Response

if TYPE_CHECKING:
    from nlp.tuning import Tuning

log = logging.getLogger(__name__)

# A signed token or an import says who wrote it, or a person looked at it. A channel or a claimed id
# says nothing.
IS_KNOWN = sa.or_(
    Response.customer_source != "claim",
    Response.import_id.is_not(None),
    CommentCorrection.sentiment.is_not(None),
)
MIN_PAIRS = 100  # as `nlp.learning` has it, whose import takes SciPy's optimiser along
# The highest scores that are negative, and neutral; what is above is positive.
CLASSES: Mapping[str, tuple[int, int]] = {"nps": (6, 8), "csat": (2, 3), "ces": (3, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningState:
    """What an owner wants to know: how many pairs there are, and what was learnt from them.

    Of the pairs `known` are of known customers, or corrected; with `least` of these only they
    teach. `needed` pairs are what the next fit waits for. `fit` is the newest one, in use or not.
    """

    pairs: int
    known: int
    needed: int
    fit: LearntSentiment | None
    least: int = MIN_PAIRS


def score_class() -> sa.ScalarSelect[Any]:
    """The sentiment that a response's own scores say, or null: none, or scores that disagree."""
    score = aliased(Answer)
    number = score.number
    told = sa.case(
        *(
            (sa.and_(score.kind == kind, number <= most), label)
            for kind, bounds in CLASSES.items()
            for most, label in zip(bounds, ("negative", "neutral"), strict=True)
        ),
        else_="positive",
    )
    return (
        sa.select(sa.case((sa.func.min(told) == sa.func.max(told), sa.func.min(told))))
        .where(score.response_id == Response.id, score.kind.in_(CLASSES), score.number.is_not(None))
        .correlate(Response)
        .scalar_subquery()
    )


def pairs(workspace_id: int, *columns: Any) -> sa.Select[Any]:
    """A row per comment to learn from, in a language that is scored, with what is said of it.

    Of counted, complete responses whose comments may be read: those with a score, or with a
    sentiment that a person gave.
    """
    corrected = sa.and_(
        CommentCorrection.response_id == Answer.response_id,
        CommentCorrection.question == Answer.question,
    )
    said = sa.func.coalesce(CommentCorrection.sentiment, score_class())
    return (
        comments(*columns, said.label("said"))
        .outerjoin(CommentCorrection, corrected)
        .where(
            Response.workspace_id == workspace_id,
            Response.counted.is_(True),
            Response.status == "complete",
            CommentAnalysis.language.in_(nlp.SCORED_LANGUAGES),
            said.is_not(None),
        )
    )


def count_pairs(session: Session, workspace_id: int, *, known: bool = False) -> int:
    """How many pairs there are to learn from, of anybody or of known customers."""
    asked = pairs(workspace_id, Response.id)
    found = (asked.where(IS_KNOWN) if known else asked).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0


def newest_fit(session: Session, workspace_id: int) -> LearntSentiment | None:
    """The workspace's last fit, whether it was kept or not."""
    return session.scalar(
        sa.select(LearntSentiment)
        .where(LearntSentiment.workspace_id == workspace_id)
        .order_by(LearntSentiment.version.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def version_in_use(session: Session, workspace_id: int, engine_version: str) -> int | None:
    """The version of the fit that comments are read with; None for the packaged model alone."""
    found: int | None = session.scalar(
        _in_use(LearntSentiment.version, workspace_id, engine_version)
    )
    return found


def tuning_in_use(session: Session, workspace_id: int, engine_version: str) -> "Tuning | None":
    """The fit itself. One that can't be read is passed over: comments are read without it."""
    weights = session.scalar(_in_use(LearntSentiment.weights, workspace_id, engine_version))
    if weights is None:
        return None
    from nlp.tuning import Tuning  # noqa: PLC0415 - SciPy, for workspaces that have learnt

    try:
        return Tuning.from_bytes(weights)
    except ModelError as error:
        log.warning("the learnt model of workspace %d is passed over: %s", workspace_id, error)
        return None


def _in_use(column: Any, workspace_id: int, engine_version: str) -> sa.Select[Any]:
    return sa.select(column).where(
        LearntSentiment.workspace_id == workspace_id,
        LearntSentiment.in_use.is_(True),
        LearntSentiment.engine_version == engine_version,
    )


def learning_state(session: Session, workspace: Workspace) -> LearningState:
    """What there is to show."""
    look = session.get(LearningLook, workspace.id)
    return LearningState(
        pairs=count_pairs(session, workspace.id),
        known=count_pairs(session, workspace.id, known=True),
        needed=look.due_pairs if look else MIN_PAIRS,
        fit=newest_fit(session, workspace.id),
    )


def forget_learnt(session: Session, workspace: Workspace) -> None:
    """Delete every fit of the workspace and have its comments read without.

    The next one waits until there are a third more pairs than now.
    """
    lock(session, workspace.id)
    used = session.scalars(
        sa.delete(LearntSentiment)
        .where(LearntSentiment.workspace_id == workspace.id)
        .returning(LearntSentiment.in_use)
    ).all()
    note_look(session, workspace.id, count_pairs(session, workspace.id), has_learnt=True)
    if any(used):
        make_unread(session, workspace.id)


def note_look(session: Session, workspace_id: int, count: int, *, has_learnt: bool) -> None:
    """Remember how many pairs there are; once learnt from, the next fit waits for a third more."""
    look = session.get(LearningLook, workspace_id)
    due, corrections = (look.due_pairs, look.corrections) if look else (MIN_PAIRS, 0)
    if has_learnt:
        due = max(MIN_PAIRS, -(-count * 4 // 3))
        own = count_corrections().where(CommentCorrection.workspace_id == workspace_id)
        corrections = session.scalar(own) or 0
    session.merge(
        LearningLook(
            workspace_id=workspace_id,
            pairs=count,
            up_to=newest_analysed(session),
            due_pairs=due,
            corrections=corrections,
        )
    )


def count_corrections() -> sa.Select[int]:
    """How many comments' sentiment people have corrected, in any workspace."""
    return (
        sa.select(sa.func.count())
        .select_from(CommentCorrection)
        .where(CommentCorrection.sentiment.is_not(None))
    )


def newest_analysed(session: Session) -> int:
    """The highest id of a response whose comment was read; 0 for none."""
    return session.scalar(sa.select(sa.func.max(CommentAnalysis.response_id))) or 0


def lock(session: Session, workspace_id: int) -> bool:
    """Let the workspace's fits change one after the other; False where it is gone."""
    own = sa.select(Workspace.id).where(Workspace.id == workspace_id)
    return session.scalar(own.with_for_update()) is not None
