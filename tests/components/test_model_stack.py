"""What a model has, by how it is served and what there is of it."""

import json

import pytest
from components.recorder import Graph
from terrace_components.serving_rules import has_nvme

from components import programs
from terrace.errors import PlanError, TerraceError
from terrace.maturity import ModelContract, names

RELEASE = json.dumps(
    {
        "model": "flights",
        "environment": "dev",
        "modelVersion": 3,
        "endpoint": "acme-dev-ml-flights",
        "endpointConfig": "acme-dev-ml-flights-v3-0000aaaa",
        "serving": {"mode": "serverless"},
        "image": programs.IMAGE,
        "modelData": "s3://bucket/model.tar.gz",
        "code": "c0ffee",
        "data": "d",
        "metrics": {},
        "releasedBy": "arn:aws:iam::123456789012:user/ada",
        "releasedAt": "2026-11-21T00:00:00Z",
    }
)


def _variant(graph: Graph) -> dict[str, object]:
    (config,) = graph.of("EndpointConfiguration")
    (variant,) = config.inputs["productionVariants"]
    return dict(variant)


def test_serverless_has_neither_network_nor_isolation(model: Graph) -> None:
    """AWS offers serverless endpoints neither; sizes are memory and concurrency."""
    inputs = model.of("Model")[0].inputs
    assert "vpcConfig" not in inputs
    assert "enableNetworkIsolation" not in inputs
    assert _variant(model)["serverlessConfig"] == {"memorySizeInMb": 2048, "maxConcurrency": 5}


def test_realtime_is_isolated_in_the_network_on_two_instances(prod_model: Graph) -> None:
    """In production the model runs isolated, in the private subnets, and one instance may fail."""
    inputs = prod_model.of("Model")[0].inputs
    assert inputs["enableNetworkIsolation"] is True
    assert len(inputs["vpcConfig"]["subnets"]) == 3
    assert _variant(prod_model)["initialInstanceCount"] == 2


def test_the_image_is_named_by_digest(model: Graph) -> None:
    """What is served never changes under a name."""
    assert "@sha256:" in model.of("Model")[0].inputs["primaryContainer"]["image"]


@pytest.mark.parametrize(
    ("instance_type", "encrypted"), [("ml.m5.large", True), ("ml.m5d.large", False), ("ml.g5.xlarge", False)]
)
def test_storage_of_instances_is_encrypted_where_they_take_a_key(instance_type: str, encrypted: bool) -> None:
    """Local NVMe disks refuse a customer key, and are encrypted by themselves."""
    (config,) = programs.model(mode="realtime", instance_type=instance_type).of("EndpointConfiguration")
    assert ("kmsKeyArn" in config.inputs) is encrypted


@pytest.mark.parametrize(
    ("type", "nvme"),
    [
        ("ml.m6gd.xlarge", True),
        ("ml.c5d.large", True),
        ("ml.r6id.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.t2.medium", False),
        ("ml.c6g.large", False),
        ("ml.inf1.xlarge", False),
        ("ml.m7i.large", False),
    ],
)
def test_local_disks_are_known_by_family(type: str, nvme: bool) -> None:
    """The letter d after the generation, and a few families, tell local disks."""
    assert has_nvme(type) is nvme


def test_without_an_image_all_but_the_endpoint_is_built() -> None:
    """The first `up` of a project makes the repository that its image goes to, and says what is missing."""
    graph = programs.model(image=None)
    assert not [*graph.of("Model"), *graph.of("EndpointConfiguration"), *graph.of("Endpoint")]
    assert graph.one("model-workspace-images-repository")
    assert "terrace up dev --project PATH" in graph.outputs["missing"]
    assert graph.outputs["endpoint"] == "acme-dev-ml-flights"


def test_silence_of_an_endpoint_that_does_not_exist_is_no_alarm(model: Graph) -> None:
    """The alarm on silence waits for the endpoint."""
    silent = programs.model(image=None).one("model-alarms-silence-alarm")
    assert silent.inputs["treatMissingData"] == "notBreaching"
    assert model.one("model-alarms-silence-alarm").inputs["treatMissingData"] == "breaching"


def test_another_image_makes_new_names(model: Graph) -> None:
    """A changed image stands beside the old one before that goes: both are named by what they are."""
    other = programs.model(image=programs.IMAGE[:-1] + "1")
    for kind in ("Model", "EndpointConfiguration"):
        assert model.of(kind)[0].inputs["name"] != other.of(kind)[0].inputs["name"]
    assert model.of("Endpoint")[0].inputs["name"] == other.of("Endpoint")[0].inputs["name"]


def test_another_size_makes_a_new_configuration_only(model: Graph) -> None:
    """More memory needs a new endpoint configuration of the same model."""
    other = programs.model(memory_mb=3072)
    assert model.of("Model")[0].inputs["name"] == other.of("Model")[0].inputs["name"]
    assert model.of("EndpointConfiguration")[0].inputs["name"] != other.of("EndpointConfiguration")[0].inputs["name"]


def test_until_a_release_the_program_decides_what_is_served(model: Graph) -> None:
    """A new baseline image reaches the endpoint by an `up`."""
    (endpoint,) = model.of("Endpoint")
    assert endpoint.ignored == ()
    assert endpoint.inputs["endpointConfigName"] == model.of("EndpointConfiguration")[0].inputs["name"]


def test_after_a_release_no_up_changes_what_is_served() -> None:
    """Who serves is decided by the release; an endpoint that must be made again gets the released version."""
    (endpoint,) = programs.model(release=RELEASE).of("Endpoint")
    assert endpoint.ignored == ("endpointConfigName",)
    assert endpoint.inputs["endpointConfigName"] == "acme-dev-ml-flights-v3-0000aaaa"


def test_a_model_without_a_platform_names_the_command() -> None:
    """The platform comes first, and the error says how."""
    from components.recorder import record
    from terrace_components import ModelStack

    with pytest.raises(TerraceError, match="terrace up dev"):
        record(lambda: ModelStack("model", programs.model_settings()))


def test_a_model_is_no_higher_than_its_platform() -> None:
    """Level 1 of a model needs level 1 of the platform."""
    with pytest.raises(PlanError, match="above level 0 of its platform"):
        programs.model(level=0, own_level=1)


def test_the_contract_says_all_that_a_release_needs(prod_model: Graph) -> None:
    """Another process releases a version from nothing but the contract."""
    contract = ModelContract.from_json(prod_model.one("model-contract").inputs["value"])
    assert contract.endpoint == "acme-prod-ml-flights"
    assert contract.build_project == "acme-prod-ml-flights-images"
    assert (contract.serving.mode, contract.serving.instance_count) == ("realtime", 2)
    assert len(contract.serving.subnet_ids) == 3
    assert contract.tags["model"] == "flights"
    assert contract.serve_role_arn.endswith("role/acme-prod-ml-flights-serve")


def test_at_level_0_the_platform_builds_images() -> None:
    """A model has a build project of its own from level 1 on."""
    graph = programs.model(level=0)
    contract = ModelContract.from_json(graph.one("model-contract").inputs["value"])
    assert contract.build_project == "acme-dev-images"
    assert not graph.of("Project")


def test_the_longest_names_stay_legal_and_apart() -> None:
    """Two models that agree in their first fifty characters have different endpoints, roles and packages."""
    contract = json.loads(programs.contract_of("dev", 1))
    contract |= {"organisation": "o" * 16, "teams": [{"name": "t" * 16}]}
    graphs = [
        programs.model(contract=json.dumps(contract), team="t" * 16, model="m" * 31 + letter) for letter in ("a", "b")
    ]
    for kind, limit in (("Endpoint", "endpoint"), ("Role", "role"), ("ModelPackageGroup", "package-group")):
        found = [{r.inputs.get("name") or r.inputs["modelPackageGroupName"] for r in g.of(kind)} for g in graphs]
        assert not found[0] & found[1], kind
        assert all(len(name) <= names.LIMITS[limit].longest for name in found[0]), kind
    roles = {r.inputs["name"].rsplit("-", 1)[1] for r in graphs[0].of("Role")}
    assert roles == {"train", "serve", "monitor", "deploy", "build", "ci"}
