"""Redaction, corrections, own themes, learnt sentiment and emerging topics.

Revision: 1795353928
After: 1795333211
Written: 2026-11-22 13:25:28.991537
"""

from alembic import op
import sqlalchemy as sa


revision = '1795353928'
down_revision = '1795333211'
branch_labels = ()
depends_on = None


def upgrade():
    op.create_table('learnt_sentiments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('weights', sa.LargeBinary(), nullable=True),
    sa.Column('pairs', sa.Integer(), nullable=False),
    sa.Column('held_back', sa.Integer(), nullable=False),
    sa.Column('before', sa.Double(), nullable=False),
    sa.Column('after', sa.Double(), nullable=False),
    sa.Column('engine_version', sa.Text(), nullable=False),
    sa.Column('fitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('in_use', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_learnt_sentiments_workspace_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_learnt_sentiments')),
    sa.UniqueConstraint('workspace_id', 'version', name=op.f('uq_learnt_sentiments_workspace_id_version'))
    )
    op.create_table('learning_looks',
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('pairs', sa.Integer(), nullable=False),
    sa.Column('up_to', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('due_pairs', sa.Integer(), nullable=False),
    sa.Column('corrections', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_learning_looks_workspace_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', name=op.f('pk_learning_looks'))
    )
    op.create_table('own_themes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.Column('pattern', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_own_themes_workspace_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_own_themes')),
    sa.UniqueConstraint('workspace_id', 'code', name=op.f('uq_own_themes_workspace_id_code'))
    )
    op.create_table('topic_searches',
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('searched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('unexplained', sa.Integer(), nullable=False),
    sa.Column('unexplained_before', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['workspaces.id'], name=op.f('fk_topic_searches_workspace_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('workspace_id', name=op.f('pk_topic_searches'))
    )
    op.create_table('emerging_topics',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.Column('comments', sa.Integer(), nullable=False),
    sa.Column('comments_before', sa.Integer(), nullable=False),
    sa.Column('of', sa.Integer(), nullable=False),
    sa.Column('of_before', sa.Integer(), nullable=False),
    sa.Column('p_value', sa.Double(), nullable=False),
    sa.Column('grew', sa.Boolean(), nullable=False),
    sa.Column('respondents', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['workspace_id'], ['topic_searches.workspace_id'], name=op.f('fk_emerging_topics_workspace_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_emerging_topics')),
    sa.UniqueConstraint('workspace_id', 'id', name=op.f('uq_emerging_topics_workspace_id_id'))
    )
    op.create_table('comment_corrections',
    sa.Column('response_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sentiment', sa.Text(), nullable=True),
    sa.Column('themes', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('corrected_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['response_id', 'question'], ['answers.response_id', 'answers.question'], name=op.f('fk_comment_corrections_response_id_question'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_comment_corrections_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('response_id', 'question', name=op.f('pk_comment_corrections')),
    sqlite_with_rowid=False
    )
    op.create_index('ix_comment_corrections_workspace_id', 'comment_corrections', ['workspace_id'], unique=False)
    op.create_table('topic_examples',
    sa.Column('topic_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('response_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.Text(), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['response_id', 'question'], ['answers.response_id', 'answers.question'], name=op.f('fk_topic_examples_response_id_question'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['workspace_id', 'topic_id'], ['emerging_topics.workspace_id', 'emerging_topics.id'], name=op.f('fk_topic_examples_workspace_id_topic_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('topic_id', 'response_id', 'question', name=op.f('pk_topic_examples')),
    sqlite_with_rowid=False
    )
    op.create_index('ix_topic_examples_response_id', 'topic_examples', ['response_id', 'question'], unique=False)
    op.add_column('comment_analyses', sa.Column('also', sa.Text(), nullable=True))
    op.add_column('comment_analyses', sa.Column('contradicts', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('comment_analyses', sa.Column('corrected', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index('ix_comment_analyses_workspace_id', 'comment_analyses', ['workspace_id', 'analysed_at'], unique=False)
    op.add_column('responses', sa.Column('redacted_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_responses_unredacted', 'responses', ['workspace_id', 'id'], unique=False, sqlite_where=sa.text('has_comment AND redacted_at IS NULL'), postgresql_where=sa.text('has_comment AND redacted_at IS NULL'))
    op.add_column('workspaces', sa.Column('redact', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade():
    op.drop_column('workspaces', 'redact')
    op.drop_index('ix_responses_unredacted', table_name='responses', sqlite_where=sa.text('has_comment AND redacted_at IS NULL'), postgresql_where=sa.text('has_comment AND redacted_at IS NULL'))
    op.drop_column('responses', 'redacted_at')
    op.drop_index('ix_comment_analyses_workspace_id', table_name='comment_analyses')
    op.drop_column('comment_analyses', 'corrected')
    op.drop_column('comment_analyses', 'contradicts')
    op.drop_column('comment_analyses', 'also')
    op.drop_index('ix_topic_examples_response_id', table_name='topic_examples')
    op.drop_table('topic_examples')
    op.drop_index('ix_comment_corrections_workspace_id', table_name='comment_corrections')
    op.drop_table('comment_corrections')
    op.drop_table('emerging_topics')
    op.drop_table('topic_searches')
    op.drop_table('own_themes')
    op.drop_table('learning_looks')
    op.drop_table('learnt_sentiments')
