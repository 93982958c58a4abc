"""Settings, model settings and labels as hypothesis makes them."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from terrace.maturity import CAPABILITIES, ModelSettings, PlatformSettings
from terrace.maturity.fields import RETENTION_DAYS
from terrace.maturity.names import RESERVED_PREFIXES
from terrace.maturity.regions import REGIONS


def slugs(longest: int) -> st.SearchStrategy[str]:
    """Labels as settings allow them: lower case, digits, single hyphens."""
    word = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=longest)
    joined = st.lists(word, min_size=1, max_size=4).map("-".join)
    return joined.filter(lambda slug: len(slug) <= longest and slug[0] in string.ascii_lowercase)


PLATFORM_IDS = [c.id for c in CAPABILITIES.values() if c.scope == "platform"]
STORE_IDS = [c.id for c in CAPABILITIES.values() if c.scope == "platform" and c.holds_data]


@st.composite
def platform_settings(draw: st.DrawFn, level: st.SearchStrategy[int] | None = None, **fixed: Any) -> PlatformSettings:
    """Settings of a platform that can be built from, with nothing switched off."""
    environment = draw(st.sampled_from(["dev", "staging", "prod"]) | slugs(12))
    production = environment == "prod"
    return PlatformSettings(
        organisation=draw(slugs(16).filter(lambda slug: not f"{slug}-".startswith(RESERVED_PREFIXES))),
        environment=environment,
        level=draw(level or st.integers(0, 4)),
        region=draw(st.sampled_from(REGIONS)),
        owner="mlops@acme.example",
        budget={"monthly": draw(st.floats(0.01, 1e7))},
        account=draw(st.none() | st.from_regex(r"\A[0-9]{12}\Z")),
        size=draw(st.sampled_from([None, "small", "standard", "redundant"])),
        protect=draw(st.sampled_from([None, True] if production else [None, True, False])),
        retention_days=draw(st.none() | st.sampled_from([d for d in RETENTION_DAYS if d >= 365 or not production])),
        teams=draw(st.dictionaries(slugs(16), st.just({}), min_size=1, max_size=4)),
        capabilities=draw(st.dictionaries(st.sampled_from(PLATFORM_IDS), st.just(True), max_size=4)),
        tracking=draw(
            st.sampled_from(
                [
                    {},
                    {"kind": "app"},
                    {"kind": "server", "size": "large"},
                    {"kind": "mlflow", "uri": "https://mlflow.acme.example"},
                    {"kind": "wandb"},
                ]
            )
        ),
        keep=draw(st.lists(st.sampled_from(STORE_IDS), unique=True, max_size=4)),
        **fixed,
    )


@st.composite
def model_settings(draw: st.DrawFn, **fixed: Any) -> ModelSettings:
    """Settings of a model that can be built from, in an environment that is not production."""
    mode = draw(st.sampled_from([None, "serverless", "realtime"]))
    sizes: dict[str, Any] = {}
    if mode == "realtime":
        sizes = {"instance_type": "ml.c5.large", "instance_count": draw(st.integers(1, 100))}
    elif draw(st.booleans()):
        sizes = {"memory_mb": draw(st.sampled_from([1024, 2048, 6144])), "max_concurrency": draw(st.integers(1, 200))}
    return ModelSettings(
        **{
            "model": draw(slugs(32)),
            "environment": "dev",
            "region": "eu-central-1",
            "team": "ml",
            "owner": "ada@acme.example",
            "level": draw(st.none() | st.integers(0, 4)),
            "mode": mode,
            "training": draw(
                st.sampled_from([{}, {"schedule": "rate(1 day)"}, {"on_new_data": False, "late_after_hours": 48}])
            ),
            **sizes,
            **fixed,
        }
    )
