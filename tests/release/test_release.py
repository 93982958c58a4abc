"""Who serves what: from nothing to a baseline, from there to versions, and never back by an `up`.

The tests of this file tell one story and run in order.
"""

from __future__ import annotations

import json

import pytest
from release.conftest import World

from terrace.contracts import read_release
from terrace.errors import EngineError, PlanError, ProjectError
from terrace.platform import open_platform
from terrace.release import release
from terrace.runs import Options, destroy_platform, preview_project, up_platform


def silent(_text: str) -> None:
    """Say nothing."""


def test_up_goes_from_nothing_to_an_endpoint_that_answers(world: World) -> None:
    """One command makes the platform, the repository, the image and the endpoint, and the baseline answers."""
    run = world.up()
    assert run.platform is not None
    assert run.platform.result.counts["created"] > 50
    assert world.ask() == "baseline 1"


def test_a_second_up_changes_nothing_and_builds_nothing(world: World) -> None:
    """The image of a commit is built once."""
    builds = world.target.client("codebuild").list_builds()["ids"]
    counts = world.up().result.counts
    assert [counts[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]
    assert world.target.client("codebuild").list_builds()["ids"] == builds


def test_a_preview_of_a_project_changes_nothing(world: World) -> None:
    """What a preview says of a project that is up to date is: nothing."""
    counts = preview_project(world.project, Options()).result.counts
    assert [counts[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]


def test_the_image_is_named_by_its_commit_and_served_by_its_digest(world: World) -> None:
    """What runs is a digest; its tag is the commit."""
    repository, _, digest = world.contract["image"].partition("@")
    found = world.target.client("ecr").describe_images(repositoryName=repository.partition("/")[2])["imageDetails"]
    assert [detail["imageDigest"] for detail in found] == [digest]
    assert len(found[0]["imageTags"][0]) == 40


def test_a_new_baseline_is_served_until_a_version_is_released(world: World) -> None:
    """Before the first release, new code reaches the endpoint by `up`."""
    path = "src/tiny/__main__.py"
    world.write(path, (world.root / path).read_text().replace("baseline 1", "baseline 2"))
    world.commit()
    world.up()
    assert world.ask() == "baseline 2"


def test_a_dirty_work_tree_is_a_version_of_its_own(world: World) -> None:
    """What is not committed is served under the hash of its content, so that it never passes for a commit."""
    path = "src/tiny/__main__.py"
    clean = (world.root / path).read_text()
    world.write(path, clean.replace("baseline 2", "baseline dirty"))
    world.up()
    assert world.ask() == "baseline dirty"
    tags = world.target.client("ecr").describe_images(repositoryName=world.contract["repositoryName"])["imageDetails"]
    assert any(tag.startswith("work-") for detail in tags for tag in detail["imageTags"])
    world.write(path, clean)
    world.up()
    assert world.ask() == "baseline 2"


def test_nothing_is_released_that_is_not_registered(world: World) -> None:
    """A release without versions says how to make one."""
    with pytest.raises(ProjectError, match="No version of tiny is registered"):
        release(world.target, "dev", "tiny", None, silent)


def test_nothing_is_released_that_is_not_approved(world: World) -> None:
    """A version that waits for approval is refused by number, and is not the newest approved one."""
    version = world.register("rejected", "Rejected")
    with pytest.raises(ProjectError, match=f"Version {version} of tiny is Rejected"):
        release(world.target, "dev", "tiny", version, silent)
    with pytest.raises(ProjectError, match="None of the 1 registered versions"):
        release(world.target, "dev", "tiny", None, silent)
    with pytest.raises(ProjectError, match="no version 99"):
        release(world.target, "dev", "tiny", 99, silent)


def test_a_release_puts_a_version_on_the_endpoint_and_records_it(world: World) -> None:
    """The record says who, which code, which data, which metrics, and what was replaced."""
    version = world.register("model A")
    record = release(world.target, "dev", "tiny", None, silent)
    assert world.ask() == "model A"
    answer = world.target.client("ssm").get_parameter(Name="/terrace/dev/tiny/release")
    said = json.loads(answer["Parameter"]["Value"])
    assert (said["modelVersion"], said["code"], said["data"], said["metrics"]) == (
        version,
        "abc",
        "def",
        {"roc_auc": 0.75},
    )
    assert said["releasedBy"].startswith("arn:aws:")
    assert record.replaces is None


def test_an_up_after_a_release_leaves_it_in_service(world: World) -> None:
    """Release, then `up`: the same prediction."""
    counts = world.up().result.counts
    assert [counts[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]
    assert world.ask() == "model A"


def test_new_code_after_a_release_leaves_it_in_service(world: World) -> None:
    """A new image is built and declared; who serves is the release's affair."""
    path = "src/tiny/__main__.py"
    world.write(path, (world.root / path).read_text().replace("baseline 2", "baseline 3"))
    world.commit()
    world.up()
    assert world.ask() == "model A"


def test_the_same_release_twice_changes_nothing(world: World) -> None:
    """Releasing what serves already says so and leaves the record as it is."""
    before = read_release(world.target, "dev", "tiny")
    told: list[str] = []
    assert release(world.target, "dev", "tiny", None, told.append) == before
    assert "already serves" in told[0]


def test_changed_serving_settings_reach_the_endpoint_of_a_released_version(world: World) -> None:
    """More memory in the settings is more memory on the endpoint, and the version stays."""
    before = read_release(world.target, "dev", "tiny")
    path = "infra/Pulumi.dev.yaml"
    world.write(path, (world.root / path).read_text() + "  terrace:memoryMb: 3072\n")
    world.up()
    sagemaker = world.target.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=world.contract["endpoint"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert config["ProductionVariants"][0]["ServerlessConfig"]["MemorySizeInMB"] == 3072
    after = read_release(world.target, "dev", "tiny")
    assert before is not None
    assert after is not None
    assert after.model_version == before.model_version
    assert world.ask() == "model A"


def test_the_next_release_names_the_version_that_it_replaces(world: World) -> None:
    """The record is a chain."""
    before = read_release(world.target, "dev", "tiny")
    world.register("model B")
    record = release(world.target, "dev", "tiny", None, silent)
    assert before is not None
    assert record.replaces == before.model_version
    assert world.ask() == "model B"


def test_an_earlier_version_can_be_released_again(world: World) -> None:
    """Going back is a release like any other."""
    before = read_release(world.target, "dev", "tiny")
    assert before is not None
    assert before.replaces is not None
    release(world.target, "dev", "tiny", before.replaces, silent)
    assert world.ask() == "model A"


def test_a_version_that_cannot_be_served_leaves_the_one_before_in_service(world: World) -> None:
    """A model that does not load is refused with what its log said, and nothing is recorded."""
    before = read_release(world.target, "dev", "tiny")
    world.register("broken")
    with pytest.raises(ProjectError, match="did not take"):
        release(world.target, "dev", "tiny", None, silent)
    assert world.ask() == "model A"
    assert read_release(world.target, "dev", "tiny") == before


def test_a_level_above_the_platforms_is_refused(world: World) -> None:
    """A model's level is at most its platform's; both are named."""
    path = "infra/Pulumi.dev.yaml"
    good = (world.root / path).read_text()
    world.write(path, good + "  terrace:level: 1\n")
    with pytest.raises(PlanError, match="level 1 of model tiny is above level 0"):
        world.up()
    world.write(path, good.replace("team: operations", "team: operatons"))
    with pytest.raises(PlanError, match=r"operatons is not a team .*Did you mean operations"):
        world.up()
    world.write(path, good)


def test_a_model_grows_with_its_platform(world: World) -> None:
    """After the platform's upgrade the model has alarms and a release project, and serves what it served."""
    up_platform(open_platform(world.folder / "platform", "dev", {"level": 1}), Options())
    world.up()
    alarms = world.target.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert any("tiny" in alarm["AlarmName"] for alarm in alarms)
    assert world.ask() == "model A"


def test_a_platform_with_models_is_not_destroyed(world: World) -> None:
    """Models are removed first, each by its own team."""
    with pytest.raises(EngineError, match="still has models: tiny"):
        destroy_platform(world.platform, Options(), delete_data=True)
