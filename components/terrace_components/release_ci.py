"""Release CI: how the pipeline of a model's repository builds and deploys it, without a stored key."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity.oidc import GithubRepository, github_trust, gitlab_trust
from terrace_components.batch_policies import BatchScope
from terrace_components.child import Children
from terrace_components.ci_policies import ci_batch_policy, ci_policy, ci_training_policy
from terrace_components.documents import Document, policy
from terrace_components.image_build import ImageBuild
from terrace_components.model_policies import ModelScope
from terrace_components.placement import Place, Placement


class GithubProject(TypedDict):
    """A model's repository on GitHub."""

    owner: str
    """Organisation or person that owns the repository."""
    owner_id: str
    """Numeric id of the owner."""
    repository: str
    """Name of the repository."""
    repository_id: str
    """Numeric id of the repository."""
    legacy_subject: NotRequired[bool]
    """The repository was made before 2026-07-15 and never renamed: its tokens name no ids. Default false."""


class GitlabProject(TypedDict):
    """A model's project on GitLab."""

    project: str
    """Path of the project, with its groups."""


class ReleaseCiArgs(TypedDict):
    """Arguments of ReleaseCi."""

    placement: Placement
    """Where the component stands; it names team and model."""
    data_bucket: str
    """Name of the environment's data bucket."""
    artifact_bucket: str
    """Name of the environment's artifact bucket."""
    data_key_arn: pulumi.Input[str]
    """Key of the data."""
    models_key_arn: pulumi.Input[str]
    """Key of models and images."""
    logs_key_arn: pulumi.Input[str]
    """Key of the build's logs."""
    branch: str
    """The branch whose pipeline deploys."""
    training: NotRequired[bool]
    """The model has a training pipeline, which the repository's pipeline publishes. Default false."""
    batch: NotRequired[bool]
    """The model is in mode batch, and the repository's pipeline keeps what scores. Default false."""
    github: NotRequired[GithubProject]
    """The repository, if it is on GitHub."""
    github_provider_arn: NotRequired[str]
    """The account's OIDC provider for GitHub."""
    gitlab: NotRequired[GitlabProject]
    """The project, if it is on GitLab."""
    gitlab_url: NotRequired[str]
    """URL of GitLab. Default https://gitlab.com."""
    gitlab_provider_arn: NotRequired[str]
    """The account's OIDC provider for GitLab."""


class ReleaseCi(pulumi.ComponentResource):
    """The model's own build project, and the role that its repository's pipeline assumes on one branch."""

    build_project: pulumi.Output[str]
    """Name of the build project."""
    role_arn: pulumi.Output[str]
    """ARN of the pipeline's role; empty while the settings name no repository that the platform trusts."""

    def __init__(self, name: str, args: ReleaseCiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        scope = ModelScope(
            place, args["data_bucket"], args["artifact_bucket"], args["data_key_arn"], args["models_key_arn"]
        )
        trust = _trust(args, place.environment)
        super().__init__("terrace:index:ReleaseCi", name, {}, opts)
        child = Children(self, name, place, "release-ci")

        build = ImageBuild(
            f"{name}-build",
            {
                "placement": args["placement"],
                "capability": "release-ci",
                "repositories": [place.name("repository")],
                "source_prefix": scope.source_prefix,
                "artifact_bucket": args["artifact_bucket"],
                "models_key_arn": args["models_key_arn"],
                "logs_key_arn": args["logs_key_arn"],
            },
            pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = pulumi.Output.from_input("")
        if trust is not None:
            role = child(
                aws.iam.Role,
                "ci-role",
                name=place.role_name("ci"),
                description="What the repository's pipeline builds and deploys under",
                assume_role_policy=policy(trust),
                max_session_duration=3600,
            )
            child(
                aws.iam.RolePolicy,
                "ci-role-policy",
                name="ci",
                role=role.name,
                policy=policy(ci_policy(scope, place.name("codebuild", "images"), place.boundary_arn)),
            )
            for what, doc in self._besides(args, scope):
                # Policies of their own: all that is written into a role counts together, to 10240 characters.
                more = child(
                    aws.iam.Policy,
                    f"ci-{what}-policy",
                    name=place.name("policy", f"ci-{what}"),
                    description=f"What the repository's pipeline does for the {what} of {place.model}",
                    policy=policy(doc),
                )
                child(aws.iam.RolePolicyAttachment, f"ci-{what}-attachment", role=role.name, policy_arn=more.arn)
            self.role_arn = role.arn

        self.build_project = build.project
        self.register_outputs({"build_project": self.build_project, "role_arn": self.role_arn})

    @staticmethod
    def _besides(args: ReleaseCiArgs, scope: ModelScope) -> list[tuple[str, Document]]:
        """Return what the role may do besides releasing, by what it is for."""
        boundary = scope.place.boundary_arn
        found = [("training", ci_training_policy(scope, boundary))] if args.get("training") else []
        if args.get("batch"):
            # Nothing of it depends on the folder.
            found.append(("batch", ci_batch_policy(BatchScope(scope, ""), boundary)))
        return found


def _trust(args: ReleaseCiArgs, environment: str) -> Document | None:
    """Return whom the role trusts, None as long as there is nobody."""
    if "github" in args and "github_provider_arn" in args:
        project = args["github"]
        repository = GithubRepository(
            project["owner"],
            project["owner_id"],
            project["repository"],
            project["repository_id"],
            project.get("legacy_subject", False),
        )
        return github_trust(args["github_provider_arn"], repository, args["branch"], environment)
    if "gitlab" in args and "gitlab_provider_arn" in args:
        url = args.get("gitlab_url", "https://gitlab.com")
        return gitlab_trust(args["gitlab_provider_arn"], url, args["gitlab"]["project"], args["branch"])
    return None
