"""How often comments speak of each theme and part, as the floor lets it be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

import analytics
from analytics import Period
from analytics.scope import Scope
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.comments.readable import floor_of
from survey_app.insights.lake.facts import PERSON
from survey_app.insights.lake.reading import Source
from survey_app.insights.models import ThemeMention
from survey_app.insights.queries import in_scope
from survey_app.responses.models import Response

DAYS = 90


@dataclass(frozen=True, slots=True)
class Spoken:
    """What comments of relational surveys spoke of in a period.

    Attributes:
        themes: a row per whole theme, the most frequent first, suppressed.
        mentions: of each theme and part; None for those that the floor hides.
    """

    period: Period
    themes: pd.DataFrame
    mentions: Mapping[str, int | None]


def spoken_themes(source: Source, workspace: Workspace, *, today: date) -> Spoken:
    """The themes of the last days."""
    scope = Scope(
        workspace=workspace.id,
        zone=workspace.zone,
        period=Period(today - timedelta(days=DAYS - 1), today),
        respondent_floor=workspace.score_floor,
    )
    talk = tables.talk(source, scope, floor=floor_of(workspace), closed=False)
    return Spoken(scope.period, talk.themes, _mentions_by_part(source.session, scope, talk.themes))


def _mentions_by_part(
    session: Session, scope: Scope, themes: pd.DataFrame
) -> Mapping[str, int | None]:
    """How often each theme and part is spoken of; None for those that the floor hides.

    `themes` is the scope's table of whole themes, suppressed; the parts of a theme, together with
    the mentions that name none, add up to it, and hide by the same rules.
    """
    people = sa.func.count(PERSON.distinct())
    rows = session.execute(
        sa.select(ThemeMention.theme, ThemeMention.code, sa.func.count(), people)
        .select_from(Response)
        .join(ThemeMention, ThemeMention.response_id == Response.id)
        .where(*in_scope(scope))
        .group_by(ThemeMention.theme, ThemeMention.code)
    ).all()
    found: dict[str, int | None] = dict.fromkeys([*themes["theme"], *(row.code for row in rows)])
    for whole in themes[~themes["suppressed"]].itertuples():
        parts = [row for row in rows if row.theme == whole.theme]
        table = analytics.suppress(
            pd.DataFrame([(row.code, row[2]) for row in parts], columns=["code", "n"]),
            respondents=[row[3] for row in parts],
            k=scope.respondent_floor,
        )
        shown = table[~table["suppressed"]]
        found |= dict(zip(shown["code"], map(int, shown["n"]), strict=True))
        found[str(whole.theme)] = int(str(whole.mentions))
    return found
