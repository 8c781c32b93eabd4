"""Published answers of anonymous surveys stand in an order that tells nothing.

Revision: 1795390200
After: 1795384800
Written: 2026-11-22 23:30:00
"""

from alembic import op
import sqlalchemy as sa


revision = '1795390200'
down_revision = '1795384800'
branch_labels = ()
depends_on = None


def upgrade():
    op.add_column(
        'responses',
        sa.Column('released_place', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    )
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    number = 'abs(random() % 1000000000000000000)' if is_sqlite else 'floor(random() * 1e18)::bigint'
    op.execute(f'UPDATE responses SET released_place = {number} WHERE released_week IS NOT NULL')


def downgrade():
    op.drop_column('responses', 'released_place')
