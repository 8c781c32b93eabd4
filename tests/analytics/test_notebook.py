"""The example notebook: the page in the documentation is what it prints today."""

from pathlib import Path

from tools import notebook


def test_the_page_and_its_charts_are_what_the_notebook_makes(tmp_path: Path) -> None:
    assert notebook.main([str(tmp_path)]) == 0
    made = {file.relative_to(tmp_path): file.read_text("utf-8") for file in tmp_path.rglob("*.*")}
    assert len(made) == 6
    for name, text in made.items():
        assert (notebook.DOCS / name).read_text("utf-8") == text, (
            f"docs/{name}: python -m tests.tools.notebook"
        )
