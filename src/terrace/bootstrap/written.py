"""The same, written down: policies, boundary and a CloudFormation template for whoever may apply them.

Names are those that `terrace bootstrap` uses, so that the command finds what the template made, and changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from terrace.bootstrap.deploy_boundary import deploy_boundary
from terrace.bootstrap.deploy_policies import deploy_policies
from terrace.bootstrap.names import Names, names_of, tags_of
from terrace.bootstrap.role import HOUR
from terrace.bootstrap.state import NONCURRENT_DAYS, PRIVATE, PURPOSE, STATE, UNFINISHED_DAYS, bucket_policy
from terrace.bootstrap.trust import Repository, missing, providers, trust
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings
from terrace.maturity.documents import Document
from terrace.maturity.key_policies import key_policy

TEMPLATE = "bootstrap.yaml"
KEEP = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
"""Removing the CloudFormation stack removes neither the state nor the key that opens it."""


@dataclass(frozen=True)
class Written:
    """What was written, and what to do with it.

    Attributes:
        at: Names of what is to be made.
        folder: Where the files are.
        files: Names of the files.
        notes: What to know before applying them.
    """

    at: Names
    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def command(self) -> str:
        """What applies the template."""
        return (
            f"aws cloudformation deploy --template-file {self.folder / TEMPLATE} "
            f"--stack-name {self.at.prefix}-bootstrap --capabilities CAPABILITY_NAMED_IAM --region {self.at.region}"
        )

    def lines(self) -> list[str]:
        """Return it for people."""
        return [
            *(f"wrote {self.folder / name}" for name in self.files),
            *self.notes,
            "whoever may applies it with:",
            f"  {self.command}",
            f"then `terrace bootstrap {self.at.environment}` says that nothing changed, and what to type next",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "environment": self.at.environment,
            "folder": str(self.folder),
            "files": list(self.files),
            "notes": list(self.notes),
            "command": self.command,
        }


def write_files(settings: PlatformSettings, repository: Repository, folder: Path) -> Written:
    """Write what bootstrap would make, as files. Nothing in AWS is read or made.

    Raises:
        TerraceError: The folder cannot be written to, or the settings do not trust the repository.
    """
    at = names_of(settings)
    trusted = trust(settings, at, repository)
    documents: dict[str, Document] = {}
    notes = []
    if trusted is None:
        notes.append(f"the deploy role is left out: {missing(settings)}")
    else:
        parts = deploy_policies(settings, at, at.arn("key/*", "kms"))
        state_key = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": at.alias}}
        documents |= {
            f"deploy-policy-{part}.json": _on_condition(doc, "UseStateKey", state_key) for part, doc in parts.items()
        }
        documents["deploy-trust.json"] = trusted
        if settings.identity.boundary_arn is None:
            documents["deploy-boundary.json"] = deploy_boundary(at)
    if settings.identity.boundary_arn is None:
        documents["roles-boundary.json"] = _roles_boundary(settings, at)
        notes.append(
            "roles-boundary.json is the boundary that `up` makes for the environment's roles, and that the deploy role "
            "may change: to own it yourselves, make it under a name of yours and set terrace:identity.boundaryArn"
        )
    made = [provider for provider in providers(settings, at) if not provider.brought and trusted is not None]
    notes += [
        f"the template makes the {one.name} provider; where the account has one, set {one.key}: {one.arn} first"
        for one in made
    ]
    texts = {name: json.dumps(doc, indent=2) + "\n" for name, doc in documents.items()}
    texts[TEMPLATE] = _HEAD + yaml.safe_dump(template(settings, repository), sort_keys=False, width=120)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise TerraceError(f"{folder} cannot be written to: {error}", "Name another folder.") from error
    return Written(at, folder, tuple(sorted(texts)), tuple(notes))


_HEAD = "# Written by `terrace bootstrap --write`. The command makes the same by API calls, under the same names.\n"


def template(settings: PlatformSettings, repository: Repository) -> dict[str, Any]:
    """Return the CloudFormation template that makes what bootstrap makes. Pure.

    Raises:
        TerraceError: The settings do not trust the repository.
    """
    at, tags = names_of(settings), tags_of(settings)
    resources = _state(at, tags)
    trusted = trust(settings, at, repository)
    if trusted is not None:
        resources |= _role(settings, at, tags, trusted)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"State and first deploy role of the platform {at.prefix}",
        "Resources": resources,
        "Outputs": {
            "BackendUrl": {"Value": at.backend_url},
            "SecretsProvider": {"Value": at.secrets_provider},
        },
    }


def _state(at: Names, tags: dict[str, str]) -> dict[str, Any]:
    key = {"Fn::GetAtt": ["StateKey", "Arn"]}
    every = {"Status": "Enabled"}
    return {
        "StateKey": {
            "Type": "AWS::KMS::Key",
            **KEEP,
            "Properties": {
                "Description": f"{at.prefix}: {STATE.description}",
                "EnableKeyRotation": True,
                "KeyPolicy": key_policy(at.account, at.region, STATE),
                "Tags": _tags({**tags, **PURPOSE}),
            },
        },
        "StateAlias": {
            "Type": "AWS::KMS::Alias",
            **KEEP,
            "Properties": {"AliasName": at.alias, "TargetKeyId": {"Ref": "StateKey"}},
        },
        "StateBucket": {
            "Type": "AWS::S3::Bucket",
            **KEEP,
            "Properties": {
                "BucketName": at.bucket,
                "PublicAccessBlockConfiguration": PRIVATE,
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "VersioningConfiguration": {"Status": "Enabled"},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                        }
                    ]
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "old-states",
                            **every,
                            "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
                        },
                        {
                            "Id": "unfinished-uploads",
                            **every,
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
                        },
                    ]
                },
                "Tags": _tags({**tags, **PURPOSE}),
            },
        },
        "StateBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            **KEEP,
            "Properties": {"Bucket": {"Ref": "StateBucket"}, "PolicyDocument": bucket_policy(at)},
        },
    }


def _role(settings: PlatformSettings, at: Names, tags: dict[str, str], trusted: Document) -> dict[str, Any]:
    made = [provider for provider in providers(settings, at) if not provider.brought]
    resources: dict[str, Any] = {
        f"{one.name.capitalize()}Provider": {
            "Type": "AWS::IAM::OIDCProvider",
            **KEEP,
            "Properties": {"Url": one.url, "ClientIdList": [one.audience], "Tags": _tags(tags)},
        }
        for one in made
    }
    boundary: Any = settings.identity.boundary_arn
    if boundary is None:
        resources["DeployBoundary"] = _policy(at.boundary, deploy_boundary(at))
        boundary = {"Ref": "DeployBoundary"}
    parts = deploy_policies(settings, at, {"Fn::GetAtt": ["StateKey", "Arn"]})
    for part, doc in parts.items():
        resources[f"Deploy{part.capitalize()}"] = _policy(at.policy(part), doc)
    resources["DeployRole"] = {
        "Type": "AWS::IAM::Role",
        # A trust policy names the provider by its ARN, which says nothing of the order.
        **({"DependsOn": [f"{one.name.capitalize()}Provider" for one in made]} if made else {}),
        "Properties": {
            "RoleName": at.role,
            "Description": f"Deploys the platform {at.environment} from CI",
            "AssumeRolePolicyDocument": trusted,
            "MaxSessionDuration": HOUR,
            "PermissionsBoundary": boundary,
            "ManagedPolicyArns": [{"Ref": f"Deploy{part.capitalize()}"} for part in parts],
            "Tags": _tags(tags),
        },
    }
    return resources


def _policy(name: str, doc: Document) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"ManagedPolicyName": name, "PolicyDocument": doc},
    }


def _roles_boundary(settings: PlatformSettings, at: Names) -> Document:
    """Return the boundary of the environment's roles as `up` makes it, with keys by their alias: none is there yet."""
    from terrace_components.boundary import boundary
    from terrace_components.placement import Place
    from terrace_components.platform_parts import placement

    doc = boundary(Place.of(placement(settings)), at.roles_boundary_arn, [at.arn("key/*", "kms")])
    return _on_condition(doc, "Keys", {"ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{at.prefix}-*"}})


def _on_condition(doc: Document, sid: str, condition: dict[str, Any]) -> Document:
    """Return a document whose statement of that id names keys by their alias, because their ARNs are not known yet."""
    statements = [{**one, "Condition": condition} if one["Sid"] == sid else one for one in doc["Statement"]]
    return {**doc, "Statement": statements}


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
