"""Responses in the two shapes that `analytics.facts` declares, as Arrow tables.

The database looks each value up once, Arrow puts them together: 100,000 answers take about a
second, and no row is ever an object.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.facts import FACTS, MENTIONS
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey, SurveyVersion

SCORES = ("nps", "csat", "ces")
# A customer counts once, every anonymous response is its own respondent.
PERSON = sa.func.coalesce("c:" + Response.customer_key, "r:" + sa.cast(Response.id, sa.Text))
# Of surveys that promise anonymity, only what was released (`insights.releases`).
IS_NAMED = Response.survey_id.not_in(sa.select(Survey.id).where(Survey.anonymous.is_(True)))
IS_PUBLISHED = sa.or_(Response.released_week.is_not(None), IS_NAMED)
DAY = 86_400  # seconds
TEXT, WHOLE = pa.string(), pa.int64()
PART = 1000  # rows of the database at once
# The expression and the type of each column.
Columns = Mapping[str, tuple[sa.SQLColumnExpression[Any], pa.DataType]]


def rows(
    session: Session, where: sa.ColumnElement[bool], *, without: Collection[str] = ()
) -> tuple[pa.Table, pa.Table]:
    """The facts and the mentions of the counted, published responses that match, by response.

    A row per answered score and per comment; a row per mention of a theme in a comment. `without`
    are columns that nobody will ask for.
    """
    where = sa.and_(Response.counted.is_(True), IS_PUBLISHED, where)
    answers = _answers(session, where)
    responses = _with_surveys(session, _responses(session, where, without))
    responses = _with_comment_language(responses, answers)
    mentions = _mentions(session, where)
    return (
        _joined(answers, responses).select([one for one in FACTS.names if one not in without]),
        _joined(mentions, responses).select([one for one in MENTIONS.names if one not in without]),
    )


def _responses(
    session: Session, where: sa.ColumnElement[bool], without: Collection[str]
) -> pa.Table:
    day: sa.SQLColumnExpression[str] = sa.type_coerce(Response.day, sa.Text())  # SQLite's own form
    if _is_postgresql(session):
        day = sa.func.to_char(Response.day, "YYYY-MM-DD")
    columns: Columns = {
        "response": (Response.id, WHOLE),
        "workspace": (Response.workspace_id, WHOLE),
        "version_id": (Response.version_id, WHOLE),
        "month": (sa.func.substr(day, 1, 7), TEXT),
        "day": (day, pa.date32()),
        "received": (_microseconds(session), WHOLE),
        "orientation": (Response.orientation, TEXT),
        "person": (sa.cast(Response.workspace_id, sa.Text) + ":" + PERSON, TEXT),
        "country": (Response.country, TEXT),
        "region": (Response.region, TEXT),
        "language": (Response.locale, TEXT),
        "stage": (Response.stage, TEXT),
        "age_band": (Response.age_band, TEXT),
        "gender": (Response.gender, TEXT),
        "channel": (Response.channel, TEXT),
    }
    columns = {name: column for name, column in columns.items() if name not in without}
    found = _look_up(session, columns, sa.select().where(where).order_by(Response.id))
    return _replaced(found, "person", _numbers(found["person"].combine_chunks()))


def _answers(session: Session, where: sa.ColumnElement[bool]) -> pa.Table:
    is_comment = sa.and_(Answer.text.is_not(None), Response.has_comment.is_(True))
    columns: Columns = {
        "response": (Answer.response_id, WHOLE),
        "question": (Answer.question, TEXT),
        "metric": (sa.case((is_comment, "comment"), else_=Answer.kind), TEXT),
        "score": (sa.case((is_comment, None), else_=Answer.number), WHOLE),
        "sentiment": (CommentAnalysis.sentiment, TEXT),
        "read_language": (CommentAnalysis.language, TEXT),
    }
    is_analysed = sa.and_(
        CommentAnalysis.response_id == Answer.response_id,
        CommentAnalysis.question == Answer.question,
    )
    of = (
        sa.select()
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(CommentAnalysis, is_analysed)
        .where(where, sa.or_(is_comment, Answer.kind.in_(SCORES)))
        .order_by(Response.id, Answer.question)
    )
    return _look_up(session, columns, of)


def _mentions(session: Session, where: sa.ColumnElement[bool]) -> pa.Table:
    columns: Columns = {
        "response": (ThemeMention.response_id, WHOLE),
        "question": (ThemeMention.question, TEXT),
        "theme": (ThemeMention.theme, TEXT),
        "code": (ThemeMention.code, TEXT),
        "polarity": (ThemeMention.polarity, TEXT),
    }
    of = (
        sa.select()
        .select_from(Response)
        .join(ThemeMention, ThemeMention.response_id == Response.id)
        .where(where, Response.has_comment.is_(True))
        .order_by(Response.id)
    )
    return _look_up(session, columns, of)


def _look_up(session: Session, columns: Columns, of: sa.Select[Any]) -> pa.Table:
    statement = of.add_columns(*(column.label(name) for name, (column, _) in columns.items()))
    kinds = [kind for _, kind in columns.values()]
    # Rows live for a part only: many at once cost as much again to keep account of. And they are
    # the driver's own, since the columns say what they hold.
    cursor = session.connection().execute(statement).cursor
    chunks = []
    while cursor and (part := cursor.fetchmany(PART)):
        arrays = map(_array, zip(*part, strict=True), kinds)
        chunks.append(pa.table(list(arrays), names=list(columns)))
    empty = pa.table([_array((), kind) for kind in kinds], names=list(columns))
    return pa.concat_tables([empty, *chunks]).combine_chunks()


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(values, TEXT).cast(kind) if kind == pa.date32() else pa.array(values, kind)


def _with_surveys(session: Session, responses: pa.Table) -> pa.Table:
    """Which survey, of which kind and in which version, and whether it promises anonymity."""
    of_version = {
        version_id: told
        for version_id, *told in session.execute(
            sa.select(
                SurveyVersion.id,
                Survey.key,
                Survey.kind,
                SurveyVersion.number,
                Survey.anonymous,
            )
            .join(Survey, Survey.id == SurveyVersion.survey_id)
            .where(SurveyVersion.id.in_(responses["version_id"].unique().to_pylist()))
        )
    }
    place = pc.index_in(responses["version_id"], pa.array(of_version, WHOLE))
    told = list(zip(*of_version.values(), strict=True)) or [()] * 4
    names = {"survey": TEXT, "kind": TEXT, "version": WHOLE, "anonymous": pa.bool_()}
    for (name, kind), values in zip(names.items(), told, strict=True):
        responses = responses.append_column(name, pa.array(values, kind).take(place))
    return responses


def _with_comment_language(responses: pa.Table, answers: pa.Table) -> pa.Table:
    """That of a response's first comment that was read, for all its rows."""
    read = answers.filter(answers["read_language"].is_valid())
    of, first = np.unique(read["response"].to_numpy(), return_index=True)
    place = pc.index_in(responses["response"], pa.array(of, WHOLE))
    languages = read["read_language"].take(pa.array(first, WHOLE))
    return responses.append_column("comment_language", languages.take(place))


def _joined(parts: pa.Table, responses: pa.Table) -> pa.Table:
    """Each part with all that is known of its response."""
    place = pc.index_in(parts["response"], responses["response"])
    whole = responses.drop_columns("response").take(place)
    for name in parts.column_names:
        whole = whole.append_column(name, parts[name])
    return whole


def _numbers(texts: pa.Array) -> pa.Array:
    """A number for each text: 64 bits of BLAKE2b."""
    known = texts.dictionary_encode()
    hashes = (hashlib.blake2b(one.encode(), digest_size=8) for one in known.dictionary.to_pylist())
    numbers = [int.from_bytes(one.digest(), "little", signed=True) for one in hashes]
    return pa.array(numbers, WHOLE).take(known.indices)


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _microseconds(session: Session) -> sa.ColumnElement[int]:
    """When a response came, since 1970 in UTC; of an anonymous survey, when its week was over."""
    is_batch = Response.released_week.is_not(None)
    if _is_postgresql(session):
        over = sa.extract("epoch", Response.released_week) + DAY
        exact = sa.case((is_batch, over), else_=sa.extract("epoch", Response.received_at))
        return sa.cast(exact * 1_000_000, sa.BigInteger)
    text = sa.type_coerce(Response.received_at, sa.Text)  # 2026-03-10 12:00:00.000000
    seconds = sa.cast(sa.func.strftime("%s", text), sa.Integer)
    moment = seconds * 1_000_000 + sa.cast(sa.func.substr(text, 21, 6), sa.Integer)
    sunday = sa.type_coerce(Response.released_week, sa.Text)
    over = (sa.cast(sa.func.strftime("%s", sunday), sa.Integer) + DAY) * 1_000_000
    return sa.case((is_batch, over), else_=moment)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
