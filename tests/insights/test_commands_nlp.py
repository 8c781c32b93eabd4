"""`soundings nlp evaluate`: a table, and files that can't be read."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from survey_app.errors import Malformed
from survey_app.insights.commands import evaluate_nlp


def _write(folder: Path, lines: list[str]) -> None:
    with gzip.open(folder / "shop.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))


def test_a_folder_of_labelled_comments_becomes_a_table(tmp_path: Path) -> None:
    rows = [
        {"text": "Wonderful, thank you!", "lang": "en", "label": "positive"},
        {"text": "Schrecklich, nie wieder.", "lang": "de", "label": "negative"},
        {"text": "only aspects", "lang": "en", "label": None},
    ]
    _write(tmp_path, [json.dumps(row) for row in rows])
    ran = CliRunner().invoke(evaluate_nlp, ["--data", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "| shop | en | 1 | 100.0 | – / – / 100 |" in ran.output
    assert "| shop | de | 1 | 100.0 | 100 / – / – |" in ran.output
    assert "Mean macro-F1 over 2 languages: 100.00" in ran.output


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"text": "x"}',
        "[]",
        "3",
        '{"text": "x", "lang": null, "label": "neutral"}',
        '{"text": "x", "lang": "English", "label": "neutral"}',
        '{"text": 3, "lang": "en", "label": "neutral"}',
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    _write(tmp_path, ['{"text": "x", "lang": "en", "label": "neutral"}', line])
    ran = CliRunner().invoke(evaluate_nlp, ["--data", str(tmp_path)])
    assert isinstance(ran.exception, Malformed)
    assert ran.exception.values["number"] == 2
