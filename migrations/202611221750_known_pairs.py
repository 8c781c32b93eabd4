"""Whether known customers taught a fit, and why one is not used.

Revision: 1795369800
After: 1795353928
Written: 2026-11-22 17:50:00
"""

from alembic import op
import sqlalchemy as sa


revision = '1795369800'
down_revision = '1795353928'
branch_labels = ()
depends_on = None


def upgrade():
    with op.batch_alter_table('learnt_sentiments', schema=None) as batch_op:
        # Whoever taught the fits until now was not looked at.
        batch_op.add_column(sa.Column('known', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('refusal', sa.Text(), nullable=True))


def downgrade():
    with op.batch_alter_table('learnt_sentiments', schema=None) as batch_op:
        batch_op.drop_column('refusal')
        batch_op.drop_column('known')
