"""Lifecycle rules of buckets, each part of which must reach S3 and come back."""

from __future__ import annotations

import json
from typing import Any

from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, State
from terrace.sandbox.provider.s3 import Bucket, BucketLifecycleConfiguration
from terrace.sandbox.provider.schema import leaves

LIFECYCLE = BucketLifecycleConfiguration()


def _bucket(aws: Clients) -> dict[str, str]:
    name = f"acme-{aws.account}"
    Bucket().create(aws, {"bucket": name})
    return {"BUCKET": name}


def _rule(days: int, **where: Any) -> dict[str, Any]:
    return {
        "id": f"rule-{sorted(where)}",
        "status": "Enabled" if days < 50 else "Disabled",
        "filter": where,
        "expiration": {"days": days * 10},
        "noncurrentVersionExpiration": {"noncurrentDays": days * 2, "newerNoncurrentVersions": days // 10},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": days // 5},
        "transitions": [{"days": days, "storageClass": "STANDARD_IA" if days < 50 else "GLACIER"}],
        "noncurrentVersionTransitions": [
            {
                "noncurrentDays": days,
                "newerNoncurrentVersions": days // 10,
                "storageClass": "STANDARD_IA" if days < 50 else "GLACIER",
            }
        ],
    }


def _rules(days: int, word: str) -> list[dict[str, Any]]:
    sizes = {"objectSizeGreaterThan": days, "objectSizeLessThan": days * 100}
    year = 2030 + days // 10
    return [
        _rule(days, prefix=f"{word}/"),
        _rule(days, tag={"key": word, "value": word.upper()}),
        _rule(days, objectSizeGreaterThan=days),
        _rule(days, objectSizeLessThan=days),
        _rule(days, **{"and": {"prefix": f"{word}/", "tags": {word: "1", "b": "2"}, **sizes}}),
        {
            "id": "on-a-day",
            "status": "Enabled",
            "filter": {"prefix": f"{word}/dated"},
            "expiration": {"date": f"{year}-01-01T00:00:00Z"},
            "transitions": [{"date": f"{year - 1}-01-01T00:00:00Z", "storageClass": "GLACIER"}],
        },
        {
            "id": "markers",
            "status": "Enabled",
            "filter": {"prefix": ""},
            **({"expiration": {"expiredObjectDeleteMarker": days < 50}}),
        },
    ]


def _look_rules(aws: Clients, state: State) -> Any:
    """Return the rules with their dates as text, and tags as a map."""
    rules = aws("s3").get_bucket_lifecycle_configuration(Bucket=state.id)["Rules"]
    for rule in rules:
        both = rule["Filter"].get("And")
        if both:
            both["Tags"] = named(both["Tags"])
    return {
        "Bucket": state.id,
        "Rules": json.loads(json.dumps(rules, default=lambda day: day.strftime("%Y-%m-%dT%H:%M:%SZ"))),
    }


def _place(path: str) -> str:
    """Return where S3 shows an input of a rule: the same words with capitals, in those rules that have it."""
    words = [word[0].upper() + word[1:] for word in path.split(".")[1:]]
    if words[0].endswith("Transitions"):
        return f"Rules[?{words[0]}[0].{words[1]}].{words[0]}[*].{words[1]}"
    inner = ".".join(words).replace("Id", "ID")
    return f"Rules[?{inner} != null].{inner}"


CASE = Case(
    "lifecycle",
    LIFECYCLE,
    {"bucket": "<BUCKET>", "rules": _rules(30, "old")},
    {"bucket": "<BUCKET>", "rules": _rules(90, "new")},
    _look_rules,
    {"bucket": "Bucket", **{path: _place(path) for path in leaves(LIFECYCLE.inputs) if path.startswith("rules.")}},
    _bucket,
    fixed=frozenset({"rules.id"}),
)


def test_every_part_of_a_rule_reaches_s3_and_follows_a_change(aws: Clients) -> None:
    """Filters, ages, dates and storage classes are S3's as the program gave them."""
    live(CASE, aws)


def test_no_part_of_a_rule_is_accepted_and_lost() -> None:
    """Every input that the handler knows is shown by the case above."""
    assert uncovered(LIFECYCLE, [CASE]) == {}


def test_a_lifecycle_is_gone_with_its_bucket(aws: Clients) -> None:
    """To delete the rules of a bucket that somebody deleted is no error, and a read finds nothing."""
    inputs = {"bucket": f"never-{aws.account}", "rules": []}
    assert LIFECYCLE.read(aws, inputs["bucket"], inputs) is None
    LIFECYCLE.delete(aws, inputs["bucket"], inputs)
