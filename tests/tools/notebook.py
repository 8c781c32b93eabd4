"""Run the example notebook and write its page, docs/notebook.md, with tables and charts.

    python -m tests.tools.notebook [FOLDER]

Writes FOLDER/notebook.md and FOLDER/notebook/NAME.svg (docs). Cells start with `# %%`; those of
text become text, the others their code and what they print.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from unittest import mock

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = DOCS / "notebook" / "perception.py"
CELL = re.compile(
    r"^# %%(?P<text> \[markdown\])?\n(?P<body>.*?)(?=^# %%|\Z)", re.MULTILINE | re.DOTALL
)


def page(folder: Path) -> str:
    """The page's Markdown; the charts are written to `folder`."""
    names: dict[str, object] = {"__name__": "notebook"}
    said = ["<!-- Made by `python -m tests.tools.notebook` from notebook/perception.py. -->"]
    hidden = mock.patch.dict(sys.modules, {"IPython": None, "IPython.display": None})
    with hidden, mock.patch.dict(os.environ, {"NOTEBOOK_FOLDER": str(folder)}):
        for cell in CELL.finditer(SOURCE.read_text(encoding="utf-8")):
            body = cell["body"].strip()
            if cell["text"]:
                said.append("\n".join(line[2:] for line in body.splitlines()))
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(body, str(SOURCE), "exec"), names)  # our own file
            said += [
                f"```python\n{body}\n```",
                *_output(printed.getvalue()),
            ]
    return "\n\n".join(said) + "\n"


def _output(printed: str) -> list[str]:
    """What a cell printed: charts as pictures, first, the rest as it was."""
    lines = printed.rstrip().splitlines()
    charts = [line.replace("](", "](notebook/") for line in lines if line.startswith("![")]
    rest = "\n".join(line.rstrip() for line in lines if not line.startswith("!["))
    return [*charts, *([f"```text\n{rest}\n```"] if rest else [])]


def main(arguments: list[str]) -> int:
    """Write the page and its charts."""
    folder = Path(arguments[0]) if arguments else DOCS
    (folder / "notebook").mkdir(exist_ok=True)
    (folder / "notebook.md").write_text(page(folder / "notebook"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
