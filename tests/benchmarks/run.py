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
    page = Path(__file__).with_name("perception.py")
    sys.exit(subprocess.run([sys.executable, str(page)], check=False).returncode)


if __name__ == "__main__":
    main()
