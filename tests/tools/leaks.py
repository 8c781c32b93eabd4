"""How many made-up workspaces give somebody away: `python -m tests.tools.leaks`."""

import sys
from pathlib import Path

import numpy as np

folders = (".", "analytics", "analytics/privacy")
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in folders]

from test_together import (  # noqa: E402 - found by the path above
    atoms_of,
    given_away,
    people_of,
    tables_of,
)

from analytics.privacy.suppress import hidden_rows  # noqa: E402 - the same
from analytics.privacy.together import suppress_together  # noqa: E402 - the same

WORKSPACES, PEOPLE = 500, 14


def main() -> None:
    """Count workspaces with a group of one to four given away, and hidden rows."""
    ways = ("n of 5 or more", "each table by itself", "together")
    leaks, rows = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0)
    for seed in range(1000, 1000 + WORKSPACES):
        answers = people_of(seed, many=PEOPLE)
        tables, atoms = tables_of(answers), atoms_of(answers)
        plain = [np.asarray(table.people) < 5 for table in tables]
        alone = [
            hidden_rows(table.keys, np.asarray(table.people), k=5) if at else plain[0]
            for at, table in enumerate(tables)
        ]
        for way, hidden in zip(ways, (plain, alone, suppress_together(tables, atoms)), strict=True):
            leaks[way] += bool(given_away(answers, tables, hidden))
            rows[way] += int(np.concatenate(hidden).sum())
    for way in ways:
        print(f"{way}: {leaks[way]} of {WORKSPACES} given away, {rows[way]} rows hidden")


if __name__ == "__main__":
    main()
