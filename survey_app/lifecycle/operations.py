"""Making the default map and noting transitions. Nothing here commits or reads the clock."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from survey_app.db import insert_or_skip
from survey_app.errors import N_
from survey_app.lifecycle.models import DEFAULT_MAP, LifecycleMap, Stage, StageTransition
from survey_app.lifecycle.queries import stage_histories

# Keys and labels of the default map, in lifecycle order; pages translate the labels.
DEFAULT_STAGES = {
    "reach": N_("Reach"),
    "acquire": N_("Acquire"),
    "onboard": N_("Onboard"),
    "adopt": N_("Adopt"),
    "serve": N_("Serve"),
    "retain": N_("Retain"),
    "expand": N_("Expand"),
    "refer": N_("Refer"),
    "exit": N_("Exit"),
    "winback": N_("Win back"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A customer enters a stage at a moment."""

    customer_id: int
    stage: str
    valid_from: datetime


def create_default_map(session: Session, workspace_id: int) -> LifecycleMap:
    """Give a workspace the default map with its ten stages."""
    chart = LifecycleMap(workspace_id=workspace_id, key=DEFAULT_MAP)
    session.add(chart)
    session.flush()  # the stages need the map's id
    session.add_all(
        Stage(workspace_id=workspace_id, map_id=chart.id, key=key, label=label, position=position)
        for position, (key, label) in enumerate(DEFAULT_STAGES.items())
    )
    session.flush()  # transitions refer to the stages
    return chart


def record_transitions(
    session: Session, workspace_id: int, map_id: int, moves: Iterable[Move], *, now: datetime
) -> None:
    """Store moves; one that only repeats the customer's stage at that moment is dropped.

    Of two stages at one moment, the first one told stands.
    """
    told: dict[tuple[int, datetime], Move] = {}
    for move in moves:
        told.setdefault((move.customer_id, move.valid_from), move)
    in_order = [told[key] for key in sorted(told)]
    earlier = stage_histories(session, map_id, {customer for customer, _ in told})
    fresh = [move for move in in_order if _is_news(move, earlier.setdefault(move.customer_id, []))]
    if not fresh:
        return
    rows = [
        {
            "workspace_id": workspace_id,
            "customer_id": move.customer_id,
            "map_id": map_id,
            "stage": move.stage,
            "valid_from": move.valid_from,
            "known_from": now,
        }
        for move in fresh
    ]
    key = [StageTransition.customer_id, StageTransition.map_id, StageTransition.valid_from]
    session.execute(insert_or_skip(session, StageTransition, index_elements=key), rows)


def _is_news(move: Move, known: list[tuple[datetime, str]]) -> bool:
    """Whether a move tells something new; if so, `known` then holds it too."""
    place = bisect_right(known, move.valid_from, key=lambda entry: entry[0])
    if place and (known[place - 1][1] == move.stage or known[place - 1][0] == move.valid_from):
        return False
    known.insert(place, (move.valid_from, move.stage))
    return True
