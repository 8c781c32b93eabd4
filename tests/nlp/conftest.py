import time
from collections.abc import Callable

import pytest


@pytest.fixture
def cpu_seconds() -> Callable[[Callable[[], object]], float]:
    """Time of this process's own work, which other load on the machine does not lengthen much."""

    def measure(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return measure
