"""The Studio domain and its user profiles, from the inputs of a program to what AWS shows."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, State
from terrace.sandbox.provider.sagemaker import Domain, UserProfile
from terrace.sandbox.provider.schema import leaves

DOMAIN, PROFILE = Domain(), UserProfile()
ROLE = "arn:aws:iam::<ACCOUNT>:role/studio"
OTHER_ROLE = "arn:aws:iam::<ACCOUNT>:role/studio-2"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-555555555555"
_SAGEMAKER = f"arn:aws:sagemaker:{REGION}:<ACCOUNT>"


def _editor(n: int) -> dict[str, Any]:
    return {
        "appLifecycleManagement": {
            "idleSettings": {
                "idleTimeoutInMinutes": 60 + n,
                "lifecycleManagement": ("ENABLED", "DISABLED")[n],
                "maxIdleTimeoutInMinutes": 600 + n,
                "minIdleTimeoutInMinutes": 60 + n,
            }
        },
        "builtInLifecycleConfigArn": f"{_SAGEMAKER}:studio-lifecycle-config/built-in-{n}",
        "customImages": [{"appImageConfigName": f"config-{n}", "imageName": f"image-{n}", "imageVersionNumber": n + 1}],
        "defaultResourceSpec": {
            "instanceType": ("ml.t3.medium", "ml.t3.large")[n],
            "lifecycleConfigArn": f"{_SAGEMAKER}:studio-lifecycle-config/one-{n}",
            "sagemakerImageArn": f"{_SAGEMAKER}:image/image-{n}",
            "sagemakerImageVersionAlias": f"1.{n}",
            "sagemakerImageVersionArn": f"{_SAGEMAKER}:image-version/image-{n}/1",
        },
        "lifecycleConfigArns": [f"{_SAGEMAKER}:studio-lifecycle-config/one-{n}"],
    }


def _space(n: int) -> dict[str, Any]:
    return {
        "customFileSystemConfigs": [
            {"efsFileSystemConfig": {"fileSystemId": f"fs-0123456{n}", "fileSystemPath": f"/{n}"}}
        ],
        "customPosixUserConfig": {"gid": 1001 + n, "uid": 10000 + n},
        "executionRole": (ROLE, OTHER_ROLE)[n],
        "jupyterLabAppSettings": {
            **_editor(n),
            "codeRepositories": [{"repositoryUrl": f"https://git.example.com/{n}"}],
        },
        "securityGroups": [f"sg-0{n}"],
        "spaceStorageSettings": {
            "defaultEbsStorageSettings": {"defaultEbsVolumeSizeInGb": 5 + n, "maximumEbsVolumeSizeInGb": 50 + n}
        },
    }


def _user(n: int) -> dict[str, Any]:
    return {
        **_space(n),
        "autoMountHomeEfs": ("Enabled", "Disabled")[n],
        "codeEditorAppSettings": _editor(n),
        "defaultLandingUri": ("studio::", "app:JupyterLab:")[n],
        "sharingSettings": {
            "notebookOutputOption": ("Allowed", "Disabled")[n],
            "s3KmsKeyId": f"{KEY}{n}",
            "s3OutputPath": f"s3://shared/{n}",
        },
        "studioWebPortal": ("ENABLED", "DISABLED")[n],
        "studioWebPortalSettings": {
            "hiddenAppTypes": [("Canvas", "RStudioServerPro")[n]],
            "hiddenInstanceTypes": [("ml.p3.2xlarge", "ml.p4d.24xlarge")[n]],
            "hiddenMlTools": [("AutoMl", "JumpStart")[n]],
        },
    }


def _of_profile(user: dict[str, Any]) -> dict[str, Any]:
    """Spell the settings of a user as a profile has them: with a list of one file system."""
    files = [{"efsFileSystemConfigs": [config["efsFileSystemConfig"]]} for config in user["customFileSystemConfigs"]]
    return {**user, "customFileSystemConfigs": files}


def _at_aws(path: str, lists: frozenset[str]) -> str:
    """Spell the path of a setting as AWS does."""
    if "efsFileSystemConfigs" in path:
        place, name = "UserSettings.CustomFileSystemConfigs[]", path.rsplit(".", 1)[1]
        return f"{place}.[EFSFileSystemConfig.{name[0].upper()}{name[1:]}]"
    different = {"autoMountHomeEfs": "AutoMountHomeEFS", "sagemakerImage": "SageMakerImage", "efsFile": "EFSFile"}
    words = []
    for word in path.split("."):
        for ours, theirs in different.items():
            if word.startswith(ours):
                word = word.replace(ours, theirs)
        words.append(word[0].upper() + word[1:] + ("[]" if word[0].lower() + word[1:] in lists else ""))
    return ".".join(words)


_LISTS = frozenset({"customFileSystemConfigs", "customImages", "codeRepositories"})


def _settings(handler: Domain | UserProfile, top: str) -> dict[str, str]:
    return {path: _at_aws(path, _LISTS) for path in leaves(handler.inputs) if path.startswith(f"{top}.")}


def _look(describe: str) -> Any:
    def look(aws: Clients, state: State) -> Any:
        client = aws("sagemaker")
        parts = state.outputs["arn"].split("/")
        which = {"DomainId": parts[1]} if len(parts) == 2 else {"DomainId": parts[1], "UserProfileName": parts[2]}
        seen = getattr(client, describe)(**which)
        return {**seen, "Tags": named(client.list_tags(ResourceArn=state.outputs["arn"])["Tags"])}

    return look


_DOMAIN = {
    "authMode": "IAM",
    "domainName": "acme-dev",
    "kmsKeyId": KEY,
    "subnetIds": ["subnet-01", "subnet-02"],
    "vpcId": "vpc-01",
}
CASES = [
    Case(
        "domain",
        DOMAIN,
        before={
            **_DOMAIN,
            "appNetworkAccessType": "PublicInternetOnly",
            "defaultSpaceSettings": _space(0),
            "defaultUserSettings": _user(0),
            "domainSettings": {
                "dockerSettings": {"enableDockerAccess": "ENABLED", "vpcOnlyTrustedAccounts": ["111122223333"]},
                "executionRoleIdentityConfig": "USER_PROFILE_NAME",
                "securityGroupIds": ["sg-09"],
                "trustedIdentityPropagationSettings": {"status": "ENABLED"},
            },
            "retentionPolicy": {"homeEfsFileSystem": "Retain"},
            "tagPropagation": "ENABLED",
            "tags": {"owner": "ml@example.com", "level": "0"},
        },
        after={
            **_DOMAIN,
            "appNetworkAccessType": "VpcOnly",
            "defaultSpaceSettings": _space(1),
            "defaultUserSettings": _user(1),
            "domainSettings": {
                "dockerSettings": {"enableDockerAccess": "DISABLED", "vpcOnlyTrustedAccounts": ["444455556666"]},
                "executionRoleIdentityConfig": "DISABLED",
                "securityGroupIds": ["sg-09"],
                "trustedIdentityPropagationSettings": {"status": "DISABLED"},
            },
            "retentionPolicy": {"homeEfsFileSystem": "Delete"},
            "tagPropagation": "DISABLED",
            "tags": {"owner": "platform@example.com"},
        },
        look=_look("describe_domain"),
        shows={
            **{key: key[0].upper() + key[1:] for key in (*_DOMAIN, "appNetworkAccessType", "tagPropagation", "tags")},
            **_settings(DOMAIN, "defaultSpaceSettings"),
            **_settings(DOMAIN, "defaultUserSettings"),
            **_settings(DOMAIN, "domainSettings"),
        },
        fixed=frozenset({"domainSettings.securityGroupIds"}),
        unseen=frozenset({"retentionPolicy.homeEfsFileSystem"}),
    ),
    Case(
        "user profile",
        PROFILE,
        before={
            "domainId": "<DOMAIN>",
            "singleSignOnUserIdentifier": "UserName",
            "singleSignOnUserValue": "ada",
            "tags": {"owner": "ml@example.com", "level": "0"},
            "userProfileName": "ada",
            "userSettings": _of_profile(_user(0)),
        },
        after={
            "domainId": "<DOMAIN>",
            "singleSignOnUserIdentifier": "UserName",
            "singleSignOnUserValue": "ada",
            "tags": {"owner": "platform@example.com"},
            "userProfileName": "ada",
            "userSettings": _of_profile(_user(1)),
        },
        look=_look("describe_user_profile"),
        shows={
            "domainId": "DomainId",
            "singleSignOnUserIdentifier": "SingleSignOnUserIdentifier",
            "singleSignOnUserValue": "SingleSignOnUserValue",
            "tags": "Tags",
            "userProfileName": "UserProfileName",
            **_settings(PROFILE, "userSettings"),
        },
        given=lambda aws: {"DOMAIN": _domain(aws)},
    ),
]


def _domain(aws: Clients, **more: Any) -> str:
    settings = {"executionRole": ROLE.replace("<ACCOUNT>", aws.account)}
    name = {**_DOMAIN, "domainName": "given", "kmsKeyId": KEY.replace("<ACCOUNT>", aws.account)}
    return DOMAIN.create(aws, {**name, "defaultUserSettings": settings, **more}).id


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_of_studio_reaches_aws_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each setting of a domain and of a profile is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [DOMAIN, PROFILE], ids=lambda handler: handler.type)
def test_no_input_of_studio_is_accepted_and_lost(handler: Domain | UserProfile) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_domain_has_the_outputs_that_programs_use(aws: Clients) -> None:
    """The id is AWS's, and the ARN, the home file system and the address come with it."""
    id = _domain(aws)
    state = DOMAIN.read(aws, id, {})
    assert state is not None
    assert id.startswith("d-")
    assert state.outputs["arn"] == f"arn:aws:sagemaker:{REGION}:{aws.account}:domain/{id}"
    assert state.outputs["homeEfsFileSystemId"]
    assert state.outputs["url"].startswith(f"https://{id}")


@pytest.mark.parametrize("home", ["Retain", "Delete"])
def test_the_deletion_of_a_domain_tells_aws_what_becomes_of_the_home_folders(home: str, aws: Clients) -> None:
    """AWS hears of the retention policy at the deletion, not before."""
    told: list[Any] = []
    inputs = {"retentionPolicy": {"homeEfsFileSystem": home}}
    id = _domain(aws, **inputs)
    aws("sagemaker").meta.events.register(
        "provide-client-params.sagemaker.DeleteDomain", lambda params, **_: told.append(params["RetentionPolicy"])
    )
    DOMAIN.delete(aws, id, inputs)
    assert told == [{"HomeEfsFileSystem": home}]


def test_a_domain_with_profiles_is_deleted_only_after_a_purge(aws: Clients) -> None:
    """Home folders are not lost by a plain deletion."""
    id = _domain(aws)
    profile = {"domainId": id, "userProfileName": "ada"}
    made = PROFILE.create(aws, profile)
    with pytest.raises(ClientError):
        DOMAIN.delete(aws, id, {})
    DOMAIN.purge(aws, id, {})
    assert PROFILE.read(aws, made.id, profile) is None
    DOMAIN.delete(aws, id, {})
    assert DOMAIN.read(aws, id, {}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"authMode": "SSO"},
        {"domainName": "other"},
        {"kmsKeyId": "other"},
        {"subnetIds": ["subnet-03"]},
        {"vpcId": "vpc-02"},
        {"domainSettings": {"securityGroupIds": ["sg-10"]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_aws_cannot_change_replaces_a_domain(change: dict[str, Any]) -> None:
    """The replacing inputs are those of the real provider."""
    old = {**_DOMAIN, "domainSettings": {"securityGroupIds": ["sg-09"]}}
    assert DOMAIN.diff(old, {**old, **change}).replace == tuple(change)


def test_the_order_of_subnets_is_no_change() -> None:
    """A set of subnets is the same in any order."""
    assert not DOMAIN.diff({"subnetIds": ["a", "b"]}, {"subnetIds": ["b", "a"]})
