"""Whose pipelines are trusted."""

import json

from components import programs

HOST = "token.actions.githubusercontent.com"
GITHUB = {"owner": "acme", "owner_id": "1", "repository": "flights", "repository_id": "2"}


def _trust(**more: object) -> dict[str, object]:
    role = programs.model(**more).one("model-release-ci-ci-role")
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert set(statement["Condition"]) == {"StringEquals"}
    return statement["Condition"]["StringEquals"]


def test_github_is_trusted_by_ids_that_outlive_a_rename() -> None:
    """A token names owner and repository with their numeric ids, on one branch or in one environment."""
    condition = _trust()
    assert condition[f"{HOST}:aud"] == "sts.amazonaws.com"
    assert condition[f"{HOST}:sub"] == [
        "repo:acme@1/flights@2:ref:refs/heads/main",
        "repo:acme@1/flights@2:environment:dev",
    ]
    assert condition[f"{HOST}:repository_id"] == ["2"]


def test_an_old_repository_presents_names_alone() -> None:
    """A repository from before the ids is trusted by its names, and still by its id as a claim of its own."""
    condition = _trust(github={**GITHUB, "legacy_subject": True})
    assert condition[f"{HOST}:sub"] == [
        "repo:acme/flights:ref:refs/heads/main",
        "repo:acme/flights:environment:dev",
    ]
    assert condition[f"{HOST}:repository_id"] == ["2"]


def test_gitlab_is_trusted_on_one_branch() -> None:
    """A GitLab project deploys from its protected branch."""
    condition = _trust(github=None, gitlab={"project": "acme/flights"})
    assert condition["gitlab.com:aud"] == "https://gitlab.com"
    assert condition["gitlab.com:sub"] == ["project_path:acme/flights:ref_type:branch:ref:main"]


def test_nothing_is_ever_trusted_by_pattern() -> None:
    """No trust of a pipeline has a wildcard in it."""
    assert "*" not in json.dumps(_trust())


def test_without_a_repository_no_pipeline_is_trusted() -> None:
    """A model whose settings name no repository has a build project and no role for a pipeline."""
    graph = programs.model(github=None)
    assert graph.outputs["ci_role_arn"] == ""
    assert not [r for r in graph.of("Role") if r.name.endswith("ci-role")]
    assert graph.one("model-release-ci-build-project")


def test_brought_providers_are_used() -> None:
    """An account has one provider for each URL: one that is there already is not made again."""
    arn = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"
    graph = programs.platform(
        ci={"github": {"organisation": "acme", "organisation_id": "1", "provider_arn": arn}, "branch": "trunk"}
    )
    assert not graph.of("OpenIdConnectProvider")
    contract = json.loads(graph.one("platform-contract").inputs["value"])
    assert (contract["githubProviderArn"], contract["branch"]) == (arn, "trunk")
