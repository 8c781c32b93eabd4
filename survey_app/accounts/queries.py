"""Looking accounts up."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Membership, PrivacyNotice, Workspace
from survey_app.errors import N_, NotFound


def workspace_by_key(session: Session, key: str) -> Workspace:
    """The workspace with this key; raises NotFound."""
    workspace = session.scalar(sa.select(Workspace).where(Workspace.key == key))
    if workspace is None:
        raise NotFound("workspace.unknown", N_("There is no workspace %(key)s."), key=key)
    return workspace


def membership_of(session: Session, *, user_id: int, workspace_key: str) -> Membership | None:
    """The user's membership in the workspace with this key."""
    return session.scalar(
        sa.select(Membership)
        .join(Workspace)
        .where(Membership.user_id == user_id, Workspace.key == workspace_key)
    )


def workspaces_of(session: Session, *, user_id: int) -> list[Workspace]:
    """The user's workspaces by name."""
    return list(
        session.scalars(
            sa.select(Workspace)
            .join(Membership)
            .where(Membership.user_id == user_id)
            .order_by(Workspace.name)
        )
    )


def privacy_notice(session: Session, *, workspace_id: int, locale: str) -> str | None:
    """The workspace's own notice in this locale, if it wrote one."""
    return session.scalar(
        sa.select(PrivacyNotice.text).where(
            PrivacyNotice.workspace_id == workspace_id, PrivacyNotice.locale == locale
        )
    )
