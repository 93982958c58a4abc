"""Who brings a version from elsewhere: the model's own deployers, with their policies read as IAM reads them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from operations.conftest import Place
from operations.test_image_copy import Registry, image, sides, silent
from terrace_components.ci_policies import ci_policy
from terrace_components.model_policies import ModelScope, deploy_policy
from terrace_components.placement import Place as Standing

from terrace.image_copy import MANIFESTS, Repository, copy
from terrace.promotion import Side, bring
from terrace.sandbox.services.iam_simulation import judged

__all__ = ["sides"]
ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/models"
DATA, ARTIFACTS = f"acme-prod-data-{ACCOUNT}", f"acme-prod-artifacts-{ACCOUNT}"
OWN = f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/acme-prod-ml-tiny"
OTHERS = OWN.replace("-tiny", "-other")
STANDING = Standing(
    organisation="acme", environment="prod", account=ACCOUNT, region="eu-central-1", level=1, owner="o@acme.example",
    cost_center="1", data_class="internal", size="small", protect=True, retention_days=30, kms_deletion_days=30,
    team="ml", model="tiny",
)  # fmt: skip
SCOPE = ModelScope(STANDING, DATA, ARTIFACTS, KEY, KEY)
ROLES = {
    "deploy": deploy_policy(SCOPE, "acme-prod-images"),
    "ci": ci_policy(SCOPE, "acme-prod-ml-tiny-images", f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-boundary"),
}


@pytest.fixture(params=list(ROLES))
def role(request: pytest.FixtureRequest) -> Any:
    """The policy of each role that releases."""
    return ROLES[request.param]


class Heard:
    """A client that remembers what was asked of it, as the action that IAM checks."""

    def __init__(self, client: Any, actions: set[str]) -> None:
        self.exceptions = client.exceptions
        self._client, self._actions = client, actions

    def __getattr__(self, name: str) -> Any:
        """Return the operation, and note it."""
        self._actions.add("ecr:" + "".join(part.capitalize() for part in name.split("_")))
        return getattr(self._client, name)


def refused(role: Any, actions: set[str], resource: str) -> list[str]:
    """Return which actions the role's policy does not allow on a resource."""
    found = {one: judged([("own", role)], None, one, resource, {})["EvalDecision"] for one in actions}
    return sorted(action for action, decision in found.items() if decision != "allowed")


def test_a_deployer_may_carry_an_image_over(sides: tuple[Registry, Registry], role: Any) -> None:
    """Reading where the version is from and writing where it goes, each in the model's own repository and no other."""
    read: set[str] = set()
    written: set[str] = set()
    named = image(sides[0], b"{}", b"a layer")
    copy(Repository(Heard(sides[0], read), "a", "1"), Repository(Heard(sides[1], written), "b", "2"), named, silent)
    assert {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} <= read
    assert {"ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"} <= written
    assert refused(role, read | written, OWN) == []
    assert refused(role, read | written, OTHERS) == sorted(read | written)


@pytest.fixture(scope="module")
def staging(dev: Place, folder: Path) -> Place:
    """The model in staging, beside dev."""
    return Place(folder, "staging")


@pytest.fixture
def called() -> dict[str, set[str]]:
    """Actions by environment."""
    return {"dev": set(), "staging": set()}


@pytest.fixture
def ears(dev: Place, staging: Place, called: dict[str, set[str]]) -> Iterator[None]:
    """Listen to what both environments are asked."""
    clients = [(place, place.target.client(name)) for place in (dev, staging) for name in ("ecr", "s3", "sagemaker")]
    for place, client in clients:

        def heard(model: Any, environment: str = place.environment, **_: Any) -> None:
            called[environment].add(f"{model.service_model.signing_name}:{model.name}")

        client.meta.events.register("before-call", heard, unique_id="heard")
    yield
    for _, client in clients:
        client.meta.events.unregister("before-call", unique_id="heard")


@pytest.mark.usefixtures("ears")
def test_a_deployer_may_do_all_that_a_promotion_does(
    dev: Place, staging: Place, called: dict[str, set[str]], role: Any
) -> None:
    """Versions, archive and image: what is read there and written here is in the policies of who releases."""
    now = f"t{time.time_ns()}"
    manifest = {"schemaVersion": 2, "mediaType": MANIFESTS[0], "config": {}, "layers": [], "annotations": {"of": now}}
    ecr = dev.target.client("ecr")
    put = ecr.put_image(repositoryName="dev/tiny", imageManifest=json.dumps(manifest), imageTag=now)
    dev.register(content=now, image=f"{dev.contract.repository_uri}@{put['image']['imageId']['imageDigest']}")
    for actions in called.values():
        actions.clear()
    bring(Side(dev.target, dev.contract), Side(staging.target, staging.contract), None, silent)
    assert "s3:GetObject" in called["dev"]
    assert {"sagemaker:CreateModelPackage", "s3:PutObject", "ecr:PutImage"} <= called["staging"]
    resources = {
        "ecr": OWN,
        "s3": f"arn:aws:s3:::{ARTIFACTS}/models/tiny/1/model.tar.gz",
        "sagemaker": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:model-package/acme-prod-ml-tiny/1",
    }
    for action in called["dev"] | called["staging"]:
        assert refused(role, {action}, resources[action.partition(":")[0]]) == [], action
