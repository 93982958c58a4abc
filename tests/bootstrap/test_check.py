"""What the report says of an account, and of what it may not read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from terrace.bootstrap.check import Check, check
from terrace.bootstrap.existing import Kind, existing
from terrace.bootstrap.quotas import Quota, quotas
from terrace.maturity import PlatformSettings
from terrace.target import Target

Of = Callable[..., PlatformSettings]


def of_kind(kinds: tuple[Kind, ...] | list[Kind], what: str) -> Kind:
    """Return what was found of one kind."""
    return next(kind for kind in kinds if what in kind.what)


def named(found: list[Quota] | tuple[Quota, ...], quota: str) -> Quota:
    """Return one quota by a part of its name."""
    return next(one for one in found if quota in one.need.quota)


class ServiceQuotas:
    """Service Quotas of an account, two a page, as the real one answers."""

    def __init__(self, values: dict[str, float]) -> None:
        self.values = values

    def can_paginate(self, _operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_service_quotas"
        return self

    def paginate(self, ServiceCode: str) -> Any:  # noqa: N803  (the API's name)
        rows = [
            {"QuotaName": name, "QuotaCode": f"L-{number:08d}", "Value": value, "Adjustable": True}
            for number, (name, value) in enumerate(self.values.items())
        ]
        return [{"Quotas": rows[:2]}, {"Quotas": rows[2:]}]


def with_quotas(target: Target, **values: float) -> Target:
    """Give a target a Service Quotas of its own."""
    target._clients["service-quotas"] = ServiceQuotas({name.replace("_", " "): value for name, value in values.items()})
    return target


ENOUGH = {
    "EC2-VPC Elastic IPs": 5,
    "Interface VPC endpoints per VPC": 50,
    "Internet gateways per Region": 5,
    "Maximum total concurrency that can be allocated across all serverless endpoints": 10,
    "NAT gateways per Availability Zone": 5,
    "VPCs per Region": 5,
    "ml.m5.large for endpoint usage": 2,
    "ml.m5.large for training job usage": 2,
}


def test_what_is_there_comes_with_the_key_that_brings_it(of: Of, target: Target) -> None:
    """Provider, boundary, VPC with its endpoints and domain are named, each with a setting that settings accept."""
    iam, ec2 = target.client("iam"), target.client("ec2")
    provider = iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"]
    )["OpenIDConnectProviderArn"]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName="org-boundary", PolicyDocument=json.dumps(deny))["Policy"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.logs", VpcEndpointType="Interface")
    domain = (
        target.client("sagemaker")
        .create_domain(
            DomainName="theirs",
            AuthMode="IAM",
            DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{target.account}:role/x"},
            SubnetIds=[subnet],
            VpcId=vpc,
        )["DomainArn"]
        .rpartition("/")[2]
    )

    kinds = existing(of(), target)
    assert of_kind(kinds, "OIDC").items[0].setting == f"terrace:ci.github.providerArn: {provider}"
    assert of_kind(kinds, "boundaries").items[0].setting == f"terrace:identity.boundaryArn: {boundary}"
    (network,) = of_kind(kinds, "VPC").items
    assert network.setting.startswith(f"terrace:network.bring: {{vpcId: {vpc}, subnetIds: [{subnet}]")
    assert network.note.startswith("10.9.0.0/16, endpoints: logs")
    assert of_kind(kinds, "domains").items[0].setting == f"terrace:workbench.bring: {domain}"

    of(
        identity={"boundaryArn": boundary},
        ci={"github": {"organisation": "acme", "organisationId": "1", "providerArn": provider}},
        network={"bring": {"vpcId": vpc, "subnetIds": [subnet], "securityGroupId": "sg-0a1b2c3d"}},
        workbench={"bring": domain},
    )


def test_what_is_brought_is_said_to_be(of: Of, target: Target) -> None:
    """What the settings bring already is not offered again, and what is the environment's own is called so."""
    ec2 = target.client("ec2")
    tags = [{"Key": "environment", "Value": "dev"}, {"Key": "terrace", "Value": "0"}]
    own = ec2.create_vpc(CidrBlock="10.8.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    bare = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    notes = {item.id: item for item in of_kind(existing(of(), target), "VPC").items}
    assert notes[own["Vpc"]["VpcId"]].note.startswith("this environment's own")
    assert "it has no private subnet" in notes[bare].note
    bring = {"vpcId": bare, "subnetIds": ["subnet-1"], "securityGroupId": "sg-0a1b2c3d"}
    notes = {item.id: item for item in of_kind(existing(of(network={"bring": bring}), target), "VPC").items}
    assert notes[bare].note.startswith("brought")
    assert not any(item.setting for item in notes.values())


def test_a_trail_is_described_and_not_offered_before_there_is_a_key_for_it(of: Of, target: Target) -> None:
    """A key that settings refuse is no advice."""
    target.client("s3").create_bucket(
        Bucket=f"trail-{target.account}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    target.client("cloudtrail").create_trail(
        Name="org", S3BucketName=f"trail-{target.account}", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    (trail,) = of_kind(existing(of(), target), "trails").items
    assert "all regions, validated, no customer key" in trail.note
    assert trail.setting == ""


@pytest.mark.parametrize(
    ("service", "operation", "code", "what"),
    [
        ("iam", "list_open_id_connect_providers", "AccessDenied", "OIDC"),
        ("cloudtrail", "describe_trails", "AccessDeniedException", "trails"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation", "VPC"),
        ("sagemaker", "list_domains", "AccessDeniedException", "domains"),
        ("sso-admin", "list_instances", "AccessDeniedException", "Identity Center"),
    ],
)
def test_what_may_not_be_read_is_not_taken_as_absent(
    of: Of, target: Target, service: str, operation: str, code: str, what: str
) -> None:
    """A refusal is reported with its reason, for people and as data, and the rest of the report is there."""
    with Stubber(target.client(service)) as stubbed:
        stubbed.add_client_error(operation, code, "not authorized to perform it")
        if service == "iam":
            stubbed.add_response("list_policies", {"Policies": []})
        kinds = existing(of(), target)
    kind = of_kind(kinds, what)
    assert kind.lines() == [f"{kind.what}: could not be read: {code}: not authorized to perform it"]
    assert (kind.to_json()["found"], kind.to_json()["could_not_be_read"]) == (None, kind.why)
    assert [other.what for other in kinds if other.why] == [kind.what]


def test_a_caller_that_cannot_be_read_does_not_end_the_report(of: Of, target: Target) -> None:
    """Not even the first line is a reason to say nothing of the rest."""
    with Stubber(target.client("sts")) as stubbed:
        stubbed.add_client_error("get_caller_identity", "ExpiredToken", "expired")
        report = check(of(), target)
    assert report.unread[0] == "caller"
    assert "could not be read: ExpiredToken: expired" in report.lines()[1]


def test_our_own_mistakes_are_not_reported_as_aws_s(of: Of, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only errors of AWS become a reason; a bug stays an error."""
    monkeypatch.setattr("terrace.bootstrap.existing.pages", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        existing(of(), target)


def test_quotas_that_suffice_ask_for_nothing(of: Of, target: Target) -> None:
    """With room for the plan there is no request."""
    report = check(of(), with_quotas(target, **ENOUGH))
    assert report.requests == []
    assert all(quota.enough for quota in report.quotas)
    assert {quota.need.group for quota in report.quotas} == {"training", "endpoint", "network"}


def test_training_and_endpoints_are_asked_for_apart(of: Of, target: Target) -> None:
    """A new account has 0 of both: two requests, exact, with the codes that the account's own list has."""
    values = {**ENOUGH, "ml.m5.large for endpoint usage": 0, "ml.m5.large for training job usage": 0}
    report = check(of(environment="prod"), with_quotas(target, **values))
    codes = {name: f"L-{number:08d}" for number, name in enumerate(values)}
    command = "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code {} "
    assert report.requests == [
        command.format(codes["ml.m5.large for training job usage"]) + "--desired-value 1 --region eu-central-1",
        command.format(codes["ml.m5.large for endpoint usage"]) + "--desired-value 2 --region eu-central-1",
    ]
    assert report.requests[0] in [line.strip() for line in report.lines()]


def test_each_permitted_instance_type_has_quotas_of_its_own(of: Of, target: Target) -> None:
    """Teams' instance types are what the plan needs."""
    found = quotas(of(teams={"ml": {"instanceTypes": ["ml.c5.large", "ml.g4dn.xlarge"]}}), with_quotas(target))
    wanted = [one.need.quota for one in found if one.need.group == "training"]
    assert wanted == ["ml.c5.large for training job usage", "ml.g4dn.xlarge for training job usage"]


def test_what_others_use_is_added_and_our_own_is_not(of: Of, target: Target) -> None:
    """An address that the environment has already is in its plan; somebody else's takes room."""
    ec2 = target.client("ec2")
    ec2.allocate_address(Domain="vpc")
    own = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "environment", "Value": "prod"}]}]
    ec2.allocate_address(Domain="vpc", TagSpecifications=own)
    addresses = named(quotas(of(environment="prod"), with_quotas(target, **ENOUGH)), "Elastic IPs")
    assert (addresses.need.plan, addresses.used, addresses.wanted) == (3, 1, 4)
    assert addresses.enough is True


def test_the_default_of_aws_is_named_as_such_and_never_as_the_account_s(of: Of, target: Target) -> None:
    """Where the account's quotas cannot be listed, AWS's defaults stand in, and both are said."""
    report = check(of(), target)
    vpcs = named(report.quotas, "VPCs per Region")
    assert (vpcs.value, vpcs.is_default) == (5.0, True)
    assert vpcs.why is not None
    assert "VPCs per Region" in report.unread
    assert any("(AWS's default; the account's own could not be read)" in line for line in report.lines())
    training = named(report.quotas, "training")
    assert (training.value, training.enough) == (None, None)
    assert "get-service-quota --service-code sagemaker --quota-code L-611FA074" in str(training.request("eu-central-1"))


def test_a_quota_that_the_region_does_not_list_is_not_zero(of: Of, target: Target) -> None:
    """An instance type that Service Quotas does not know is said to be unknown, with how to look."""
    found = named(quotas(of(), with_quotas(target, **{"VPCs per Region": 5})), "for endpoint usage")
    assert found.value is None
    assert "lists no 'ml.m5.large for endpoint usage'" in str(found.why)


def test_no_network_of_ours_needs_no_quota_for_one(of: Of, target: Target) -> None:
    """A VPC that is brought asks for no VPC, gateway or address."""
    bring = {"vpcId": "vpc-0a1b2c3d", "subnetIds": ["subnet-1"], "securityGroupId": "sg-0a1b2c3d"}
    found = quotas(of(network={"bring": bring}), with_quotas(target, **ENOUGH))
    assert {one.need.group for one in found} == {"training", "endpoint"}


def test_a_report_writes_nothing(of: Of, target: Target) -> None:
    """Every call of a check only reads."""
    calls: list[str] = []
    for service in ("iam", "ec2", "sagemaker", "sso-admin", "cloudtrail", "service-quotas", "sts"):
        target.client(service).meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    report = check(of(), target)
    assert isinstance(report, Check)
    assert calls
    assert all(name.startswith(("Describe", "Get", "List")) for name in calls)
