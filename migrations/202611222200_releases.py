"""When answers to anonymous surveys were published.

Revision: 1795384800
After: 1795377600
Written: 2026-11-22 22:00:00
"""

from alembic import op
import sqlalchemy as sa


revision = '1795384800'
down_revision = '1795377600'
branch_labels = ()
depends_on = None


def upgrade():
    op.add_column('surveys', sa.Column('released_until', sa.Date(), nullable=True))
    op.add_column('responses', sa.Column('released_week', sa.Date(), nullable=True))


def downgrade():
    op.drop_column('responses', 'released_week')
    op.drop_column('surveys', 'released_until')
