from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def one_thread() -> Iterator[None]:
    # torch's threads and those of numpy and scipy, whose waiting would count as work
    with threadpool_limits(1):
        yield
