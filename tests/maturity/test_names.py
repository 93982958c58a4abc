"""Names are legal for every service, the same at every run, and apart where what they name is apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maturity.strategies import slugs

from terrace.maturity import names

KINDS = sorted(names.LIMITS)
ORGANISATIONS = slugs(16).filter(lambda slug: not f"{slug}-".startswith(names.RESERVED_PREFIXES))
LABELS = (ORGANISATIONS, slugs(12), slugs(16), slugs(32), slugs(40))


@given(st.sampled_from(KINDS), st.tuples(*LABELS))
def test_a_name_is_legal_for_its_service(kind: str, labels: tuple[str, ...]) -> None:
    """Whatever labels settings allow make a name that the service takes."""
    name = names.physical(kind, *labels, account="123456789012")
    limit = names.LIMITS[kind]
    assert len(name) <= limit.longest
    assert re.fullmatch(limit.pattern, name)
    assert name == names.physical(kind, *labels, account="123456789012")


@given(st.sampled_from(KINDS), st.text("ab", min_size=30, max_size=30), st.lists(slugs(12), min_size=2, max_size=2))
def test_names_alike_in_their_first_fifty_characters_stay_apart(kind: str, same: str, ends: list[str]) -> None:
    """Cutting a long name keeps a hash of all of it."""
    first, second = ends
    if first != second:
        shared = ("acme", "dev", "x" * 16, f"a{same}")
        made = [names.physical(kind, *shared, end, account="123456789012") for end in ends]
        assert made[0] != made[1]


@given(st.tuples(*LABELS))
def test_a_name_that_has_room_says_every_label_in_order(labels: tuple[str, ...]) -> None:
    """A name that is not cut says organisation, environment, team, model and purpose, in this order."""
    name = names.physical("topic", *labels)
    assert name.startswith(f"{labels[0]}-{labels[1]}-")
    assert name.endswith(f"-{labels[3]}-{labels[4]}")
    assert f"-{labels[2]}-" in name


def test_a_name_without_inner_hyphens_is_plain() -> None:
    """Nothing is added to what can be read in one way only; the model may have hyphens."""
    assert names.physical("endpoint", "acme-bank", "dev", "risk", "credit-score") == "acme-bank-dev-risk-credit-score"
    assert names.physical("bucket", "acme", "dev", "data", account="9" * 12) == f"acme-dev-data-{'9' * 12}"


@given(st.sampled_from(KINDS), slugs(12), slugs(16), slugs(32), slugs(8), st.data())
def test_labels_that_are_split_otherwise_make_another_name(
    kind: str, environment: str, team: str, model: str, purpose: str, data: st.DataObject
) -> None:
    """Model `b-c` of team `a` and model `c` of team `a-b` are two, and so are environments that end in a team."""
    words = [*environment.split("-"), *team.split("-"), *model.split("-")]
    first = data.draw(st.integers(1, len(words) - 2))
    second = data.draw(st.integers(first + 1, len(words) - 1))
    other = ("-".join(words[:first]), "-".join(words[first:second]), "-".join(words[second:]))
    if other != (environment, team, model):
        one = names.physical(kind, "acme", environment, team, model, purpose, account="123456789012")
        assert one != names.physical(kind, "acme", *other, purpose, account="123456789012")


@given(st.tuples(*LABELS[:4], slugs(names.LONGEST_END)))
def test_a_role_begins_and_ends_as_policies_name_it(labels: tuple[str, ...]) -> None:
    """Policies name roles by environment and purpose, so a role's name keeps both where it is cut."""
    role = names.physical("role", *labels)
    assert role.startswith(f"{labels[0]}-{labels[1]}-")
    assert role.endswith(f"-{labels[4]}")


def test_a_bucket_needs_the_account() -> None:
    """All accounts share the names of buckets, so the account is in them."""
    with pytest.raises(ValueError, match="account id"):
        names.physical("bucket", "acme", "dev", "data")


def test_an_unknown_kind_is_refused() -> None:
    """A kind whose limits are not known is refused with those that are."""
    with pytest.raises(ValueError, match=r"'lambda'; there are: .*bucket"):
        names.physical("lambda", "acme", "dev")


def test_an_illegal_label_is_refused() -> None:
    """A label that no setting would have let through makes no name."""
    with pytest.raises(ValueError, match="no legal name"):
        names.physical("endpoint", "acme", "dev", "${x}")


@given(slugs(12))
def test_a_made_up_account_is_stable_and_looks_like_one(environment: str) -> None:
    """An environment has the same made-up account on every machine."""
    account = names.made_up_account(environment)
    assert re.fullmatch(r"9\d{11}", account)
    assert account == names.made_up_account(environment)


@given(st.lists(slugs(12), min_size=2, max_size=2, unique=True))
def test_two_environments_have_two_accounts(environments: list[str]) -> None:
    """Environments do not share an account in the sandbox."""
    assert len({names.made_up_account(environment) for environment in environments}) == 2
