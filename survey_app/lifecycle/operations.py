"""Making the default map and noting transitions. Nothing here commits or reads the clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

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
    """Store moves; one that only repeats the customer's stage at that moment is dropped."""
    moves = sorted(moves, key=lambda move: (move.customer_id, move.valid_from))
    earlier = stage_histories(session, map_id, {move.customer_id for move in moves})
    for move in moves:
        known = earlier.setdefault(move.customer_id, [])
        before = [stage for at, stage in known if at <= move.valid_from]
        if before and before[-1] == move.stage:
            continue
        if any(at == move.valid_from for at, _ in known):
            continue  # two stages at one moment: the first one told stands
        known.append((move.valid_from, move.stage))
        known.sort()
        session.add(
            StageTransition(
                workspace_id=workspace_id,
                customer_id=move.customer_id,
                map_id=map_id,
                stage=move.stage,
                valid_from=move.valid_from,
                known_from=now,
            )
        )
