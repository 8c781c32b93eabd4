"""Make an import file of labelled airline comments, to try the whole way on real writing.

usage: python tests/tools/airline_to_csv.py COMMENTS.jsonl.gz OUT.csv

The comments (JSON lines with `text` and `label`) have no scores, so the file has none either. Country,
stage and time are spread over them by a fixed draw; `response_id` is the line's number, under which
the labels can be compared with what the analysis found. The data is no part of the project.
"""

import csv
import gzip
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

COUNTRIES = ("US", "GB", "CA", "AU", "IE", "IN", "NZ", "ZA")
STAGES = ("acquire", "onboard", "adopt", "serve", "retain", "exit")
HEADER = ("response_id", "submitted_at", "comment", "country", "stage", "channel")


def convert(source: Path, target: Path, *, until: datetime) -> int:
    """Write the file; returns its number of rows."""
    draw = random.Random(7)
    rows = 0
    with gzip.open(source, "rt", encoding="utf-8") as lines, target.open(
        "w", encoding="utf-8", newline=""
    ) as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for number, line in enumerate(lines):
            at = until - timedelta(seconds=draw.randrange(365 * 24 * 3600))
            place, stage = draw.choice(COUNTRIES), draw.choice(STAGES)
            text = json.loads(line)["text"]
            writer.writerow((number, at.isoformat(), text, place, stage, "widget"))
            rows += 1
    return rows


if __name__ == "__main__":
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    print(convert(Path(sys.argv[1]), Path(sys.argv[2]), until=today), "rows")
