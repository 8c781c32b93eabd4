"""`make benchmark`: ratios, both sides of each measured in turn in one run.

Its options are those of `engine.py`, the part that takes longest: `make benchmark ROWS=100M`.

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
    scripts = {"comments.py": [], "perception.py": [], "engine.py": sys.argv[1:]}
    for script, options in scripts.items():  # each in a process of its own
        command = [sys.executable, str(Path(__file__).with_name(script)), *options]
        if code := subprocess.run(command, check=False).returncode:
            sys.exit(code)


if __name__ == "__main__":
    main()
