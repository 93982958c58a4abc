"""Images: from a Dockerfile to an endpoint that runs what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError
from building import SOURCE, Building
from serving import APP, Serving

from terrace.errors import SandboxError
from terrace.sandbox import Running, Sandbox
from terrace.sandbox.builds.environments import lock_hash
from terrace.sandbox.provider.clients import SandboxClients

FILES = {**SOURCE, "src/tiny/__main__.py": APP.read_text()}


@pytest.fixture
def box(sandbox: Running) -> Sandbox:
    """The shared sandbox, with its folder."""
    words = psutil.Process(sandbox.pid).cmdline()
    return Sandbox(Path(words[words.index("--home") + 1]))


@pytest.fixture
def building(aws: SandboxClients) -> Building:
    """A maker of builds in an account of its own."""
    return Building(aws)


@pytest.fixture
def serving(aws: SandboxClients, box: Sandbox) -> Serving:
    """A maker of endpoints in the same account."""
    return Serving(aws, box.home)


def test_an_image_is_built_pushed_and_served(building: Building, serving: Serving) -> None:
    """By digest and by tag: the source's own package answers, with the image's variables."""
    repository = building.repository()
    build = building.image(FILES, repository)
    assert build["buildStatus"] == "SUCCEEDED", building.log(build)
    digest = building.digest(repository)
    for reference in (f"{repository}@{digest}", f"{repository}:v1"):
        endpoint = serving.endpoint(serving.config(serving.model(image=reference)))
        seen = serving.settled(endpoint)
        [image] = seen["ProductionVariants"][0]["DeployedImages"]
        assert (image["SpecifiedImage"], image["ResolvedImage"]) == (reference, f"{repository}@{digest}")
        said = json.loads(serving.ask(endpoint)["Body"].read())
        assert said["argv"] == ["serve"]
        assert said["env"]["GREETING"] == "from the image"


def test_the_digest_is_the_code(building: Building) -> None:
    """The same source under another tag is the same image; another source is another."""
    repository = building.repository()
    for tag in ("one", "two"):
        building.image(FILES, repository, tag)
    building.image({**FILES, "src/tiny/more.py": ""}, repository, "three")
    one, two, three = (building.digest(repository, tag) for tag in ("one", "two", "three"))
    assert one == two
    assert one != three
    manifest = building.aws("ecr").batch_get_image(
        repositoryName=repository.partition("/")[2], imageIds=[{"imageDigest": one}]
    )["images"][0]["imageManifest"]
    assert set(json.loads(manifest)["annotations"]) == {
        "org.opencontainers.image.base.name",
        "terrace.lock",
        "terrace.source",
    }


def test_an_immutable_tag_stays(building: Building) -> None:
    """Pushing something else under it fails the build; the same again is no error."""
    repository = building.repository("IMMUTABLE")
    assert building.image(FILES, repository)["buildStatus"] == "SUCCEEDED"
    digest = building.digest(repository)
    again = building.image(FILES, repository)
    assert again["buildStatus"] == "SUCCEEDED", building.log(again)
    other = building.image({**FILES, "src/tiny/more.py": ""}, repository)
    assert other["buildStatus"] == "FAILED"
    assert "tag invalid" in building.log(other)
    assert "immutable" in building.log(other)
    assert building.digest(repository) == digest


def test_a_mutable_tag_moves(building: Building) -> None:
    """The repository has both images, the tag is the newer one's."""
    repository = building.repository("MUTABLE")
    building.image(FILES, repository)
    first = building.digest(repository)
    building.image({**FILES, "src/tiny/more.py": ""}, repository)
    assert building.digest(repository) != first


def test_a_repository_that_is_not_there_is_told(building: Building) -> None:
    """As docker tells it."""
    missing = f"{building.aws.account}.dkr.ecr.{building.aws.region}.amazonaws.com/none"
    build = building.image(FILES, missing)
    assert build["buildStatus"] == "FAILED"
    assert "name unknown: The repository with name 'none' does not exist" in building.log(build)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("docker run x", "docker run: the sandbox's docker knows build, login, push, tag and nothing else"),
        ("docker", "the sandbox's docker knows"),
        ("docker build --squash .", "unrecognized arguments: --squash"),
        ("docker build none", "path 'none' is no folder"),
        ("docker build -f none .", "none does not exist"),
        ("docker build -t 'Not A Tag' .", "invalid reference format"),
        ("docker push never:built", "does not exist locally with the tag: never:built"),
        ("docker build -t x . && docker push x", "has the account's own registry"),
        ("echo x | docker login -u me --password-stdin", "the user is AWS"),
        ("echo x | docker login -u AWS --password-stdin docker.io", "login attempt to docker.io failed"),
        ("aws s3 ls", "`s3 ls` is not among them"),
        ("aws --region eu-west-1 ecr describe-repositories", "`ecr describe-repositories` is not among them"),
    ],
)
def test_what_docker_and_aws_cannot_do_is_refused_by_name(building: Building, command: str, why: str) -> None:
    """A build that needs more fails at once and says what it needs."""
    spec = json.dumps({"version": 0.2, "phases": {"build": {"commands": [command]}}}, indent=1)
    build = building.build(building.project(spec), building.put({"Dockerfile": "FROM a\n"}))
    assert build["buildStatus"] == "FAILED"
    assert why in building.log(build)


def test_docker_tags_and_builds_in_one_go(building: Building) -> None:
    """`docker tag`, and `docker buildx build --push`; tokens for packages are handed out."""
    first, second = building.repository(), building.repository()
    commands = [
        "docker build -q -t local:1 . > digest",
        f"docker tag local:1 {first}:a && docker push {first}:a",
        f"docker buildx build --platform linux/amd64 --push -t {second}:b .",
        "test $(cat digest) = $(docker build -q .)",
        "aws codeartifact get-authorization-token --domain d --query authorizationToken --output text",
        "aws codeartifact login --tool pip --domain d --repository r",
    ]
    spec = json.dumps({"version": 0.2, "phases": {"build": {"commands": commands}}}, indent=1)
    build = building.build(building.project(spec), building.put(FILES))
    assert build["buildStatus"] == "SUCCEEDED", building.log(build)
    assert building.digest(first, "a") == building.digest(second, "b")


def test_a_build_takes_the_projects_own_environment(building: Building, box: Sandbox, tmp_path: Path) -> None:
    """The interpreter that was registered for the lock, if it has what is pinned."""
    import botocore

    lock = f"botocore=={botocore.__version__}\n"
    (tmp_path / "lock.txt").write_text(lock)
    files = {**FILES, "requirements/runtime.txt": lock}
    box.register_environment(lock_hash([tmp_path / "lock.txt"]), Path(sys.executable))
    build = building.image(files, building.repository())
    assert build["buildStatus"] == "SUCCEEDED"
    assert f"the environment of {sys.executable} has what the lock pins" in building.log(build)


def test_packages_that_cannot_be_had_are_told(building: Building) -> None:
    """The log says what to do about it."""
    files = {**FILES, "requirements/runtime.txt": "no-such-package-of-terrace==1.0 --hash=sha256:" + "0" * 64 + "\n"}
    build = building.image(files, building.repository())
    assert build["buildStatus"] == "FAILED"
    assert "The packages of the lock cannot be installed here." in building.log(build)
    assert "`make setup`" in building.log(build)


def test_a_named_environment_stands_for_an_image(building: Building, serving: Serving, box: Sandbox) -> None:
    """`terrace sandbox image URI --python PATH`: of a pushed image, the interpreter alone changes."""
    repository = building.repository()
    building.image(FILES, repository)
    uri = f"{repository}@{building.digest(repository)}"
    box.register_image(uri, Path(sys.executable))
    endpoint = serving.endpoint(serving.config(serving.model(image=uri)))
    env = json.loads(serving.ask(endpoint)["Body"].read())["env"]
    assert env["PATH"].startswith(str(Path(sys.executable).parent))
    assert env["GREETING"] == "from the image"


def test_naming_what_is_none_is_refused(box: Sandbox) -> None:
    """A URI with spaces, an interpreter that is not there, a program that is none."""
    with pytest.raises(SandboxError, match="is no image URI"):
        box.register_image("a b", Path(sys.executable))
    with pytest.raises(SandboxError, match="is no Python interpreter"):
        box.register_image("x:1", Path("/no/such/python"))
    with pytest.raises(SandboxError, match="is no Python interpreter"):
        box.register_image("x:1", Path("/bin/ls"))


def test_what_a_container_changes_is_its_own(building: Building, serving: Serving, box: Sandbox) -> None:
    """A server that writes beside its code does not change the image."""
    main = 'import os, pathlib\npathlib.Path("mark").write_text("x")\n' + APP.read_text().replace(
        "from __future__ import annotations\n", ""
    )
    repository = building.repository()
    building.image({**FILES, "src/tiny/__main__.py": main}, repository)
    digest = building.digest(repository)
    endpoint = serving.endpoint(serving.config(serving.model(image=f"{repository}@{digest}")))
    assert serving.settled(endpoint)["EndpointStatus"] == "InService"
    root = box.home / "images" / digest.removeprefix("sha256:") / "root"
    assert root.is_dir()
    assert not list(root.rglob("mark"))
    assert not list(root.rglob("__pycache__"))


def test_an_image_deleted_from_its_repository_is_unknown(building: Building, serving: Serving) -> None:
    """Its files alone do not make it exist."""
    repository = building.repository()
    building.image(FILES, repository)
    uri = f"{repository}@{building.digest(repository)}"
    name = repository.partition("/")[2]
    building.aws("ecr").batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    seen = serving.settled(serving.endpoint(serving.config(serving.model(image=uri))))
    assert (seen["EndpointStatus"], f"'{uri}' does not exist" in seen["FailureReason"]) == ("Failed", True)


def test_the_digest_of_any_pushed_manifest_is_its_hash(building: Building) -> None:
    """Whoever pushes it; a manifest without layers too."""
    import hashlib

    repository = building.repository("MUTABLE")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []})
    building.aws("ecr").put_image(repositoryName=repository.partition("/")[2], imageManifest=manifest, imageTag="v1")
    assert building.digest(repository) == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    with pytest.raises(ClientError):
        building.digest(repository, "none")
