"""A platform in a sandbox, commands as a person types them, and what AWS shows of its stores."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from terrace_components.lineage import JOB_LOGS

from terrace.cli.group import run
from terrace.platform import Platform, open_platform, write_program
from terrace.target import Target

Seen = dict[str, Any]
"""Store → what tells it from another of the same name: when it was made, and the id that AWS gave it."""


class World:
    """One platform with its three environments, run by one engine."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.root = folder / "platform"
        self.engine = engine
        self.said = ""
        write_program(self.root)

    def __call__(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json, and return its object; what it said to people is in `said`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = run([*args, "--json", "--engine", self.engine, "--root", str(self.root)])
        self.said = err.getvalue()
        assert status == expect, self.said
        return json.loads(out.getvalue())

    def typed(self, *args: str, answers: str, expect: int = 0) -> str:
        """Run a command at a terminal, where somebody types the answers; return what it printed."""
        out, before = io.StringIO(), sys.stdin
        sys.stdin = _Terminal(answers)
        try:
            with redirect_stdout(out), redirect_stderr(out):
                status = run([*args, "--engine", self.engine, "--root", str(self.root)])
        finally:
            sys.stdin = before
        assert status == expect, out.getvalue()
        return out.getvalue()

    def platform(self, environment: str) -> Platform:
        return open_platform(self.root, environment)

    def target(self, environment: str) -> Target:
        return self.platform(environment).target()

    def stores(self, environment: str) -> Seen:
        """Return every store that AWS lists in an environment's account."""
        return dict(_stores(self.target(environment)))

    def endpoints(self, environment: str) -> list[str]:
        """Return the services that have an interface endpoint: compute of level 1."""
        found = self.target(environment).client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        there = [one for one in found if one["State"] != "deleted" and one["VpcEndpointType"] == "Interface"]
        return sorted(one["ServiceName"] for one in there)

    def put_object(self, environment: str) -> None:
        s3 = self.target(environment).client("s3")
        s3.put_object(Bucket=self.bucket(environment), Key="flights/2013.csv", Body=b"year,month\n2013,1\n")

    def objects(self, environment: str) -> list[str]:
        found = self.target(environment).client("s3").list_objects_v2(Bucket=self.bucket(environment))
        return [one["Key"] for one in found.get("Contents", ())]

    def bucket(self, environment: str) -> str:
        return f"acme-{environment}-data-{self.platform(environment).settings.account_id}"

    def publish(self, environment: str) -> None:
        """Publish a package to the environment's repository."""
        content = b"a wheel"
        self.target(environment).client("codeartifact").publish_package_version(
            **_packages(environment),
            format="generic",
            namespace="ml",
            package="flights",
            packageVersion="1.0",
            assetName="wheel",
            assetContent=content,
            assetSHA256=hashlib.sha256(content).hexdigest(),
        )

    def packages(self, environment: str) -> list[str]:
        found = self.target(environment).client("codeartifact").list_packages(**_packages(environment))
        return [one["package"] for one in found["packages"]]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _packages(environment: str) -> dict[str, str]:
    return {"domain": f"acme-{environment}", "repository": f"acme-{environment}-python"}


def _stores(target: Target) -> Iterator[tuple[str, Any]]:
    for bucket in target.client("s3").list_buckets()["Buckets"]:
        yield f"bucket {bucket['Name']}", bucket["CreationDate"]
    kms = target.client("kms")
    for key in _pages(kms, "list_keys", "Keys"):
        found = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        yield f"key {key['KeyId']}", (found["CreationDate"], found["KeyState"])
    for alias in _pages(kms, "list_aliases", "Aliases"):
        if not alias["AliasName"].startswith("alias/aws/"):
            yield f"alias {alias['AliasName']}", alias["TargetKeyId"]
    for group in _pages(target.client("logs"), "describe_log_groups", "logGroups"):
        if not group["logGroupName"].startswith("/aws/") or group["logGroupName"] in JOB_LOGS:
            yield f"log group {group['logGroupName']}", group["creationTime"]
    for repository in _pages(target.client("ecr"), "describe_repositories", "repositories"):
        yield f"registry {repository['repositoryArn']}", repository["createdAt"]
    codeartifact = target.client("codeartifact")
    for domain in _pages(codeartifact, "list_domains", "domains"):
        yield f"package domain {domain['arn']}", domain["createdTime"]
    for packages in _pages(codeartifact, "list_repositories", "repositories"):
        named = {"domain": packages["domainName"], "repository": packages["name"]}
        created = codeartifact.describe_repository(**named)["repository"]["createdTime"]
        yield f"packages {packages['arn']}", created
    sagemaker = target.client("sagemaker")
    for domain in _pages(sagemaker, "list_domains", "Domains"):
        yield f"domain {domain['DomainArn']}", domain["CreationTime"]
    for profile in _pages(sagemaker, "list_user_profiles", "UserProfiles"):
        yield f"profile {profile['DomainId']}/{profile['UserProfileName']}", profile["CreationTime"]
    for app in sagemaker.list_mlflow_apps()["Summaries"]:
        yield f"runs {app['Arn']}", app["CreationTime"]
    for server in sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"]:
        yield f"runs {server['TrackingServerArn']}", server["CreationTime"]
    for secret in _pages(target.client("secretsmanager"), "list_secrets", "SecretList"):
        yield f"secret {secret['ARN']}", secret["CreatedDate"]
    for models in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        yield f"model group {models['ModelPackageGroupArn']}", models["CreationTime"]


def _pages(client: Any, operation: str, key: str) -> Iterable[Any]:
    if not client.can_paginate(operation):
        yield from getattr(client, operation)()[key]
        return
    for page in client.get_paginator(operation).paginate():
        yield from page[key]
