"""CI: how a pipeline outside of AWS proves who it is, without a stored key."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity.oidc import GITHUB_AUDIENCE, GITHUB_URL
from terrace_components.child import Children
from terrace_components.placement import Place, Placement


class CiArgs(TypedDict):
    """Arguments of Ci."""

    placement: Placement
    """Where the component stands."""
    github: bool
    """Whether GitHub Actions is trusted."""
    gitlab: bool
    """Whether GitLab CI is trusted."""
    github_provider_arn: NotRequired[str]
    """The account's provider for GitHub, where there is one already: an account has one for each URL."""
    gitlab_url: NotRequired[str]
    """URL of GitLab. Default https://gitlab.com."""
    gitlab_provider_arn: NotRequired[str]
    """The account's provider for GitLab, where there is one already."""


class Ci(pulumi.ComponentResource):
    """OIDC providers for GitHub and GitLab. Roles that trust them belong to the models and pin one repository each."""

    github_provider_arn: pulumi.Output[str]
    """ARN of the provider for GitHub; empty when GitHub is not trusted."""
    gitlab_provider_arn: pulumi.Output[str]
    """ARN of the provider for GitLab; empty when GitLab is not trusted."""

    def __init__(self, name: str, args: CiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Ci", name, {}, opts)
        child = Children(self, name, place, "ci")

        self.github_provider_arn = pulumi.Output.from_input(args.get("github_provider_arn", ""))
        if args["github"] and "github_provider_arn" not in args:
            self.github_provider_arn = child(
                aws.iam.OpenIdConnectProvider, "github", url=GITHUB_URL, client_id_lists=[GITHUB_AUDIENCE]
            ).arn
        self.gitlab_provider_arn = pulumi.Output.from_input(args.get("gitlab_provider_arn", ""))
        if args["gitlab"] and "gitlab_provider_arn" not in args:
            url = args.get("gitlab_url", "https://gitlab.com")
            self.gitlab_provider_arn = child(
                aws.iam.OpenIdConnectProvider, "gitlab", url=url, client_id_lists=[url]
            ).arn

        self.register_outputs(
            {
                "github_provider_arn": self.github_provider_arn,
                "gitlab_provider_arn": self.gitlab_provider_arn,
            }
        )
