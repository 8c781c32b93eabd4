"""A lake that is filled beside the one that counts; what a survey is stays, once it was answered.

The triggers also notice the release of an answer.

Revision: 1795392000
After: 1795390200
Written: 2026-11-23 00:00:00
"""

from alembic import op
import sqlalchemy as sa


revision = '1795392000'
down_revision = '1795390200'
branch_labels = ()
depends_on = None

# What of a response stands in the lake, until now and from now on.
FACTS = (
    'workspace_id', 'survey_id', 'version_id', 'received_at', 'day', 'counted', 'customer_key', 'channel',
    'locale', 'orientation', 'country', 'region', 'stage', 'age_band', 'gender', 'has_comment',
)
WITH_RELEASE = (*FACTS, 'released_week')
# What of these tables stands in the lake, for so many rows that nothing could take them out again.
FIXED = {
    'surveys': (('key', 'kind', 'anonymous'), 'survey_id'),
    'survey_versions': (('survey_id', 'number'), 'version_id'),
}
SURVEY = FIXED['surveys'][0]
SAID = 'what a survey is does not change once it was answered'
NOTE = 'INSERT INTO lake_removals (workspace_id, response_id, month, noted_at, deadline)'


def both(columns):
    """The columns of the old row, and of the new one."""
    return [f"({', '.join(f'{row}.{name}' for name in columns)})" for row in ('OLD', 'NEW')]


def sqlite_watched(columns):
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    yield 'DROP TRIGGER lake_responses_update'
    yield (
        f"CREATE TRIGGER lake_responses_update AFTER UPDATE OF {', '.join(columns)} ON responses "
        f"WHEN OLD.fact_batch > 0 AND {' IS NOT '.join(both(columns))} BEGIN "
        f"{NOTE} VALUES (OLD.workspace_id, OLD.id, substr(OLD.day, 1, 7), {now}, NULL); "
        "UPDATE responses SET fact_batch = 0 WHERE id = OLD.id; END"
    )


def postgresql_watched(columns):
    yield 'DROP TRIGGER lake_responses_update ON responses'
    yield (
        f"CREATE TRIGGER lake_responses_update BEFORE UPDATE OF {', '.join(columns)} ON responses "
        f"FOR EACH ROW WHEN (OLD.fact_batch > 0 AND {' IS DISTINCT FROM '.join(both(columns))}) "
        "EXECUTE FUNCTION lake_response_changed()"
    )


def sqlite_fixed():
    yield from sqlite_watched(WITH_RELEASE)
    yield 'DROP TRIGGER lake_surveys_update'
    for table, (columns, reference) in FIXED.items():
        yield (
            f"CREATE TRIGGER lake_{table}_update BEFORE UPDATE OF {', '.join(columns)} ON {table} "
            f"WHEN {' IS NOT '.join(both(columns))} "
            f"AND EXISTS (SELECT 1 FROM responses WHERE {reference} = OLD.id) "
            f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
        )


def postgresql_fixed():
    yield from postgresql_watched(WITH_RELEASE)
    yield 'DROP TRIGGER lake_surveys_update ON surveys'
    yield 'DROP FUNCTION lake_survey_changed()'
    for table, (columns, reference) in FIXED.items():
        yield (
            f"CREATE FUNCTION lake_{table}_fixed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF EXISTS (SELECT 1 FROM responses WHERE {reference} = OLD.id) "
            f"THEN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$"
        )
        yield (
            f"CREATE TRIGGER lake_{table}_update BEFORE UPDATE OF {', '.join(columns)} ON {table} "
            f"FOR EACH ROW WHEN ({' IS DISTINCT FROM '.join(both(columns))}) "
            f"EXECUTE FUNCTION lake_{table}_fixed()"
        )


def sqlite_noticed():
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    held = 'survey_id = OLD.id AND fact_batch > 0'
    yield from sqlite_watched(FACTS)
    for table in FIXED:
        yield f'DROP TRIGGER lake_{table}_update'
    yield (
        f"CREATE TRIGGER lake_surveys_update AFTER UPDATE OF {', '.join(SURVEY)} ON surveys "
        f"WHEN {' IS NOT '.join(both(SURVEY))} BEGIN "
        f"{NOTE} SELECT workspace_id, id, substr(day, 1, 7), {now}, NULL FROM responses WHERE {held}; "
        f"UPDATE responses SET fact_batch = 0 WHERE {held}; END"
    )


def postgresql_noticed():
    yield from postgresql_watched(FACTS)
    for table in FIXED:
        yield f'DROP TRIGGER lake_{table}_update ON {table}'
        yield f'DROP FUNCTION lake_{table}_fixed()'
    yield (
        "CREATE FUNCTION lake_survey_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "WITH changed AS (UPDATE responses SET fact_batch = 0 WHERE survey_id = OLD.id AND "
        f"fact_batch > 0 RETURNING workspace_id, id, day) {NOTE} "
        "SELECT workspace_id, id, to_char(day, 'YYYY-MM'), now(), NULL FROM changed; RETURN NULL; END $$"
    )
    yield (
        f"CREATE TRIGGER lake_surveys_update AFTER UPDATE OF {', '.join(SURVEY)} ON surveys "
        f"FOR EACH ROW WHEN ({' IS DISTINCT FROM '.join(both(SURVEY))}) "
        "EXECUTE FUNCTION lake_survey_changed()"
    )


def is_sqlite():
    return op.get_bind().dialect.name == 'sqlite'


def upgrade():
    with op.batch_alter_table('lake_state') as table:
        table.add_column(sa.Column('digest', sa.Text(), nullable=True))
        table.add_column(sa.Column('rests_until', sa.DateTime(timezone=True), nullable=True))
        table.drop_constraint(op.f('ck_lake_state_one'), type_='check')
        table.create_check_constraint(op.f('ck_lake_state_generation'), 'id IN (1, 2)')
    for statement in sqlite_fixed() if is_sqlite() else postgresql_fixed():
        op.get_bind().exec_driver_sql(statement)


def downgrade():
    for statement in sqlite_noticed() if is_sqlite() else postgresql_noticed():
        op.get_bind().exec_driver_sql(statement)
    # The next generation is given up; what it had taken over stands in the one that counts.
    op.execute(
        'UPDATE lake_state SET watermark = (SELECT watermark + 1 FROM lake_state WHERE id = 2) '
        'WHERE EXISTS (SELECT 1 FROM lake_state WHERE id = 2)'
    )
    op.execute(
        'UPDATE lake_removals SET batch = NULL '
        'WHERE removed_at IS NULL AND EXISTS (SELECT 1 FROM lake_state WHERE id = 2)'
    )
    op.execute('DELETE FROM lake_state WHERE id = 2')
    with op.batch_alter_table('lake_state') as table:
        table.drop_column('rests_until')
        table.drop_column('digest')
        table.drop_constraint(op.f('ck_lake_state_generation'), type_='check')
        table.create_check_constraint(op.f('ck_lake_state_one'), 'id = 1')
