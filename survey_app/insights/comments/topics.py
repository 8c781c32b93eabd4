"""Searching for topics that no theme explains: a workspace with enough newly read comments.

A search is undone where none was made for a day and, since the last one, 100 comments of the
workspace were read. One workspace at a time, and after comments that wait to be read. What it
finds replaces what was found before.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import zone_of
from survey_app.insights.comments import analysis
from survey_app.insights.comments.readable import comments
from survey_app.insights.comments.schemas import Place
from survey_app.insights.lake.facts import PERSON
from survey_app.insights.models import (
    CommentAnalysis,
    EmergingTopic,
    ThemeMention,
    TopicExample,
    TopicSearch,
)
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

if TYPE_CHECKING:
    from nlp.encoder import Encoder
    from nlp.topics import Topic

REST = timedelta(days=1)
FEWEST_READ = 100
DAYS, DAYS_BEFORE = 30, 90
MOST_COMMENTS = 10_000  # of either period, the newest
MOST_TOPICS = 20
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A topic, how many people speak of it, and its most typical comments."""

    topic: "Topic"
    respondents: int
    examples: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What was found among a workspace's comments, and how many of them no theme explains.

    `redacted`: whether the workspace had personal data taken out when they were read.
    """

    workspace_id: int
    redacted: bool
    unexplained: int
    unexplained_before: int
    topics: tuple[Told, ...]


def kind_of(encoder: "Encoder | None") -> str:
    """The kind of the work; what broke one engine is tried again with the next."""
    return f"find_topics {nlp.engine_version(encoder)}"


def find_undone(
    session: Session, limit: int, *, now: datetime, encoder: "Encoder | None" = None
) -> Sequence[int]:
    """At most one workspace whose comments are to be searched, once no comment waits."""
    reading = sa.exists().where(Job.kind == analysis.kind_of(encoder), Job.quarantined_at.is_(None))
    if analysis.find_unread(session, 1, encoder=encoder) or session.scalar(sa.select(reading)):
        return []
    # Walks along an index, for each workspace 100 entries at most.
    enough = (
        sa.select(sa.literal(1))
        .where(
            CommentAnalysis.workspace_id == Workspace.id,
            CommentAnalysis.analysed_at
            > sa.func.coalesce(TopicSearch.searched_at, Workspace.created_at),
        )
        .offset(FEWEST_READ - 1)
        .limit(1)
        .correlate(Workspace, TopicSearch)
    )
    return session.scalars(
        sa.select(Workspace.id)
        .outerjoin(TopicSearch, TopicSearch.workspace_id == Workspace.id)
        .where(
            sa.or_(TopicSearch.searched_at.is_(None), TopicSearch.searched_at < now - REST),
            enough.exists(),
            ~sa.exists().where(Job.kind == kind_of(encoder), Job.subject == Workspace.id),
        )
        .order_by(TopicSearch.searched_at.nulls_first(), Workspace.id)
        .limit(min(limit, 1))
    ).all()


def read(
    session: Session,
    workspace_ids: Sequence[int],
    *,
    now: datetime,
    encoder: "Encoder | None" = None,
) -> list[Search]:
    """Search the comments of these workspaces; stores nothing."""
    # Late: SciPy's statistics, for workers that search.
    from nlp.topics import find_topics  # noqa: PLC0415 - as said above

    found = []
    workspaces = session.scalars(sa.select(Workspace).where(Workspace.id.in_(workspace_ids)))
    for workspace in workspaces:
        today = now.astimezone(zone_of(workspace)).date()
        start = today - timedelta(days=DAYS - 1)
        before = start - timedelta(days=DAYS_BEFORE)
        rows = [
            *_comments(session, workspace.id, start, today),
            *_comments(session, workspace.id, before, start - timedelta(days=1)),
        ]
        spans = _explained(session, workspace.id, before)
        explained = [spans.get((row.response_id, row.question), ()) for row in rows]
        topics = find_topics(
            [row.text for row in rows],
            [row.language for row in rows],
            explained,
            is_now=[row.day >= start for row in rows],
            vectors=encoder.vectors if encoder else None,
        )
        rest = [row.day >= start for row, of in zip(rows, explained, strict=True) if not of]
        told = tuple(_told(topic, rows) for topic in topics[:MOST_TOPICS])
        found.append(Search(workspace.id, workspace.redact, sum(rest), len(rest) - sum(rest), told))
    return found


def _comments(session: Session, workspace_id: int, first: date, last: date) -> Sequence[Any]:
    """The newest read comments of these days that may be shown."""
    return session.execute(
        comments(
            Answer.response_id,
            Answer.question,
            Answer.text,
            CommentAnalysis.language,
            Response.day,
            PERSON.label("person"),
        )
        .where(
            Response.workspace_id == workspace_id,
            Response.day.between(first, last),
            Response.counted.is_(True),
            CommentAnalysis.language.is_not(None),
        )
        .order_by(Response.day.desc(), Response.id.desc(), Answer.question)
        .limit(MOST_COMMENTS)
    ).all()


def _explained(
    session: Session, workspace_id: int, first: date
) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """By comment since a day the places where themes are spoken of."""
    found: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    rows = session.execute(
        sa.select(
            ThemeMention.response_id, ThemeMention.question, ThemeMention.start, ThemeMention.end
        )
        .join(Response, Response.id == ThemeMention.response_id)
        .where(Response.workspace_id == workspace_id, Response.day >= first)
    )
    for response_id, question, start, end in rows:
        found[response_id, question].append((start, end))
    return found


def _told(topic: "Topic", rows: Sequence[Any]) -> Told:
    """With the most typical comments of as many people."""
    typical: dict[str, Place] = {}
    for member in topic.members:
        row = rows[member]
        typical.setdefault(row.person, Place(row.response_id, row.question))
    return Told(topic, len(typical), tuple(islice(typical.values(), EXAMPLES)))


def store(session: Session, found: Sequence[Search], now: datetime) -> None:
    """Replace what was found before. Examples that were erased meanwhile are passed over.

    So is a search of texts from which the workspace wants personal data taken out since.
    """
    ids = [search.workspace_id for search in found]
    workspaces = session.scalars(
        sa.select(Workspace).where(Workspace.id.in_(ids)).with_for_update(read=True)
    )
    redact = {workspace.id: workspace.redact for workspace in workspaces}
    session.execute(sa.delete(TopicSearch).where(TopicSearch.workspace_id.in_(ids)))
    for search in found:
        if redact.get(search.workspace_id) != search.redacted:
            continue
        session.add(
            TopicSearch(
                workspace_id=search.workspace_id,
                searched_at=now,
                unexplained=search.unexplained,
                unexplained_before=search.unexplained_before,
            )
        )
        topics = [
            _topic_row(search.workspace_id, place, told) for place, told in enumerate(search.topics)
        ]
        session.flush()  # the search before its topics, of which there is no relationship
        session.add_all(topics)
        session.flush()  # numbers the topics
        _store_examples(session, search, [topic.id for topic in topics])


def _topic_row(workspace_id: int, place: int, told: Told) -> EmergingTopic:
    topic = told.topic
    return EmergingTopic(
        workspace_id=workspace_id,
        place=place,
        words={code: list(words) for code, words in topic.words.items()},
        comments=topic.now,
        comments_before=topic.before,
        of=topic.all_now,
        of_before=topic.all_before,
        p_value=topic.p_value,
        grew=topic.grew,
        respondents=told.respondents,
    )


def _store_examples(session: Session, search: Search, topic_ids: Sequence[int]) -> None:
    wanted = {example.response_id for told in search.topics for example in told.examples}
    there = {
        (response_id, question)
        for response_id, question in session.execute(
            sa.select(Answer.response_id, Answer.question).where(
                Answer.workspace_id == search.workspace_id, Answer.response_id.in_(wanted)
            )
        )
    }
    rows = [
        {
            "topic_id": topic_id,
            "response_id": example.response_id,
            "question": example.question,
            "workspace_id": search.workspace_id,
            "place": place,
        }
        for topic_id, told in zip(topic_ids, search.topics, strict=True)
        for place, example in enumerate(told.examples)
        if (example.response_id, example.question) in there
    ]
    if rows:
        session.execute(sa.insert(TopicExample), rows)
