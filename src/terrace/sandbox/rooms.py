"""The rooms of the server, in the order they are installed in."""

from __future__ import annotations

from terrace.sandbox.builds.room import Builds
from terrace.sandbox.containers import Containers
from terrace.sandbox.endpoints import Endpoints
from terrace.sandbox.events import Events
from terrace.sandbox.images import Images
from terrace.sandbox.jobs import Jobs
from terrace.sandbox.lineage import Lineage
from terrace.sandbox.pipelines import Pipelines
from terrace.sandbox.plugin import Plugin
from terrace.sandbox.registry import Registry
from terrace.sandbox.room import Room
from terrace.sandbox.search import Search
from terrace.sandbox.services import Services
from terrace.sandbox.tracking import Tracking
from terrace.sandbox.validation import Validation


def rooms() -> list[Room]:
    """Return a fresh set of rooms."""
    images, containers = Images(), Containers()
    # Containers come last: what runs in them is ended by those who run it first.
    return [
        Services(),
        Validation(),
        Events(),
        images,
        Endpoints(images, containers),
        Builds(containers),
        Jobs(images, containers),
        Pipelines(),
        Registry(),
        Tracking(containers),
        Lineage(),
        Search(),
        Plugin(),
        containers,
    ]
