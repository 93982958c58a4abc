"""IAM's simulator through boto3: what the policies of a role allow, as the SageMaker SDK asks at first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.clients import SandboxClients


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


class Role:
    """A role with some policies, asked what it may do."""

    def __init__(self, aws: SandboxClients, *statements: dict[str, Any], boundary: str | None = None) -> None:
        self.iam = aws("iam")
        more = {}
        if boundary:
            made = self.iam.create_policy(PolicyName="boundary", PolicyDocument=boundary)
            more["PermissionsBoundary"] = made["Policy"]["Arn"]
        trust = _document(
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        )
        self.arn = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName="r", PolicyName="own", PolicyDocument=_document(*statements))

    def asked(self, action: str, resource: str = "*", **context: str) -> dict[str, Any]:
        """Return the result for one action on one resource."""
        entries = [
            {"ContextKeyName": key.replace("_", ":"), "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ]
        answer = self.iam.simulate_principal_policy(
            PolicySourceArn=self.arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
        )
        [found] = answer["EvaluationResults"]
        return dict(found)


@pytest.mark.parametrize(
    ("action", "resource", "wanted"),
    [
        ("s3:GetObject", "arn:aws:s3:::mine/a", "allowed"),
        ("S3:getobject", "arn:aws:s3:::mine/a", "allowed"),
        ("s3:GetObject", "arn:aws:s3:::other/a", "implicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::mine/a", "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::mine/secret", "explicitDeny"),
        ("ec2:DescribeVpcs", "*", "allowed"),
        ("ec2:CreateVpc", "*", "implicitDeny"),
        ("sqs:SendMessage", "*", "implicitDeny"),
    ],
)
def test_a_role_may_do_what_its_policies_say(aws: SandboxClients, action: str, resource: str, wanted: str) -> None:
    """By action and resource, a denial over all, from policies of its own and attached ones."""
    role = Role(
        aws,
        _allow(["s3:Get*"], "arn:aws:s3:::mine/*"),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/secret"},
    )
    policy = role.iam.create_policy(PolicyName="look", PolicyDocument=_document(_allow("ec2:Describe*")))
    role.iam.attach_role_policy(RoleName="r", PolicyArn=policy["Policy"]["Arn"])
    assert role.asked(action, resource)["EvalDecision"] == wanted


def test_a_boundary_bounds(aws: SandboxClients) -> None:
    """What the boundary leaves out is not allowed, and the answer says that it is the boundary."""
    role = Role(aws, _allow("*"), boundary=_document(_allow("s3:*")))
    assert role.asked("s3:GetObject")["EvalDecision"] == "allowed"
    found = role.asked("iam:CreateUser")
    assert found["EvalDecision"] == "implicitDeny"
    assert found["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_a_condition_needs_its_key(aws: SandboxClients) -> None:
    """Without a value it does not hold and the key is told; with one, the value decides."""
    condition = {"StringEquals": {"aws:RequestedRegion": ["eu-central-1"]}}
    role = Role(aws, _allow("s3:*", Condition=condition))
    found = role.asked("s3:GetObject")
    assert (found["EvalDecision"], found["MissingContextValues"]) == ("implicitDeny", ["aws:RequestedRegion"])
    assert role.asked("s3:GetObject", aws_requestedregion="eu-central-1")["EvalDecision"] == "allowed"
    assert role.asked("s3:GetObject", aws_requestedregion="us-east-1")["EvalDecision"] == "implicitDeny"


def test_what_is_not_simulated_says_so(aws: SandboxClients) -> None:
    """An operator that the sandbox does not know is no answer."""
    role = Role(aws, _allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    with pytest.raises(ClientError, match="condition operator IpAddress is not simulated"):
        role.asked("s3:GetObject", aws_sourceip="10.0.0.1")


def test_a_role_that_is_not_there_is_told(aws: SandboxClients) -> None:
    """With IAM's own code."""
    with pytest.raises(ClientError) as refused:
        aws("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{aws.account}:role/nobody", ActionNames=["s3:GetObject"]
        )
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"
