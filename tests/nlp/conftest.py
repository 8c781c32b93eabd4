import time
from collections.abc import Callable
from pathlib import Path

import pytest
from encoders import Tiny

from nlp.encoder import Encoder


@pytest.fixture
def cpu_seconds() -> Callable[[Callable[[], object]], float]:
    """Time of this process's own work, which other load on the machine does not lengthen much."""

    def measure(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return measure


@pytest.fixture(scope="module")
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture(scope="module")
def directory(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.directory(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def encoder(directory: Path) -> Encoder:
    return Encoder.open(directory)


@pytest.fixture
def copy(directory: Path, tmp_path: Path) -> Path:
    """A model directory of which a test may break something."""
    for path in directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path
