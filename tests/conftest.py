"""What every ring shares."""

from __future__ import annotations

from hypothesis import settings

# CI machines pause for seconds at times; an example is not wrong because it was slow.
settings.register_profile("terrace", deadline=None)
settings.load_profile("terrace")
