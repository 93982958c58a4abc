"""Settings that cannot be built from are refused before anything is created, in words that help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from terrace.errors import PlanError, SettingsError
from terrace.maturity import plan
from terrace.settings import load

GOOD = """\
config:
  terrace:organisation: acme
  terrace:level: 0
  terrace:region: eu-central-1
  terrace:owner: mlops@acme.example
  terrace:budget:
    monthly: 200
"""


def read(tmp_path: Path, text: str | bytes, environment: str = "dev") -> Any:
    """Load settings from a file with this content."""
    file = tmp_path / "stacks" / f"Pulumi.{environment}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(tmp_path, environment)


def with_line(line: str) -> str:
    """Return good settings with one line more, or in place of the one with the same key."""
    key = line.split(": ")[0].strip().rstrip(":")
    kept = [old for old in GOOD.splitlines() if old.split(":", 2)[:2] != f"  {key}".split(":", 2)[:2]]
    if key == "terrace:budget":
        kept = [old for old in kept if "monthly" not in old]
    return "\n".join(kept) + f"\n  {line}\n"


BAD_VALUES = [
    # line, then what the message must name: the key, the value or cause, and what is allowed
    ("terrace:levle: 1", "terrace:levle", "level"),
    ("terrace:Level: 1", "terrace:Level", "level"),
    ("terrace:cost_centre: x", "terrace:cost_centre", "costCenter"),
    ("terrace:colour: red", "terrace:colour", "Allowed are"),
    ("terrace:environment: dev", "terrace:environment", "name of the stack"),
    ("terrace:cpacity: {}", "terrace:cpacity", "Allowed are"),
    ("terrace:network.nat: single", "terrace:network.nat", "Did you mean network: {nat: …}?"),
    ("terace:level: 1", "terace:level", "Did you mean terrace:level?"),
    ("Terrace:level: 1", "Terrace:level", "Did you mean terrace:level?"),
    ("level: 1", "the key level has no namespace", "Did you mean terrace:level?"),
    ("terrace:network: {natt: single}", "terrace:network.natt", "Did you mean nat?"),
    ("terrace:network: {bring: {vpc: vpc-12345678}}", "terrace:network.bring.vpc", "vpcId"),
    ("terrace:teams: {ml: {instancetypes: []}}", "terrace:teams.ml.instancetypes", "Did you mean instanceTypes?"),
    ("terrace:ci: {github: {organization: acme}}", "terrace:ci.github.organization", "Did you mean organisation?"),
    ("terrace:level: -1", "terrace:level is -1", "greater than or equal to 0"),
    ("terrace:level: 5", "terrace:level is 5", "less than or equal to 4"),
    ("terrace:level: two", "terrace:level is 'two'", "whole number"),
    ("terrace:level: 2.5", "terrace:level is 2.5", "whole number"),
    ("terrace:level: true", "terrace:level is True", "whole number"),
    ("terrace:level: [1]", "terrace:level is [1]", "whole number"),
    ("terrace:level: {a: 1}", "terrace:level", "whole number"),
    ("terrace:level: 'one'", "terrace:level is 'one'", "whole number"),
    ("terrace:level: 1e400", "terrace:level is '1e400'", "whole number"),
    ("terrace:account: '12345678901'", "terrace:account is '12345678901'", "12 digits"),
    ("terrace:account: '1234567890123'", "terrace:account", "12 digits"),
    ("terrace:account: 123456789012", "terrace:account is 123456789012", "quotes"),
    ("terrace:account: 012345670123", "terrace:account", "quotes"),
    ("terrace:account: 1234-5678-9012", "terrace:account", "12 digits"),
    ("terrace:account: '١٢٣٤٥٦٧٨٩٠١٢'", "terrace:account", "12 digits"),
    ("terrace:account: [1]", "terrace:account is [1]", "string"),
    ("terrace:account: ''", "terrace:account is ''", "12 digits"),
    ("terrace:region: mars-north-1", "terrace:region is 'mars-north-1'", "eu-central-1"),
    ("terrace:region: EU-CENTRAL-1", "terrace:region", "did you mean eu-central-1?"),
    ("terrace:region: eu-central-1a", "terrace:region", "did you mean eu-central-1?"),
    ("terrace:region: 7", "terrace:region is 7", "text"),
    ("terrace:owner: nobody", "terrace:owner is 'nobody'", "e-mail"),
    ("terrace:owner: a@b", "terrace:owner", "e-mail"),
    ("terrace:owner: 'a%b@acme.example'", "terrace:owner", "e-mail"),
    ("terrace:owner: {secure: AAAB}", "terrace:owner is a secret", "Secrets Manager"),
    ("terrace:owner: 'a@b.example\nx'", "terrace:owner", "e-mail"),
    ("terrace:organisation: Acme", "terrace:organisation is 'Acme'", "lower-case"),
    ("terrace:organisation: acme-", "terrace:organisation is 'acme-'", "not end with a hyphen"),
    ("terrace:organisation: -acme", "terrace:organisation", "lower-case letter"),
    ("terrace:organisation: a--b", "terrace:organisation", "single hyphens"),
    ("terrace:organisation: 1acme", "terrace:organisation", "lower-case letter"),
    ("terrace:organisation: acmé", "terrace:organisation is 'acmé'", "lower-case"),
    ("terrace:organisation: a b", "terrace:organisation is 'a b'", "lower-case"),
    ("terrace:organisation: ../..", "terrace:organisation is '../..'", "lower-case"),
    ("terrace:organisation: ${x}", "terrace:organisation is '${x}'", "lower-case"),
    ("terrace:organisation: '{{7*7}}'", "terrace:organisation is '{{7*7}}'", "lower-case"),
    ("terrace:organisation: " + "a" * 200, "terrace:organisation", "at most 16"),
    ("terrace:organisation: sg", "terrace:organisation is 'sg'", "AWS reserves"),
    ("terrace:organisation: sthree-x", "terrace:organisation is 'sthree-x'", "AWS reserves"),
    ("terrace:organisation: no", "terrace:organisation is False", "string"),
    ("terrace:organisation:", "terrace:organisation", "must be set"),
    ("terrace:organisation: ''", "terrace:organisation", "lower-case"),
    ("terrace:costCenter: '#1'", "terrace:costCenter", "letters, digits"),
    ("terrace:costCenter: " + "x" * 65, "terrace:costCenter", "1 to 64"),
    ("terrace:size: Small", "terrace:size is 'Small'", "Did you mean small?"),
    ("terrace:size: huge", "terrace:size is 'huge'", "'small', 'standard' or 'redundant'"),
    ("terrace:protect: maybe", "terrace:protect is 'maybe'", "true or false"),
    ("terrace:dataClass: secret", "terrace:dataClass is 'secret'", "'confidential'"),
    ("terrace:retentionDays: 31", "terrace:retentionDays is 31", "30, 60, 90"),
    ("terrace:retentionDays: 0", "terrace:retentionDays is 0", "1, 3, 5"),
    ("terrace:kmsDeletionDays: 6", "terrace:kmsDeletionDays is 6", "greater than or equal to 7"),
    ("terrace:kmsDeletionDays: 31", "terrace:kmsDeletionDays is 31", "less than or equal to 30"),
    ("terrace:budget: {monthly: 0}", "terrace:budget.monthly is 0", "above 0"),
    ("terrace:budget: {monthly: -5}", "terrace:budget.monthly is -5", "above 0"),
    ("terrace:budget: {monthly: .nan}", "terrace:budget.monthly is nan", "no number"),
    ("terrace:budget: {monthly: 1.0e+400}", "terrace:budget.monthly is inf", "no number"),
    ("terrace:budget: {monthly: 20000000}", "terrace:budget.monthly", "at most 10000000"),
    ("terrace:budget: {monthly: lots}", "terrace:budget.monthly is 'lots'", "number of US dollars"),
    ("terrace:budget: {}", "terrace:budget.monthly", "must be set"),
    ("terrace:budget: 200", "terrace:budget is 200", "Allowed are: emails, monthly"),
    ("terrace:budget: {monthly: 1, mails: []}", "terrace:budget.mails", "emails"),
    ("terrace:budget: {monthly: 1, emails: [x]}", "terrace:budget.emails.0 is 'x'", "e-mail"),
    ("terrace:alerts: {emails: a@b.example}", "terrace:alerts.emails is 'a@b.example'", "a list, even of one"),
    ("terrace:network: {cidr: 10.0.0.0/8}", "terrace:network.cidr is '10.0.0.0/8'", "/16 to /20"),
    ("terrace:network: {cidr: 10.0.0.1/16}", "terrace:network.cidr is '10.0.0.1/16'", "host bits"),
    ("terrace:network: {cidr: 8.8.0.0/16}", "terrace:network.cidr is '8.8.0.0/16'", "private"),
    ("terrace:network: {cidr: 300.0.0.0/16}", "terrace:network.cidr", "10.0.0.0/16"),
    ("terrace:network: {cidr: fd00::/16}", "terrace:network.cidr", "IPv4"),
    ("terrace:network: {zones: 1}", "terrace:network.zones is 1", "greater than or equal to 2"),
    ("terrace:network: {zones: 9}", "terrace:network.zones is 9", "less than or equal to 3"),
    ("terrace:network: {nat: double}", "terrace:network.nat is 'double'", "'single', 'per-zone' or 'none'"),
    ("terrace:network: {bring: {vpcId: vpc-1}}", "terrace:network.bring.subnetIds", "must be set"),
    (
        "terrace:network: {bring: {vpcId: x, subnetIds: [subnet-1], securityGroupId: sg-12345678}}",
        "terrace:network.bring.vpcId is 'x'",
        "vpc-",
    ),
    ("terrace:workbench: {idleMinutes: 5}", "terrace:workbench.idleMinutes is 5", "greater than or equal to 60"),
    ("terrace:workbench: {auth: LDAP}", "terrace:workbench.auth is 'LDAP'", "'IAM' or 'SSO'"),
    ("terrace:workbench: {profiles: [Ada L]}", "terrace:workbench.profiles.0 is 'Ada L'", "lower-case"),
    ("terrace:workbench: {bring: studio}", "terrace:workbench.bring is 'studio'", "d-"),
    ("terrace:encryption: {bring: {data: my-key}}", "terrace:encryption.bring.data is 'my-key'", "ARN"),
    (
        "terrace:encryption: {bring: {data: 'arn:aws:s3:::bucket'}}",
        "terrace:encryption.bring.data",
        "arn:aws:kms:",
    ),
    ("terrace:identity: {boundaryArn: 'arn:aws:iam::123456789012:role/x'}", "terrace:identity.boundaryArn", "policy/"),
    ("terrace:identity: {boundaryArn: x}", "terrace:identity.boundaryArn is 'x'", "ARN"),
    (
        "terrace:network: {nat: none, bring: {vpcId: vpc-12345678, subnetIds: [subnet-1], securityGroupId: sg-12345678}}",  # noqa: E501
        "terrace:network.bring",
        "nat beside it would do nothing",
    ),
    ("terrace:packages: {source: nat, index: 'https://x.example'}", "packages.source is nat", "source index"),
    ("terrace:packages: {source: index}", "terrace:packages", "packages.index"),
    ("terrace:packages: {source: pypi}", "terrace:packages.source is 'pypi'", "'codeartifact'"),
    ("terrace:packages: {source: index, index: 'http://x'}", "terrace:packages.index", "https"),
    ("terrace:ci: {github: {organisation: acme}}", "terrace:ci.github.organisationId", "must be set"),
    ("terrace:ci: {github: {organisation: acme, organisationId: 12}}", "organisationId is 12", "quotes"),
    ("terrace:ci: {branch: 'a b'}", "terrace:ci.branch is 'a b'", "git branch"),
    ("terrace:teams: {}", "terrace:teams", "at least 1"),
    ("terrace:teams: {Big Team: {}}", "terrace:teams.Big Team", "lower-case"),
    ("terrace:teams: {a: {budgets: 1}}", "terrace:teams.a.budgets", "budget"),
    ("terrace:teams: {a: {instanceTypes: [m5.large]}}", "instanceTypes.0 is 'm5.large'", "ml.m5.large"),
    ("terrace:teams: {a: {prefixes: [../b]}}", "prefixes.0 is '../b'", "path"),
    ("terrace:capabilities: {packages: 1}", "terrace:capabilities.packages is 1", "true or false"),
    ("terrace:keep: packages", "terrace:keep is 'packages'", "['packages']"),
]


@pytest.mark.parametrize(("line", "names", "allowed"), BAD_VALUES, ids=[case[0][:60] for case in BAD_VALUES])
def test_a_bad_value_is_refused(tmp_path: Path, line: str, names: str, allowed: str) -> None:
    """A bad value is refused with file, key, value and what is allowed."""
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, with_line(line))
    said = str(refused.value)
    assert "Pulumi.dev.yaml" in said
    assert names in said
    assert allowed in said


def test_packages_need_the_way_out_that_they_take(tmp_path: Path) -> None:
    """Packages through NAT and a network without NAT exclude each other; the refusal names both keys and ways out."""
    with pytest.raises(SettingsError, match=r"packages\.source is nat.*network\.nat is none.*single or per-zone"):
        read(tmp_path, GOOD + "  terrace:packages: {source: nat}\n  terrace:network: {nat: none}\n")


@pytest.mark.parametrize(
    ("line", "names", "way_out"),
    [
        ("terrace:protect: false", "terrace:protect is false", "terrace destroy prod --delete-data"),
        ("terrace:retentionDays: 90", "terrace:retentionDays is 90", "365, 400"),
        ("terrace:kmsDeletionDays: 7", "terrace:kmsDeletionDays is 7", "use 30"),
        (
            "terrace:network: {bring: {vpcId: vpc-12345678, subnetIds: [subnet-1], securityGroupId: sg-12345678}}",
            "terrace:network.bring.subnetIds has one subnet",
            "a subnet in each",
        ),
    ],
)
def test_production_is_not_made_weaker(tmp_path: Path, line: str, names: str, way_out: str) -> None:
    """What may be said of dev is refused of prod where it would weaken it; without the key prod has what it needs."""
    assert read(tmp_path, with_line(line))
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, with_line(line), "prod")
    assert names in str(refused.value)
    assert way_out in str(refused.value)


BOMB = "config:\n  a: &a [x, x]\n  b: &b [*a, *a]\n  c: [*b, *b]\n"
BAD_FILES: list[tuple[str, str | bytes, str]] = [
    ("duplicate key", GOOD + "  terrace:level: 1\n", "'terrace:level' is there twice"),
    ("duplicate inner key", GOOD + "  terrace:network: {zones: 2, zones: 3}\n", "'zones' is there twice"),
    ("alias bomb", BOMB, "alias *a is not allowed"),
    ("tab", GOOD + "\tterrace:size: small\n", "tab"),
    ("a list", "- a\n- b\n", "must be a mapping"),
    ("text", "hello\n", "must be a mapping"),
    ("config is a list", "config: [1]\n", "config must be a mapping"),
    ("number as key", "config:\n  1: 2\n", "key 1 must be text"),
    ("not closed", "config: {a: 1\n", "line"),
    ("python object", "config: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    ("not utf-8", b"config:\n  terrace:owner: \xff\n", "not UTF-8"),
    ("too large", "#" * 300_000, "at most"),
    ("deep nesting", "config: " + "[" * 5000 + "]" * 5000, "Pulumi.dev.yaml"),
    ("a control character", "config: \x07\n", "Pulumi.dev.yaml"),
    ("a key beside config", "confg:\n  terrace:level: 1\n", "unknown key confg. Did you mean config?"),
    ("a setting beside config", GOOD + "terrace:size: small\n", "unknown key terrace:size. It belongs under config"),
    ("utf-16", GOOD.encode("utf-16"), "not UTF-8"),
    ("two documents", GOOD + "---\nconfig: {}\n", "expected a single document"),
    ("a merge key", GOOD + "  <<: {terrace:size: small}\n", "Pulumi.dev.yaml"),
    ("nothing in it", "", "terrace:organisation is missing"),
]


@pytest.mark.parametrize(("name", "text", "says"), BAD_FILES, ids=[case[0] for case in BAD_FILES])
def test_a_bad_file_is_refused(tmp_path: Path, name: str, text: str | bytes, says: str) -> None:
    """YAML that reads as something else than it looks is refused, with the file."""
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    assert "Pulumi.dev.yaml" in str(refused.value)
    assert says in str(refused.value)


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    """A file that an editor saved with a byte order mark reads like any other."""
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()).organisation == "acme"


def test_an_unknown_environment_names_those_that_there_are(tmp_path: Path) -> None:
    """Asking for an environment without a file names the environments that have one."""
    read(tmp_path, GOOD)
    with pytest.raises(SettingsError, match=r"'devv'.*There are: dev"):
        load(tmp_path, "devv")


@pytest.mark.parametrize("environment", ["../dev", "Prod", "a" * 13, "dev-", "dév", "{{7}}"])
def test_a_bad_environment_is_refused(tmp_path: Path, environment: str) -> None:
    """An environment is a part of every name, so its own name is checked too."""
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    if "/" not in environment:
        (stacks / f"Pulumi.{environment}.yaml").write_text(GOOD)
    with pytest.raises(SettingsError, match="environment"):
        load(tmp_path, environment)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    """Somebody with three mistakes hears of three."""
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, with_line("terrace:level: 9").replace("eu-central-1", "moon").replace("200", "0"))
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    ("switch", "cause", "way_out"),
    [
        ("packges: true", "packges", "Did you mean packages?"),
        ("serving: true", "'serving', which is no capability of a platform", "Allowed are"),
        ("network: false", "terrace:capabilities.network is false", "Switch workbench off too"),
        ("encryption: false", "storage", "leave encryption on"),
        ("storage: false", "identity", "leave storage on"),
    ],
)
def test_a_switch_that_cannot_be_is_refused(tmp_path: Path, switch: str, cause: str, way_out: str) -> None:
    """A switch is refused with the key, what still requires it, and the way out."""
    settings = read(tmp_path, with_line(f"terrace:capabilities: {{{switch}}}"))
    with pytest.raises(PlanError) as refused:
        plan(settings)
    said = str(refused.value)
    assert "terrace:capabilities" in said
    assert cause in said
    assert way_out in said


def test_a_network_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """Without NAT, a network needs endpoints to AWS's services; the refusal names both ways out."""
    settings = read(tmp_path, with_line("terrace:network: {nat: none}"))
    with pytest.raises(PlanError, match=r"network\.nat is none.*single or per-zone.*private-network to true"):
        plan(settings)
    assert plan(settings.model_copy(update={"level": 1}))
    assert plan(settings.model_copy(update={"capabilities": {"private-network": True}}))


@pytest.mark.parametrize("kept", ["budget", "storge"])
def test_keeping_what_has_no_stores_is_refused(tmp_path: Path, kept: str) -> None:
    """`keep` takes capabilities with stores alone."""
    settings = read(tmp_path, with_line(f"terrace:keep: [{kept}]"))
    with pytest.raises(PlanError, match=f"terrace:keep names.*{kept}"):
        plan(settings)


@pytest.mark.parametrize("level", [3, 4])
def test_a_level_that_is_not_built_is_refused_by_name(tmp_path: Path, level: int) -> None:
    """Levels above 2 are described and planned, and refused at `up` with what is missing."""
    asked = plan(read(tmp_path, with_line(f"terrace:level: {level}")))
    with pytest.raises(PlanError, match=rf"terrace:level {level} .*audit.*promotion"):
        asked.refuse_unbuilt()


def test_a_single_capability_that_is_not_built_is_refused_by_name(tmp_path: Path) -> None:
    """Switching one unbuilt capability on is refused like a level would be."""
    asked = plan(read(tmp_path, with_line("terrace:capabilities: {kubernetes: true}")))
    with pytest.raises(PlanError, match="kubernetes"):
        asked.refuse_unbuilt()
