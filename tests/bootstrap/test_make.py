"""What bootstrap makes, as AWS tells it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from bootstrap.aws import Interrupted, interrupted_at, keys, policy_of
from botocore.stub import Stubber

from terrace.bootstrap.make import Made, make
from terrace.bootstrap.steps import NotAllowedError, Step
from terrace.bootstrap.trust import Repository
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings
from terrace.maturity.documents import deny, document
from terrace.target import Target

Of = Callable[..., PlatformSettings]
REPOSITORY = Repository("platform", "99")


def run(settings: PlatformSettings, target: Target, repository: Repository = REPOSITORY) -> Made:
    """Run bootstrap without anybody listening."""
    return make(settings, target, repository, lambda _step: None)


def outcomes(made: Made) -> set[str]:
    """Return what came of the steps."""
    return {step.outcome for step in made.steps}


def test_the_state_bucket_is_closed_encrypted_and_versioned(of: Of, target: Target) -> None:
    """The bucket is private, versioned, TLS only, tidied up, and encrypted with a key of its own that rotates."""
    made = run(of(), target)
    s3, kms, bucket = target.client("s3"), target.client("kms"), made.at.bucket
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays") for rule in rules} == {90, None}
    assert not any("Expiration" in rule for rule in rules)
    key = kms.describe_key(KeyId=made.at.alias)["KeyMetadata"]
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key["Arn"]
    assert rule["BucketKeyEnabled"] is True
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"


def test_a_second_run_changes_nothing_and_says_so(of: Of, target: Target) -> None:
    """What is there is left: no key, policy version or role twice."""
    assert outcomes(run(of(), target)) == {"made"}
    again = run(of(), target)
    assert outcomes(again) == {"unchanged"}
    assert again.changed is False
    assert len(keys(target)) == 1


def test_what_somebody_loosened_is_set_right(of: Of, target: Target) -> None:
    """Properties that are not what they must be are brought back, and named."""
    made = run(of(), target)
    s3, iam = target.client("s3"), target.client("iam")
    s3.delete_public_access_block(Bucket=made.at.bucket)
    s3.delete_bucket_policy(Bucket=made.at.bucket)
    iam.delete_role_permissions_boundary(RoleName=made.at.role)
    iam.detach_role_policy(RoleName=made.at.role, PolicyArn=made.at.arn(f"policy/{made.at.policy('work')}"))
    again = {step.what: step for step in run(of(), target).steps}
    assert again["state bucket"] == Step("state bucket", made.at.bucket, "changed", "public access block, policy")
    assert again["deploy role"].note == f"boundary, {made.at.policy('work')}"
    assert outcomes(run(of(), target)) == {"unchanged"}


def test_a_level_up_gives_the_role_a_new_version_of_its_policy(of: Of, target: Target) -> None:
    """Policies follow the plan; IAM's five versions never fill up."""
    for level in (0, 1) * 4:
        run(of(level=level), target)
    allowed = json.dumps(policy_of(target, "acme-dev-deploy-work"))
    assert "sns:CreateTopic" in allowed
    arn = f"arn:aws:iam::{target.account}:policy/acme-dev-deploy-work"
    assert len(target.client("iam").list_policy_versions(PolicyArn=arn)["Versions"]) <= 5


@pytest.mark.parametrize("when", [pytest.param("before-call", marks=pytest.mark.slow), "after-call"])
def test_a_run_that_ended_anywhere_is_finished_by_the_same_command(of: Of, target: Target, when: str) -> None:
    """Killed before or after any write, the next run completes, and nothing is there twice."""
    number, ended = 0, True
    while ended:
        number += 1
        environment = f"d{number}"
        settings = of(environment=environment)
        ended = False
        try:
            with interrupted_at(target, number, when):
                run(settings, target)
        except Interrupted:
            ended = True
        run(settings, target)
        assert len(keys(target)) == number
        target.client("iam").get_role(RoleName=f"acme-{environment}-deploy")
        last = settings
    assert outcomes(run(last, target)) == {"unchanged"}
    assert number > 15, "every write was interrupted once"


def test_one_branch_of_one_repository_is_trusted_by_its_ids(of: Of, target: Target) -> None:
    """The role's trust names audience, owner, repository and branch, and no pattern."""
    made = run(of(), target)
    role = target.client("iam").get_role(RoleName=made.at.role)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    host = "token.actions.githubusercontent.com"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{target.account}:oidc-provider/{host}"}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{host}:aud": "sts.amazonaws.com",
            f"{host}:sub": [
                "repo:acme@1234/platform@99:ref:refs/heads/main",
                "repo:acme@1234/platform@99:environment:dev",
            ],
            f"{host}:repository_id": ["99"],
        }
    }
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("policy/acme-dev-deploy-boundary")
    assert role["MaxSessionDuration"] == 3600


def test_github_and_gitlab_can_both_deploy(of: Of, target: Target) -> None:
    """One role trusts what the settings and the command name, each with a statement of its own."""
    ci = {"github": {"organisation": "acme", "organisationId": "1"}, "gitlab": {"group": "acme/ml"}}
    made = run(of(ci=ci), target, Repository("platform", "9", gitlab="acme/ml/platform"))
    role = target.client("iam").get_role(RoleName=made.at.role)["Role"]
    assert [one["Sid"] for one in role["AssumeRolePolicyDocument"]["Statement"]] == ["TrustGithub", "TrustGitlab"]
    assert set(made.settings) == {"terrace:ci.github.providerArn", "terrace:ci.gitlab.providerArn"}


def test_a_provider_that_is_brought_is_used_and_not_changed(of: Of, target: Target) -> None:
    """The settings' provider is trusted; one that is not for our audience, or not there, is refused."""
    iam, host = target.client("iam"), "token.actions.githubusercontent.com"
    arn = f"arn:aws:iam::{target.account}:oidc-provider/{host}"
    ci = {"github": {"organisation": "acme", "organisationId": "1", "providerArn": arn}}
    with pytest.raises(TerraceError, match="which the account does not have"):
        run(of(ci=ci), target)
    iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["somebody"])
    with pytest.raises(TerraceError, match="not for the audience"):
        run(of(ci=ci), target)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    made = run(of(ci=ci), target)
    assert made.settings == {}


def test_without_anybody_to_trust_the_role_is_left_out(of: Of, target: Target) -> None:
    """State is made; the role is named as missing, with what to say; later the same command makes it."""
    made = run(of(), target, Repository())
    assert made.steps[-1].outcome == "left out"
    assert "--github-repository" in made.steps[-1].note
    assert run(of(), target).changed
    assert outcomes(run(of(), target, Repository())) == {"unchanged"}, "the trust of a role that is there stays"


@pytest.mark.parametrize(
    ("repository", "says"),
    [
        (Repository("platform"), "go together"),
        (Repository("*", "9"), "no name of a GitHub repository"),
        (Repository("platform", "*"), "no id of a GitHub repository"),
        (Repository(gitlab="acme/platform"), "terrace:ci.gitlab is not set"),
    ],
)
def test_a_repository_that_is_not_exact_is_refused_before_anything_is_made(
    of: Of, target: Target, repository: Repository, says: str
) -> None:
    """Half an identity, a pattern, or a CI that the settings do not trust: nothing is made."""
    with pytest.raises(TerraceError, match=says):
        run(of(), target, repository)
    assert keys(target) == []


@pytest.mark.parametrize("project", ["other/platform", "acme", "acme/*"])
def test_a_project_outside_the_group_is_refused(of: Of, target: Target, project: str) -> None:
    """Only a whole path inside the trusted group is taken."""
    with pytest.raises(TerraceError, match="no project of the group acme"):
        run(of(ci={"gitlab": {"group": "acme"}}), target, Repository(gitlab=project))


def test_a_role_of_somebody_else_is_not_taken_over(of: Of, target: Target) -> None:
    """A role of the same name without Terrace's tags is refused and left."""
    iam = target.client("iam")
    iam.create_role(RoleName="acme-dev-deploy", AssumeRolePolicyDocument="{}")
    with pytest.raises(TerraceError, match="Terrace did not make"):
        run(of(), target)
    assert "PermissionsBoundary" not in iam.get_role(RoleName="acme-dev-deploy")["Role"]


def test_a_prescribed_boundary_is_the_deploy_role_s_too(of: Of, target: Target) -> None:
    """With terrace:identity.boundaryArn no boundary is made, and the role may change no policy at all."""
    arn = target.client("iam").create_policy(
        PolicyName="org-boundary",
        PolicyDocument=json.dumps(document(deny("No", ["iam:CreateUser"], ["*"]))),
    )["Policy"]["Arn"]
    made = run(of(identity={"boundaryArn": arn}), target)
    role = target.client("iam").get_role(RoleName=made.at.role)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert "iam:CreatePolicy" not in json.dumps(policy_of(target, made.at.policy("foundation")))


@pytest.mark.parametrize(
    ("service", "operation", "code", "what"),
    [
        ("kms", "describe_key", "AccessDeniedException", "state key"),
        ("s3", "head_bucket", "403", "state bucket"),
        ("iam", "get_role", "AccessDenied", "deploy role"),
    ],
)
def test_who_is_no_administrator_is_told_what_to_give_to_whom(
    of: Of, target: Target, service: str, operation: str, code: str, what: str
) -> None:
    """A refusal names the operation, and the command that writes files for the security team."""
    with Stubber(target.client(service)) as stubbed:
        stubbed.add_client_error(operation, code, "User is not authorized", http_status_code=403)
        with pytest.raises(NotAllowedError, match=f"may not make the {what}") as refused:
            run(of(), target, REPOSITORY if service != "iam" else Repository())
    assert "--write PATH" in str(refused.value.hint)
    assert code in refused.value.message


def test_a_key_that_is_about_to_go_is_not_replaced_by_another(of: Of, target: Target) -> None:
    """A key scheduled for deletion takes the state with it: that is said, and how to stop it."""
    made = run(of(), target)
    kms = target.client("kms")
    kms.schedule_key_deletion(KeyId=kms.describe_key(KeyId=made.at.alias)["KeyMetadata"]["KeyId"])
    with pytest.raises(TerraceError, match="PendingDeletion") as refused:
        run(of(), target)
    assert "cancel-key-deletion" in str(refused.value.hint)


def test_a_bucket_of_another_account_is_never_written_to(of: Of, target: Target) -> None:
    """Bucket names are shared by all accounts: one that somebody else has is refused, and each write names ours."""
    s3, owners = target.client("s3"), []
    s3.meta.events.register("provide-client-params.s3", lambda params, model, **_: owners.append((model.name, params)))
    run(of(), target, Repository())
    named = {name for name, params in owners if params.get("ExpectedBucketOwner") != target.account}
    assert named == {"CreateBucket"}
    with Stubber(s3) as stubbed:
        stubbed.add_client_error("head_bucket", "404", http_status_code=404)
        stubbed.add_client_error("create_bucket", "BucketAlreadyExists", http_status_code=409)
        with pytest.raises(TerraceError, match="Another account has a bucket"):
            run(of(), target, Repository())
