"""`make benchmark`: ratios, both sides of each measured in turn in one run.

Not a test: figures depend on the machine and on what else runs there, ratios much less so.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import imports
import submissions


def main() -> None:
    """Print one line for each comparison."""
    with tempfile.TemporaryDirectory() as folder:
        for part in (submissions, imports):
            place = Path(folder) / part.__name__
            place.mkdir()
            print(part.measure(place), flush=True)
    for script in ("comments.py", "perception.py"):  # each in a process of its own
        command = [sys.executable, str(Path(__file__).with_name(script))]
        if code := subprocess.run(command, check=False).returncode:
            sys.exit(code)


if __name__ == "__main__":
    main()
