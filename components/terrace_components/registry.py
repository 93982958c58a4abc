"""Registry: the versions of one model."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.documents import Document, account_root, allow, document, policy
from terrace_components.placement import Place, Placement


class RegistryArgs(TypedDict):
    """Arguments of Registry."""

    placement: Placement
    """Where the component stands; it names team and model."""
    reader_accounts: NotRequired[list[str]]
    """Accounts besides this one that may read versions, for example those that promote them. Default none."""


class Registry(pulumi.ComponentResource):
    """Model package group, with a policy that names the accounts which may read it."""

    package_group: pulumi.Output[str]
    """Name of the package group."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Registry", name, {}, opts)
        child = Children(self, name, place, "registry")

        group = child(
            aws.sagemaker.ModelPackageGroup,
            "package-group",
            model_package_group_name=place.name("package-group"),
            model_package_group_description=f"Versions of {place.model}, of team {place.team}",
        )
        accounts = [place.account, *args.get("reader_accounts", [])]
        child(
            aws.sagemaker.ModelPackageGroupPolicy,
            "package-group-policy",
            model_package_group_name=group.model_package_group_name,
            resource_policy=policy(registry_policy(place, accounts)),
        )

        self.package_group = group.model_package_group_name
        self.register_outputs({"package_group": self.package_group})


def registry_policy(place: Place, accounts: list[str]) -> Document:
    """Return the policy of a package group: these accounts read its versions."""
    group = place.name("package-group")
    principals = {"AWS": [account_root(account) for account in accounts]}
    return document(
        allow(
            "ReadGroup",
            ["sagemaker:DescribeModelPackageGroup"],
            [place.arn("sagemaker", f"model-package-group/{group}")],
            principal=principals,
        ),
        allow(
            "ReadVersions",
            ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            [place.arn("sagemaker", f"model-package/{group}/*")],
            principal=principals,
        ),
    )
