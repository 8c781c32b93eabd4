"""Files of responses for tests, and the way in that commits after each chunk."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from factories import NOW

from survey_app.db import db
from survey_app.responses.imports import Report, check_file, import_file
from survey_app.surveys.queries import find_published

STAGES = ("reach", "Acquire", "onboard", "Win back")
COUNTRIES = ("FI", "swe", "DEU", "")


def write(path: Path, rows: list[dict[str, object]], **options: Any) -> Path:
    """A CSV file with these rows."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), **options)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return path


def good_rows(count: int) -> list[dict[str, object]]:
    """Rows that are right, of many kinds."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return [
        {
            "response_id": f"r-{n}",
            "submitted_at": (start + timedelta(minutes=37 * n)).isoformat(),
            "score": n % 11,
            "comment": "Kind people, slow parcel." if n % 5 == 0 else "",
            "country": COUNTRIES[n % 4],
            "customer_id": f"c-{n % 700}" if n % 3 else "",
            "stage": STAGES[n % 4] if n % 2 else "",
            "birth_year": 1950 + n % 50 if n % 7 == 0 else "",
            "age_band": "" if n % 7 == 0 else "25-34",
        }
        for n in range(count)
    ]


def take(door: Any, path: Path, *, survey: str = "acme-nps") -> Report:
    """Import a file to its end, committing after each chunk."""
    with door.app.app_context():
        asked = find_published(db.session, survey)
        assert asked is not None
        last = Report()
        steps = import_file(
            db.session, check_file(path), asked, now=NOW, renames={}, ignore_unknown=False
        )
        for report in steps:
            db.session.commit()
            last = report
        return last
