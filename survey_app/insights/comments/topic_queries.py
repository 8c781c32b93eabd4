"""Emerging topics for people to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nlp.stems import STEM
from survey_app.accounts.models import Workspace
from survey_app.insights.comments.readable import comments
from survey_app.insights.models import EmergingTopic, TopicExample, TopicSearch
from survey_app.responses.models import Answer

SHOWN = 12


@dataclass(frozen=True, slots=True)
class ShownTopic:
    """A topic that enough people speak of.

    Attributes:
        words: by language its most telling words.
        now, before: how many of 100 comments in its languages speak of it, in either period.
        comments: how many do in the later one.
        grew: beyond chance.
        examples: its most typical comments.
    """

    words: Mapping[str, Sequence[str]]
    now: float
    before: float
    comments: int
    grew: bool
    examples: Sequence[str]

    @property
    def name(self) -> str:
        """Its most telling words."""
        return " · ".join(word for words in self.words.values() for word in words[:3])

    @property
    def stems(self) -> Sequence[str]:
        """Its words as an own theme is written with them: as the search compared them."""
        words = dict.fromkeys(word for own in self.words.values() for word in own)
        return [f"{word[:STEM]}*" if len(word) > STEM else word for word in words]


@dataclass(frozen=True, slots=True)
class Topics:
    """What the last search found; None in `searched_at` where there was none yet."""

    searched_at: datetime | None
    unexplained: int
    topics: Sequence[ShownTopic]


def shown_topics(session: Session, workspace: Workspace) -> Topics:
    """The topics that at least as many people speak of as the floor of comments asks for."""
    search = session.get(TopicSearch, workspace.id)
    if search is None:
        return Topics(None, 0, ())
    topics = session.scalars(
        sa.select(EmergingTopic)
        .where(
            EmergingTopic.workspace_id == workspace.id,
            EmergingTopic.respondents >= workspace.comment_floor,
        )
        .order_by(EmergingTopic.place)
        .limit(SHOWN)
    ).all()
    examples = _examples(session, [topic.id for topic in topics])
    return Topics(
        search.searched_at,
        search.unexplained,
        [
            ShownTopic(
                words=topic.words,
                now=100 * topic.comments / max(topic.of, 1),
                before=100 * topic.comments_before / max(topic.of_before, 1),
                comments=topic.comments,
                grew=topic.grew,
                examples=examples.get(topic.id, ()),
            )
            for topic in topics
        ],
    )


def _examples(session: Session, topic_ids: Sequence[int]) -> dict[int, list[str]]:
    example = sa.and_(
        TopicExample.response_id == Answer.response_id, TopicExample.question == Answer.question
    )
    rows = session.execute(
        comments(TopicExample.topic_id, Answer.text)
        .join(TopicExample, example)
        .where(TopicExample.topic_id.in_(topic_ids))
        .order_by(TopicExample.topic_id, TopicExample.place)
    )
    found: dict[int, list[str]] = {}
    for topic_id, text in rows:
        found.setdefault(topic_id, []).append(text or "")
    return found
