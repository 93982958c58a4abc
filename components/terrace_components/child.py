"""The one way a component declares its children, so that no component can forget what every child must have.

A child gets its name from the component's name and its own key, the component as parent (and with it the provider),
the tags of its capability where its type takes tags, the permissions boundary where it is a role, and protection
where it holds data.
"""

import inspect
from typing import Any, TypeVar

import pulumi
import pulumi_aws as aws

from terrace_components.placement import Place

Child = TypeVar("Child", bound=pulumi.CustomResource)

STORES: tuple[type[pulumi.CustomResource], ...] = (
    aws.cloudwatch.LogGroup,
    aws.codeartifact.Domain,
    aws.codeartifact.Repository,
    aws.ecr.Repository,
    aws.kms.Alias,
    aws.kms.Key,
    aws.s3.Bucket,
    aws.sagemaker.Domain,
    aws.sagemaker.MlflowApp,
    aws.sagemaker.MlflowTrackingServer,
    aws.sagemaker.ModelPackageGroup,
    aws.sagemaker.Pipeline,
    aws.sagemaker.UserProfile,
    aws.secretsmanager.Secret,
)
"""Types that hold data, history or what is needed to read them. In every environment the engine refuses to delete or
replace them, whoever runs it: `pulumi up` typed by hand loses no store either. In an environment whose settings say
`protect` they also stay in the account should somebody lift that."""


class Children:
    """Declares the children of one component.

    Args:
        parent: The component.
        name: The component's own name; children's names begin with it.
        place: Where the component stands.
        capability: Id of the capability that the children are of; it becomes a tag.
    """

    def __init__(self, parent: pulumi.ComponentResource, name: str, place: Place, capability: str) -> None:
        self._parent = parent
        self._name = name
        self._place = place
        self._tags = place.tags(capability)

    def __call__(
        self, kind: type[Child], key: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Any
    ) -> Child:
        """Declare one child.

        Args:
            kind: The resource's class.
            key: What the child is within the component: a word for its identity, never a number.
            opts: Options besides those that every child gets.
            **inputs: The resource's inputs, as its class takes them. `tags` are added to those of the capability.
        """
        if _taggable(kind):
            inputs["tags"] = {**self._tags, **inputs.get("tags", {})}
        if kind is aws.iam.Role:
            inputs["permissions_boundary"] = self._place.boundary_arn
        return kind(self.name(key), opts=pulumi.ResourceOptions.merge(self._options(kind), opts), **inputs)

    def name(self, key: str) -> str:
        """Return the logical name of a child, or of a component inside this one."""
        return f"{self._name}-{key}"

    def _options(self, kind: type[pulumi.CustomResource]) -> pulumi.ResourceOptions:
        if kind not in STORES:
            return pulumi.ResourceOptions(parent=self._parent)
        return pulumi.ResourceOptions(
            parent=self._parent, protect=True, retain_on_delete=True if self._place.protect else None
        )


def _taggable(kind: type[pulumi.CustomResource]) -> bool:
    if kind not in _TAGGABLE:
        _TAGGABLE[kind] = "tags" in inspect.signature(kind._internal_init).parameters  # type: ignore[attr-defined]
    return _TAGGABLE[kind]


_TAGGABLE: dict[type[pulumi.CustomResource], bool] = {}
"""Which resource classes have an input `tags`: the generated signatures tell, and are slow to read."""
