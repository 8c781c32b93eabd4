"""The lake's state, what has to leave it, and the triggers that notice a change.

Revision: 1795377600
After: 1795369800
Written: 2026-11-22 20:00:00
"""

from alembic import op
import sqlalchemy as sa


revision = '1795377600'
down_revision = '1795369800'
branch_labels = ()
depends_on = None

# What of a response stands in the lake. A table that SQLite copies and drops (batch_alter_table)
# loses its triggers: such a migration has to make them again.
FACTS = (
    'workspace_id', 'survey_id', 'version_id', 'received_at', 'day', 'counted', 'customer_key', 'channel',
    'locale', 'orientation', 'country', 'region', 'stage', 'age_band', 'gender', 'has_comment',
)
# Tables whose rows belong to a response, and what of them stands in the lake.
PARTS = {
    'answers': ('question', 'kind', 'number', 'text IS NULL'),
    'comment_analyses': ('question', 'language', 'sentiment'),
    'theme_mentions': ('question', 'theme', 'code', 'polarity'),
}
SURVEY = ('key', 'kind', 'anonymous')
NOTE = 'INSERT INTO lake_removals (workspace_id, response_id, month, noted_at, deadline)'


def both(columns):
    """The columns of the old row, and of the new one."""
    return [f"({', '.join(f'{row}.{name}' for name in columns)})" for row in ('OLD', 'NEW')]


def names(columns):
    return ', '.join(name.split()[0] for name in columns)


def sqlite_triggers():
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    tomorrow = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+1 day')"
    note = f"{NOTE} SELECT workspace_id, id, substr(day, 1, 7), {now}, NULL FROM responses"
    change = 'UPDATE responses SET fact_batch = 0'

    def trigger(table, event, condition, body, of=''):
        return (
            f"CREATE TRIGGER lake_{table}_{event.lower()} AFTER {event} {of} ON {table} "
            f"WHEN {condition} BEGIN {body}; END"
        )

    def differs(columns):
        return '{} IS NOT {}'.format(*both(columns))

    one = f"{NOTE} VALUES (OLD.workspace_id, OLD.id, substr(OLD.day, 1, 7), {now}, {{}})"
    yield trigger(
        'responses', 'UPDATE', f"OLD.fact_batch > 0 AND {differs(FACTS)}",
        f"{one.format('NULL')}; {change} WHERE id = OLD.id", f"OF {names(FACTS)}",
    )
    yield trigger('responses', 'DELETE', 'OLD.fact_batch IS NOT NULL', one.format(tomorrow))
    for table, columns in PARTS.items():
        for event, row in (('INSERT', 'NEW'), ('UPDATE', 'NEW'), ('DELETE', 'OLD')):
            here = f"id = {row}.response_id"
            holds = f"(SELECT fact_batch FROM responses WHERE {here}) > 0"
            is_update = event == 'UPDATE'
            yield trigger(
                table, event, f"{differs(columns)} AND {holds}" if is_update else holds,
                f"{note} WHERE {here}; {change} WHERE {here}",
                f"OF {names(columns)}" if is_update else '',
            )
    held = 'survey_id = OLD.id AND fact_batch > 0'
    yield trigger(
        'surveys', 'UPDATE', differs(SURVEY), f"{note} WHERE {held}; {change} WHERE {held}",
        f"OF {names(SURVEY)}",
    )


def postgresql_triggers():
    month = "to_char({}day, 'YYYY-MM')"
    one = f"{NOTE} VALUES (OLD.workspace_id, OLD.id, {month.format('OLD.')}, now(), {{}});"
    many = (
        "WITH changed AS (UPDATE responses SET fact_batch = 0 WHERE {} AND fact_batch > 0 "
        f"RETURNING workspace_id, id, day) {NOTE} "
        f"SELECT workspace_id, id, {month.format('')}, now(), NULL FROM changed;"
    )
    # Whoever is just claiming the response for a batch is waited for, and passes it over from here on.
    part = 'PERFORM 1 FROM responses WHERE {0} FOR KEY SHARE; ' + many.replace('{}', '{0}')

    def function(name, body, result='NULL'):
        return (
            f"CREATE FUNCTION lake_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN {result}; END $$"
        )

    def trigger(table, event, name, condition='true', of=''):
        moment = 'BEFORE' if result_counts(table, event) else 'AFTER'
        return (
            f"CREATE TRIGGER lake_{table}_{event.lower()} {moment} {event} {of} ON {table} "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION lake_{name}()"
        )

    def result_counts(table, event):
        return (table, event) == ('responses', 'UPDATE')

    def differs(columns):
        return '{} IS DISTINCT FROM {}'.format(*both(columns))

    yield function('response_changed', f"{one.format('NULL')} NEW.fact_batch := 0;", 'NEW')
    yield function('response_deleted', one.format("now() + interval '1 day'"))
    yield function('part_changed', part.format('id = NEW.response_id'))
    yield function('part_deleted', part.format('id = OLD.response_id'))
    yield function('survey_changed', many.format('survey_id = OLD.id'))
    yield trigger(
        'responses', 'UPDATE', 'response_changed', f"OLD.fact_batch > 0 AND {differs(FACTS)}",
        f"OF {names(FACTS)}",
    )
    yield trigger('responses', 'DELETE', 'response_deleted', 'OLD.fact_batch IS NOT NULL')
    for table, columns in PARTS.items():
        yield trigger(table, 'INSERT', 'part_changed')
        yield trigger(table, 'UPDATE', 'part_changed', differs(columns), f"OF {names(columns)}")
        yield trigger(table, 'DELETE', 'part_deleted')
    yield trigger(
        'surveys', 'UPDATE', 'survey_changed', differs(SURVEY), f"OF {names(SURVEY)}"
    )


FUNCTIONS = ('response_changed', 'response_deleted', 'part_changed', 'part_deleted', 'survey_changed')


def upgrade():
    op.create_table('lake_state',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('folder', sa.Text(), nullable=False),
    sa.Column('format', sa.Integer(), nullable=False),
    sa.Column('since', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('watermark', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('facts_version', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mentions_version', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('filled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tidied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trouble', sa.Text(), nullable=True),
    sa.CheckConstraint('id = 1', name=op.f('ck_lake_state_one')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lake_state'))
    )
    op.create_table('lake_removals',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('workspace_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('response_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('month', sa.Text(), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deadline', sa.DateTime(timezone=True), nullable=True),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('batch', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lake_removals'))
    )
    op.create_index('ix_lake_removals_workspace_id', 'lake_removals', ['workspace_id', 'batch'], unique=False)
    op.create_index('ix_lake_removals_response_id', 'lake_removals', ['response_id'], unique=False)
    op.create_index('ix_lake_removals_batch', 'lake_removals', ['batch'], unique=False)
    op.add_column('surveys', sa.Column('anonymous', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('responses', sa.Column('fact_batch', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
    op.create_index('ix_responses_workspace_id_fact_batch', 'responses', ['workspace_id', 'fact_batch'], unique=False)
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for statement in sqlite_triggers() if is_sqlite else postgresql_triggers():
        op.get_bind().exec_driver_sql(statement)


def downgrade():
    triggers = {
        'responses': ('update', 'delete'),
        **dict.fromkeys(PARTS, ('insert', 'update', 'delete')),
        'surveys': ('update',),
    }
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for table, events in triggers.items():
        for event in events:
            on = '' if is_sqlite else f' ON {table}'
            op.execute(f'DROP TRIGGER lake_{table}_{event}{on}')
    if not is_sqlite:
        for name in FUNCTIONS:
            op.execute(f'DROP FUNCTION lake_{name}()')
    op.drop_index('ix_responses_workspace_id_fact_batch', table_name='responses')
    op.drop_column('responses', 'fact_batch')
    op.drop_column('surveys', 'anonymous')
    op.drop_table('lake_removals')
    op.drop_table('lake_state')
