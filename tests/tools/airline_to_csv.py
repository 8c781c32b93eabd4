"""Turn labelled comments (JSON lines, gzip) into a file for `soundings import responses`.

    python airline_to_csv.py COMMENTS.jsonl.gz OUT.csv

The comments come without scores, and so does the file. Country, stage and time are spread over
them by their number alone, so that every run writes the same file. The label travels as a column of
its own: import with `--ignore-unknown`, and compare afterwards.
"""

import csv
import gzip
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

COUNTRIES = ("US", "CA", "GB", "MX", "DE", "FR", "BR", "JP", "AU", "IN")
STAGES = ("acquire", "onboard", "adopt", "serve", "retain", "exit")
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 540
COLUMNS = ("response_id", "submitted_at", "comment", "language", "country", "stage", "label")


def convert(source: Path, target: Path) -> int:
    """Write the file; returns how many comments it holds."""
    with (
        gzip.open(source, "rt", encoding="utf-8") as lines,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        comments = [json.loads(line) for line in lines]
        step = timedelta(days=DAYS) / max(1, len(comments))
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for number, comment in enumerate(comments):
            moment = (FIRST + number * step).isoformat(timespec="seconds")
            # Steps without common divisor: every country meets every stage.
            country, stage = COUNTRIES[number % 10], STAGES[number // 10 % 6]
            writer.writerow(
                [f"airline-{number}", moment, comment["text"], "", country, stage, comment["label"]]
            )
    return len(comments)


if __name__ == "__main__":
    count = convert(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"{count} comments written.")
