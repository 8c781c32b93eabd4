"""Budgets to notice growth by: raised only with a reason, in the commit that needs it."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

MAX_FILE = 400
MAX_BODY = 40
MAX_DEPENDENCIES = 35


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_file_is_longer_than_400_lines(all_sources: list[Any]) -> None:
    lengths = {source.path: source.text.count("\n") for source in all_sources}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_FILE} == {}


def test_no_function_is_longer_than_40_lines(sources: list[Any]) -> None:
    found = {
        f"{source.path}: {function.name}": body_lines(function)
        for source in sources
        for function in source.functions()
    }
    assert len(found) > 100
    assert {name: lines for name, lines in found.items() if lines > MAX_BODY} == {}


def test_no_function_takes_more_than_three_positional_arguments(sources: list[Any]) -> None:
    """Options go by keyword, so that a call can be read without the definition."""

    def positional(function: ast.FunctionDef) -> list[str]:
        names = [item.arg for item in (*function.args.posonlyargs, *function.args.args)]
        return names[1:] if names[:1] in (["self"], ["cls"]) else names

    def is_called_by_others(function: ast.FunctionDef) -> bool:
        return bool(function.decorator_list)  # a framework passes names: click, Flask

    found = {
        f"{source.path}: {function.name}": positional(function)
        for source in sources
        for function in source.functions()
        if not function.name.startswith("_") and not is_called_by_others(function)
    }
    assert {name: names for name, names in found.items() if len(names) > 4} == {}


def test_every_direct_dependency_says_why(root: Path, project: dict[str, Any]) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("\ndependencies = [\n", 1)[1].split("\n]", 1)[0].splitlines()
    assert len(block) == len(project["project"]["dependencies"]) <= MAX_DEPENDENCIES
    assert [line for line in block if not re.search(r'",\s+# \S.{10,}', line)] == []


def exceptions(source: Any) -> list[str]:
    """Lines that silence a checker without a code or without a reason."""
    found = []
    for number, line in enumerate(source.text.splitlines(), 1):
        noqa = re.search(r"#\s*noqa\b(.*)", line)
        ignore = re.search(r"#\s*type:\s*ignore\b(.*)", line)
        is_bare = (noqa and not re.match(r": [A-Z]+\d+(, [A-Z]+\d+)* - \S.{5,}", noqa[1])) or (
            ignore and not re.match(r"\[[a-z-]+(, ?[a-z-]+)*\]\s+# \S.{5,}", ignore[1])
        )
        if is_bare:
            found.append(f"{source.path}:{number}: {line.strip()}")
    return found


def test_whoever_silences_a_checker_says_which_and_why(sources: list[Any]) -> None:
    assert [line for source in sources for line in exceptions(source)] == []


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("x = 1  # no" + "qa", False),
        ("x = 1  # no" + "qa: S603", False),
        ("x = 1  # no" + "qa: S603, S607 - fixed arguments", True),
        ("x = 1  # type" + ": ignore", False),
        ("x = 1  # type" + ": ignore[override]", False),
        ("x = 1  # type" + ": ignore[override]  # their signature is wider", True),
    ],
)
def test_the_rule_about_silencing_notices(line: str, is_fine: bool) -> None:
    source = type("Source", (), {"path": "example.py", "text": line})
    assert (exceptions(source) == []) is is_fine


def test_imports_stand_at_the_top_unless_the_line_says_why(sources: list[Any]) -> None:
    found = []
    for source in sources:
        lines = source.text.splitlines()
        for function in source.functions():
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    line = lines[node.lineno - 1]
                    if not re.search(r"# no" + r"qa: PLC0415 - \S", line):
                        found.append(f"{source.path}:{node.lineno}: {line.strip()}")
    assert found == []


def test_every_folder_states_its_law(sources: list[Any], root: Path) -> None:
    folders = {(root / source.path).parent for source in sources}
    stated = {
        (root / source.path).parent
        for source in sources
        if source.path.endswith("__init__.py") and ast.get_docstring(source.tree)
    }
    assert folders - stated == set()


def test_names_explain(sources: list[Any]) -> None:
    vague = re.compile(r"(utils?|helpers?|managers?|misc|common)(\.py)?$")
    parts = {part for source in sources for part in Path(source.path).parts}
    assert [part for part in sorted(parts) if vague.search(part)] == []
