"""`soundings demo`."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from survey_app.config import Settings, kept_secret
from survey_app.db import db, upgrade_schema
from survey_app.demo import operations
from survey_app.errors import N_, SettingError
from survey_app.insights.comments.accurate import open_encoder
from survey_app.insights.jobs import analyse_comments, find_topics, learn_sentiment
from survey_app.jobs import Kind, run_once


@click.command()
@click.option("--seed", default=1, show_default=True, help="Another seed, other people.")
@click.option("--responses", default=6000, show_default=True, type=click.IntRange(100, 1_000_000))
@with_appcontext
def demo(seed: int, responses: int) -> None:
    """Make a workspace with two years of plausible answers, analysed, to look around in.

    Only on a machine that nobody else can reach. A second run changes nothing.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.is_loopback:
        raise SettingError(
            "demo.not_loopback",
            N_("The demo has a known log-in, and %(host)s can be reached from outside."),
            hint=N_("Make it with SOUNDINGS_HOST=127.0.0.1."),
            host=settings.host,
        )
    encoder = open_encoder(settings)
    upgrade_schema()
    password = kept_secret(settings, "demo_password")[:16]
    if not operations.exists(db.session):
        db.session.rollback()
        click.echo(f"Making a demo workspace with {responses} responses …", err=True)
        operations.make(
            db.session, seed=seed, responses=responses, password=password, now=datetime.now(UTC)
        )
        db.session.commit()
    _work(analyse_comments(encoder), learn_sentiment(encoder), find_topics(encoder))
    click.echo(f"Look around: {settings.public_url}/w/{operations.WORKSPACE}/perception")
    click.echo(f"Log in as:   {operations.EMAIL}  {password}")
    click.echo(f"A shop that asks its customers: {settings.public_url}/demo")


def _work(reading: Kind, *others: Kind) -> None:
    """Do what a worker would find undone, by its own code, so that the first pages are complete."""
    read = 0
    while True:
        taken = run_once(reading, datetime.now(UTC))
        if taken:
            read += taken
            click.echo(f"\r{read} comments read", nl=False, err=True)
        elif not sum(run_once(kind, datetime.now(UTC)) for kind in others):
            break
    if read:
        click.echo("", err=True)
