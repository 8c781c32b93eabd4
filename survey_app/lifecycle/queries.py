"""Reading maps and the stage at a moment."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.lifecycle.models import DEFAULT_MAP, LifecycleMap, Stage, StageTransition

AT_ONCE = 5000  # ids in one query: databases bound the number of parameters


def default_map(session: Session, workspace_id: int) -> LifecycleMap:
    """The map by which responses are stamped."""
    return session.scalars(
        sa.select(LifecycleMap).where(
            LifecycleMap.workspace_id == workspace_id, LifecycleMap.key == DEFAULT_MAP
        )
    ).one()


def stages(session: Session, workspace_id: int) -> list[Stage]:
    """The default map's stages in lifecycle order."""
    return list(
        session.scalars(
            sa.select(Stage)
            .join(LifecycleMap, LifecycleMap.id == Stage.map_id)
            .where(Stage.workspace_id == workspace_id, LifecycleMap.key == DEFAULT_MAP)
            .order_by(Stage.position)
        )
    )


def stage_at(session: Session, customer_id: int, moment: datetime) -> str | None:
    """The stage that the customer was in at a moment, as far as is known now."""
    return session.scalar(
        sa.select(StageTransition.stage)
        .where(StageTransition.customer_id == customer_id, StageTransition.valid_from <= moment)
        .order_by(StageTransition.valid_from.desc())
        .limit(1)
    )


def stage_histories(
    session: Session, map_id: int, customers: Collection[int]
) -> dict[int, list[tuple[datetime, str]]]:
    """By customer id: since when in which stage, oldest first; nothing for who never entered."""
    histories: dict[int, list[tuple[datetime, str]]] = {}
    wanted = sorted(customers)
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.execute(
            sa.select(
                StageTransition.customer_id, StageTransition.valid_from, StageTransition.stage
            )
            .where(
                StageTransition.map_id == map_id,
                StageTransition.customer_id.in_(wanted[start : start + AT_ONCE]),
            )
            .order_by(StageTransition.customer_id, StageTransition.valid_from)
        )
        for customer_id, since, stage in rows:
            histories.setdefault(customer_id, []).append((since, stage))
    return histories
