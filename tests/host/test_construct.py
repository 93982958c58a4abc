"""Components built for a program in another language: what the engine asks of the host, and what it hears."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from components.programs import contract_of, model, model_settings, platform, platform_settings
from components.recorder import Graph
from google.protobuf import empty_pb2
from host import samples
from host.serving import PROVIDER, UNKNOWN, Built, Host, output, secret
from pydantic.alias_generators import to_camel

from terrace import __version__

CONTRACT = {"/terrace/dev/platform": contract_of("dev", 1)}


def test_the_schema_beside_the_host_is_what_it_serves(host: Host) -> None:
    """`GetSchema` answers what `schema.json` holds (`python components schema` writes it)."""
    assert host.schema() + "\n" == (samples.ROOT / "components" / "schema.json").read_text()


def test_the_host_has_the_version_of_the_package(host: Host) -> None:
    """The engine hears the version that the schema and the wheel have."""
    info = host.stub.GetPluginInfo(empty_pb2.Empty(), timeout=20)
    assert info.version == __version__ == samples.SCHEMA["version"]


@pytest.mark.parametrize("kind", samples.COMPONENTS)
def test_every_component_is_built_without_what_is_optional(host: Host, kind: str) -> None:
    """What is required is enough: absent optional inputs are absent, and every output is there."""
    built = host.construct(kind, samples.required(kind), parameters=CONTRACT)
    _check(kind, built)


@pytest.mark.parametrize("kind", [kind for kind in samples.COMPONENTS if kind not in samples.WHOLE_STACKS])
def test_every_component_takes_every_input(host: Host, kind: str) -> None:
    """All inputs at once are taken, and what is given is not lost."""
    built = host.construct(kind, samples.everything(kind))
    _check(kind, built)


@pytest.mark.parametrize("level", [0, 1])
def test_a_platform_is_the_same_from_every_language(host: Host, level: int) -> None:
    """The same settings from another language declare the same resources, input by input."""
    settings = platform_settings(level=level)
    built = host.construct("Platform", _camel(settings), name="platform")
    assert _declared(built.graph) == _declared(platform(level=level))
    assert built.state["level"] == level


@pytest.mark.parametrize("mode", ["serverless", "realtime"])
def test_a_model_is_the_same_from_every_language(host: Host, mode: str) -> None:
    """The same settings from another language declare the same resources, input by input."""
    settings = {**model_settings(mode=mode), "level": 1}
    built = host.construct("ModelStack", _camel(settings), name="model", parameters=CONTRACT)
    assert _declared(built.graph) == _declared(model(mode=mode, own_level=1))


def test_a_preview_tells_what_is_known_and_leaves_the_rest_unknown(host: Host) -> None:
    """What AWS decides is unknown before the first `up`; what settings decide is not."""
    state = host.construct("Platform", samples.PLATFORM, preview=True).state
    assert state["level"] == 0
    assert "storage" in state["capabilities"]
    assert state["buildProject"] == "acme-dev-images"
    assert state["dataKeyArn"] == state["vpcId"] == state["dataBucket"] == UNKNOWN


@pytest.mark.parametrize("unknown", [UNKNOWN, output()], ids=["plain", "output"])
def test_what_flows_may_be_unknown_in_a_preview(host: Host, unknown: Any) -> None:
    """A key that another resource will make is taken, and is unknown in what it goes into."""
    inputs = {**samples.required("ImageRepository"), "modelsKeyArn": unknown}
    graph = host.construct("ImageRepository", inputs, preview=True).graph
    (repository,) = graph.of("Repository")
    assert UNKNOWN in str(repository.inputs["encryptionConfigurations"])


def test_an_output_of_another_resource_is_taken_with_its_value(host: Host) -> None:
    """What came of another resource goes into the children."""
    inputs = {**samples.required("ImageRepository"), "modelsKeyArn": output(samples.KEY, PROVIDER.rsplit("::", 1)[0])}
    (repository,) = host.construct("ImageRepository", inputs).graph.of("Repository")
    assert samples.KEY in str(repository.inputs["encryptionConfigurations"])


def test_a_secret_that_flows_is_taken(host: Host) -> None:
    """A secret input reaches the child whose input it is."""
    inputs = {**samples.required("ImageRepository"), "modelsKeyArn": secret(samples.KEY)}
    (repository,) = host.construct("ImageRepository", inputs).graph.of("Repository")
    assert samples.KEY in str(repository.inputs["encryptionConfigurations"])


def test_components_are_built_at_once(host: Host) -> None:
    """The engine asks for several components at a time, and each comes out as it does alone."""
    kinds = ["Encryption", "Storage", "Registry", "Workspace", "Network", "Platform"]
    with ThreadPoolExecutor(len(kinds)) as pool:
        together = list(pool.map(lambda kind: host.construct(kind, samples.required(kind)), kinds))
    for kind, built in zip(kinds, together, strict=True):
        assert _declared(built.graph) == _declared(host.construct(kind, samples.required(kind)).graph), kind


def _check(kind: str, built: Built) -> None:
    """Every output is told, and every child stands below the component with the provider that it was given."""
    assert set(built.state) == set(samples.COMPONENTS[kind]["properties"])
    (component, *_) = built.graph.resources
    assert (component.type, component.name) == (f"terrace:index:{kind}", "it")
    assert built.urn.endswith("::it")
    names = {resource.name for resource in built.graph.resources}
    for child in built.graph:
        assert child.name.startswith("it-"), child.name
        assert child.parent in names, child.name
        assert child.provider == PROVIDER, child.name


def _declared(graph: Graph) -> dict[tuple[str, str], Any]:
    return {(r.type, r.name): (r.inputs, r.protect, r.retain, r.ignored) for r in graph}


def _camel(value: Any) -> Any:
    """Return settings as another language names them; what is not set is not sent."""
    if isinstance(value, dict):
        return {to_camel(key): _camel(item) for key, item in value.items() if item is not None}
    return value
