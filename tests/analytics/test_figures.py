"""docs/statistics.md: its figures are those of the tool, which writes them part by part."""

from pathlib import Path

import pytest
from tools import figures


@pytest.mark.parametrize("part", ["countries", "power", "paired"])
def test_what_is_quickly_measured_again_stands_in_the_page(part: str) -> None:
    page = figures.PAGE.read_text(encoding="utf-8")
    found = figures.block(part).search(page)
    assert found and found[0].strip().splitlines() == list(figures.PARTS[part]())


def test_every_part_has_its_place_and_its_figures() -> None:
    page = figures.PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- figures: ") == len(figures.PARTS)
    for part in figures.PARTS:
        table = figures.block(part).search(page)
        assert table and len(table[0].strip().splitlines()) > 3, part


def test_a_run_writes_the_part_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "statistics.md"
    page.write_text("before\n<!-- figures: power -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(figures, "PAGE", page)
    monkeypatch.setattr(figures.trends, "DRAWS", figures.trends.DRAWS)
    assert figures.main(["power"]) == 0
    text = page.read_text(encoding="utf-8")
    assert "| P50/D20 | 958 |" in text and "old" not in text
    assert text.startswith("before\n") and text.endswith("after\n")
    assert figures.main(["power", "weather"]) == 2
    assert "No such part: weather" in capsys.readouterr().err
