"""One host for each module: it starts in a second and builds a component in a tenth of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from host.serving import Host, running


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Return a running host of the checkout's components."""
    with running() as found:
        yield found
