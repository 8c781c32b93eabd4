"""Learning from the score: a workspace with enough new pairs of comment and score is work to do.

A fit is undone where there are 100 pairs and, since the last one, a third more of them, another
engine, or 20 corrections. One workspace at a time, since a fit takes seconds, and after comments
that wait to be read. Counting pairs takes a while, so a look is remembered with the newest comment
that it saw: there are no more new pairs than new comments.

Where 100 pairs are of known customers only these teach; else everybody's do, within bounds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from survey_app.accounts.models import Workspace
from survey_app.insights.comments import analysis
from survey_app.insights.comments.learnt import (
    IS_KNOWN,
    MIN_PAIRS,
    count_corrections,
    count_pairs,
    lock,
    newest_analysed,
    newest_fit,
    note_look,
    pairs,
)
from survey_app.insights.comments.own_themes import make_unread
from survey_app.insights.models import (
    CommentAnalysis,
    CommentCorrection,
    LearningLook,
    LearntSentiment,
)
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

if TYPE_CHECKING:
    from nlp.encoder import Encoder
    from nlp.learning import Learnt, Pair

CORRECTIONS = 20
KEPT_VERSIONS = 5
# What is read at most: the newest pairs, and of them so many code points, which bound the memory.
MOST_PAIRS = 20_000
MOST_WITH_ENCODER = 2_000  # it reads a hundred a second
MOST_READ = 1_000_000
READ_OF_EACH = 2_000  # sentiment is told by then
# Of one customer so many answers teach: one fewer than texts that an n-gram needs.
MOST_OF_ONE = 4
# How much a person's word counts beside a score.
CORRECTION_WEIGHT = 5.0


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learnt after a version of a workspace's fits; None where it was too early."""

    workspace_id: int
    after: int
    pairs: int
    engine_version: str
    learnt: "Learnt | None"
    known: bool = False


def kind_of(encoder: "Encoder | None") -> str:
    """The kind of the work; what broke one engine is tried again with the next."""
    return f"learn_sentiment {nlp.engine_version(encoder)}"


def find_undone(session: Session, limit: int, *, encoder: "Encoder | None" = None) -> Sequence[int]:
    """At most one workspace that may have enough new pairs, once no comment waits."""
    most = LearningLook.pairs + newest_analysed(session) - LearningLook.up_to
    found = session.scalars(
        sa.select(Workspace.id)
        .outerjoin(LearningLook, LearningLook.workspace_id == Workspace.id)
        .where(
            sa.or_(
                sa.func.coalesce(most, newest_analysed(session))
                >= sa.func.coalesce(LearningLook.due_pairs, MIN_PAIRS),
                _has_changed(nlp.engine_version(encoder)),
            ),
            ~sa.exists().where(Job.kind == kind_of(encoder), Job.subject == Workspace.id),
        )
        .order_by(LearningLook.up_to.nulls_first())
        .limit(min(limit, 1))
    ).all()
    if found and (
        _is_reading(session, encoder) or analysis.find_unread(session, 1, encoder=encoder)
    ):
        return []
    return found


def _has_changed(engine_version: str) -> sa.ColumnElement[bool]:
    """Whether a workspace has learnt, but on another engine or with other corrections."""
    fits = sa.exists().where(LearntSentiment.workspace_id == Workspace.id)
    of_engine = fits.where(LearntSentiment.engine_version == engine_version)
    corrections = count_corrections().where(CommentCorrection.workspace_id == Workspace.id)
    change = sa.func.abs(corrections.scalar_subquery() - LearningLook.corrections)
    return sa.and_(fits, sa.or_(~of_engine, change >= CORRECTIONS))


def _is_reading(session: Session, encoder: "Encoder | None") -> bool:
    kind = analysis.kind_of(encoder)
    waits = sa.exists().where(Job.kind == kind, Job.quarantined_at.is_(None))
    return bool(session.scalar(sa.select(waits)))


def read(
    session: Session, workspace_ids: Sequence[int], *, encoder: "Encoder | None" = None
) -> list[Fit]:
    """Count the pairs of these workspaces, and learn where there are enough; stores nothing."""
    version = nlp.engine_version(encoder)
    found = []
    for workspace_id in workspace_ids:
        last = newest_fit(session, workspace_id)
        count = count_pairs(session, workspace_id)
        learnt, known = None, False
        if _is_due(session, workspace_id, count=count, version=version):
            # Late: SciPy's optimiser and statistics, for workers that learn.
            from nlp.learning import learn  # noqa: PLC0415 - as said above

            most = MOST_PAIRS if encoder is None else MOST_WITH_ENCODER
            material = _newest_pairs(session, workspace_id, most=most, known=True)
            known = len(material) >= MIN_PAIRS
            if not known:
                material = _newest_pairs(session, workspace_id, most=most, known=False)
            learnt = learn(material, seed=workspace_id, encoder=encoder, known=known)
        after = last.version if last else 0
        found.append(Fit(workspace_id, after, count, version, learnt, known))
    return found


def _is_due(session: Session, workspace_id: int, *, count: int, version: str) -> bool:
    look = sa.outerjoin(Workspace, LearningLook, LearningLook.workspace_id == Workspace.id)
    is_more = count >= sa.func.coalesce(LearningLook.due_pairs, MIN_PAIRS)
    is_due = sa.or_(is_more, _has_changed(version))
    own = sa.select(is_due).select_from(look).where(Workspace.id == workspace_id)
    return bool(session.scalar(own))


def _newest_pairs(session: Session, workspace_id: int, *, most: int, known: bool) -> "list[Pair]":
    from nlp.learning import Pair  # noqa: PLC0415 - as above

    text = sa.func.substr(Answer.text, 1, READ_OF_EACH)
    corrected = CommentCorrection.sentiment.label("corrected")
    asked = pairs(workspace_id, text, CommentAnalysis.language, corrected, Response.customer_key)
    asked = asked.where(IS_KNOWN) if known else asked
    newest = asked.order_by(Response.id.desc()).limit(most).execution_options(yield_per=1000)
    found, read, told = [], 0, Counter[str]()
    with session.execute(newest) as rows:
        for written, language, is_corrected, customer, said in rows:
            if customer and not is_corrected:
                told[customer] += 1
                if told[customer] > MOST_OF_ONE:
                    continue
            weight = CORRECTION_WEIGHT if is_corrected else 1.0
            found.append(Pair(written, language, said, weight))
            read += len(written)
            if read > MOST_READ:
                break
    return found


def store(session: Session, fits: Sequence[Fit], now: datetime) -> None:
    """Keep what was learnt; comments are read again where another fit is in use from now on.

    What was learnt after a version that is not the last one any more is dropped.
    """
    for one in fits:
        if not lock(session, one.workspace_id):
            continue
        last = newest_fit(session, one.workspace_id)
        if (last.version if last else 0) != one.after:
            continue
        note_look(session, one.workspace_id, one.pairs, has_learnt=one.learnt is not None)
        if one.learnt is None:
            continue
        was_in_use = last and last.in_use and last.engine_version == one.engine_version
        _keep(session, one, one.learnt, now)
        if was_in_use or one.learnt.tuning:
            make_unread(session, one.workspace_id)


def _keep(session: Session, one: Fit, learnt: "Learnt", now: datetime) -> None:
    """The new version, in use where it won; older ones are not, and the oldest go."""
    of_workspace = LearntSentiment.workspace_id == one.workspace_id
    session.execute(sa.update(LearntSentiment).where(of_workspace).values(in_use=False))
    session.execute(
        sa.delete(LearntSentiment).where(
            of_workspace, LearntSentiment.version <= one.after + 1 - KEPT_VERSIONS
        )
    )
    session.add(
        LearntSentiment(
            workspace_id=one.workspace_id,
            version=one.after + 1,
            weights=learnt.tuning.to_bytes() if learnt.tuning else None,
            pairs=learnt.pairs,
            held_back=learnt.held_back,
            known=one.known,
            refusal=learnt.refusal,
            before=learnt.before,
            after=learnt.after,
            engine_version=one.engine_version,
            fitted_at=now,
            in_use=learnt.tuning is not None,
        )
    )
