"""What a process loads before anybody asked for it: every one of them pays for that."""

import subprocess
import sys

HEAVY = ("scipy", "pyarrow.dataset", "vl_convert", "polars", "pyspark", "spacy")


def test_what_few_need_is_imported_when_used() -> None:
    loaded = f"import sys; import survey_app.cli; print([n for n in {HEAVY} if n in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"
