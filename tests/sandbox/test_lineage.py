"""Lineage: entities, associations and queries, as any client writes and asks them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.lineage.graph import Association, Graph
from terrace.sandbox.lineage.query import follow
from terrace.sandbox.provider.clients import SandboxClients

_numbers = itertools.count(1)


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """SageMaker of an account of its own."""
    return aws("sagemaker")


def _artifact(sagemaker: Any, uri: str, kind: str = "DataSet", **more: Any) -> str:
    made = sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType=kind, **more)
    return str(made["ArtifactArn"])


def _component(sagemaker: Any, name: str = "train") -> str:
    return str(sagemaker.create_trial_component(TrialComponentName=name)["TrialComponentArn"])


def _context(sagemaker: Any, name: str = "endpoint") -> str:
    source = {"SourceUri": f"arn:aws:sagemaker:eu-central-1:111122223333:endpoint/{name}", "SourceType": "ARN"}
    return str(sagemaker.create_context(ContextName=name, Source=source, ContextType="Endpoint")["ContextArn"])


def _action(sagemaker: Any, name: str = "deploy") -> str:
    source = {"SourceUri": "arn:x", "SourceType": "ARN"}
    made = sagemaker.create_action(ActionName=name, Source=source, ActionType="ModelDeployment", Status="InProgress")
    return str(made["ActionArn"])


def _line(sagemaker: Any) -> list[str]:
    """Make data → training → model → deployment → endpoint; return the ARNs in that order."""
    line = [
        _artifact(sagemaker, "s3://data/train.csv"),
        _component(sagemaker),
        _artifact(sagemaker, "s3://models/model.tar.gz", "Model"),
        _action(sagemaker),
        _context(sagemaker),
    ]
    types = ["ContributedTo", "Produced", "ContributedTo", "AssociatedWith"]
    for (source, destination), kind in zip(itertools.pairwise(line), types, strict=True):
        sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=kind)
    return line


def _query(sagemaker: Any, start: str, direction: str = "Ascendants", **more: Any) -> Any:
    return sagemaker.query_lineage(StartArns=[start], Direction=direction, **more)


def _arns(answer: Any) -> list[str]:
    return [vertex["Arn"] for vertex in answer["Vertices"]]


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_artifact_lives(sagemaker: Any) -> None:
    """An artifact is made, described by ARN, changed, listed by source and type, tagged, and deleted by its source."""
    arn = _artifact(sagemaker, "s3://a/b", ArtifactName="b", Properties={"one": "1", "two": "2"}, Tags=[_tag("k", "v")])
    sagemaker.update_artifact(ArtifactArn=arn, Properties={"three": "3"}, PropertiesToRemove=["one"])
    found = sagemaker.describe_artifact(ArtifactArn=arn)
    assert found["ArtifactName"] == "b"
    assert found["Properties"] == {"two": "2", "three": "3"}
    assert found["LastModifiedTime"] > found["CreationTime"]
    assert [one["ArtifactArn"] for one in sagemaker.list_artifacts(SourceUri="s3://a/b")["ArtifactSummaries"]] == [arn]
    assert sagemaker.list_artifacts(ArtifactType="Model")["ArtifactSummaries"] == []
    sagemaker.add_tags(ResourceArn=arn, Tags=[_tag("k2", "v2")])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["k"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [_tag("k2", "v2")]
    sagemaker.delete_artifact(Source={"SourceUri": "s3://a/b"})
    with pytest.raises(ClientError) as error:
        sagemaker.describe_artifact(ArtifactArn=arn)
    assert _code(error) == "ResourceNotFound"


def _tag(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def test_one_artifact_for_a_source(sagemaker: Any) -> None:
    """A second artifact of the same source is refused; the same URI of another version is another source."""
    _artifact(sagemaker, "s3://a/b")
    with pytest.raises(ClientError) as error:
        _artifact(sagemaker, "s3://a/b")
    assert _code(error) == "ValidationException"
    version = [{"SourceIdType": "S3Version", "Value": "7"}]
    sagemaker.create_artifact(Source={"SourceUri": "s3://a/b", "SourceTypes": version}, ArtifactType="DataSet")
    assert len(sagemaker.list_artifacts(SourceUri="s3://a/b")["ArtifactSummaries"]) == 2


def test_contexts_and_actions_live(sagemaker: Any) -> None:
    """Contexts and actions are found by name and by ARN, and an action has a status that changes."""
    context, action = _context(sagemaker, "Shop-Endpoint"), _action(sagemaker)
    assert sagemaker.describe_context(ContextName="Shop-Endpoint")["ContextArn"] == context
    assert sagemaker.describe_context(ContextName=context)["ContextName"] == "Shop-Endpoint"
    sagemaker.update_action(ActionName="deploy", Status="Completed", Description="done")
    assert sagemaker.describe_action(ActionName="deploy")["Status"] == "Completed"
    assert [one["ActionArn"] for one in sagemaker.list_actions(SortBy="Name")["ActionSummaries"]] == [action]
    sagemaker.delete_action(ActionName="deploy")
    sagemaker.delete_context(ContextName="Shop-Endpoint")
    assert sagemaker.list_contexts()["ContextSummaries"] == []


def test_a_listing_has_pages(sagemaker: Any) -> None:
    """A listing gives ten at a time, the newest first, and goes on where it stopped."""
    for number in range(12):
        _artifact(sagemaker, f"s3://a/{number}")
    first = sagemaker.list_artifacts()
    rest = sagemaker.list_artifacts(NextToken=first["NextToken"])
    uris = [one["Source"]["SourceUri"] for one in first["ArtifactSummaries"] + rest["ArtifactSummaries"]]
    assert uris == [f"s3://a/{number}" for number in reversed(range(12))]
    assert "NextToken" not in rest


def test_associations_are_found_by_their_ends(sagemaker: Any) -> None:
    """Associations are listed by either end and by the types of the ends, and an entity with one cannot be deleted."""
    data, train, model, *_ = _line(sagemaker)
    found = sagemaker.list_associations(DestinationArn=train)["AssociationSummaries"]
    assert [(one["SourceArn"], one["SourceType"], one["AssociationType"]) for one in found] == [
        (data, "DataSet", "ContributedTo")
    ]
    assert sagemaker.list_associations(SourceArn=train, DestinationType="Image")["AssociationSummaries"] == []
    with pytest.raises(ClientError) as error:
        sagemaker.delete_artifact(ArtifactArn=model)
    assert _code(error) == "ValidationException"
    sagemaker.delete_association(SourceArn=data, DestinationArn=train)
    sagemaker.delete_artifact(ArtifactArn=data)
    with pytest.raises(ClientError) as error:
        sagemaker.delete_association(SourceArn=data, DestinationArn=train)
    assert _code(error) == "ResourceNotFound"


def test_an_association_needs_both_ends(sagemaker: Any) -> None:
    """An association with something that is not there is refused as not found."""
    arn = _artifact(sagemaker, "s3://a/b")
    with pytest.raises(ClientError) as error:
        sagemaker.add_association(SourceArn=arn, DestinationArn=arn.replace(arn[-4:], "ffff"))
    assert _code(error) == "ResourceNotFound"


def test_a_query_goes_up_and_down(sagemaker: Any) -> None:
    """From the endpoint everything is up the line, from the data everything is down, from the model half each."""
    line = _line(sagemaker)
    assert _arns(_query(sagemaker, line[-1])) == line[-2::-1]
    assert _arns(_query(sagemaker, line[0], "Descendants")) == line[1:]
    assert set(_arns(_query(sagemaker, line[2], "Both"))) == {*line[:2], *line[3:]}
    assert _arns(_query(sagemaker, line[-1], "Descendants")) == []


def test_a_query_is_filtered(sagemaker: Any) -> None:
    """Filters let through data sets, trial components or what has a property; other entities are still passed."""
    line = _line(sagemaker)
    sagemaker.update_artifact(ArtifactArn=line[2], Properties={"stage": "prod"})
    data = _query(sagemaker, line[-1], Filters={"Types": ["DataSet"], "LineageTypes": ["Artifact"]})
    assert data["Vertices"] == [{"Arn": line[0], "Type": "DataSet", "LineageType": "Artifact"}]
    assert _arns(_query(sagemaker, line[-1], Filters={"LineageTypes": ["TrialComponent"]})) == [line[1]]
    assert _arns(_query(sagemaker, line[-1], Filters={"Properties": {"stage": "prod", "no": "no"}})) == [line[2]]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert _arns(_query(sagemaker, line[-1], Filters={"CreatedAfter": later})) == []


def test_a_query_has_a_depth_and_edges(sagemaker: Any) -> None:
    """A query stops at its depth, and with edges it returns what lies on the way to what matched."""
    line = _line(sagemaker)
    assert _arns(_query(sagemaker, line[-1], MaxDepth=2)) == [line[3], line[2]]
    found = _query(sagemaker, line[-1], IncludeEdges=True, Filters={"Types": ["Model"]})
    assert _arns(found) == [line[3], line[2]]
    assert {(edge["SourceArn"], edge["DestinationArn"]) for edge in found["Edges"]} == {
        (line[2], line[3]),
        (line[3], line[4]),
    }
    assert _query(sagemaker, line[-1])["Edges"] == []


def test_a_query_ends_in_a_circle(sagemaker: Any) -> None:
    """Entities that lead back to each other are returned once."""
    one, two = _artifact(sagemaker, "s3://a/1"), _artifact(sagemaker, "s3://a/2")
    sagemaker.add_association(SourceArn=one, DestinationArn=two)
    sagemaker.add_association(SourceArn=two, DestinationArn=one)
    assert _arns(_query(sagemaker, one, "Both")) == [two]


def test_a_query_from_nowhere_is_refused(sagemaker: Any) -> None:
    """A query that starts at something unknown is refused as not found."""
    arn = _artifact(sagemaker, "s3://a/b")
    with pytest.raises(ClientError) as error:
        _query(sagemaker, arn.replace(arn[-4:], "0000"))
    assert _code(error) == "ResourceNotFound"


def test_trial_components_have_aws_codes(sagemaker: Any) -> None:
    """A trial, an experiment or a component that is not there is refused with the code that the API declares."""
    for call, name in (
        (sagemaker.describe_trial_component, "TrialComponentName"),
        (sagemaker.describe_trial, "TrialName"),
        (sagemaker.describe_experiment, "ExperimentName"),
        (sagemaker.delete_trial_component, "TrialComponentName"),
    ):
        with pytest.raises(ClientError) as error:
            call(**{name: "nowhere"})
        assert _code(error) == "ResourceNotFound"


def test_lineage_belongs_to_an_account(sagemaker: Any, sandbox: Any) -> None:
    """Another account sees nothing of an account's lineage."""
    arn = _artifact(sagemaker, f"s3://a/{next(_numbers)}")
    other = SandboxClients(sandbox.url, "999900001111", "eu-central-1")("sagemaker")
    assert other.list_artifacts()["ArtifactSummaries"] == []
    with pytest.raises(ClientError):
        other.describe_artifact(ArtifactArn=arn)


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20), st.integers(0, 7), st.integers(1, 10))
def test_what_is_reached_is_what_leads_there(edges: set[tuple[int, int]], start: int, depth: int) -> None:
    """Up the line is what has a way to the start, of at most the depth; down the line is that of the turned graph."""
    now = datetime.now(UTC)

    def reached(of: set[tuple[int, int]], direction: str) -> set[str]:
        graph = Graph(SimpleNamespace())
        for one, other in of:
            graph.associations[str(one), str(other)] = Association(str(one), str(other), "ContributedTo", now)
        return set(follow(graph, [str(start)], direction, depth)[0])

    expected, latest = {start}, {start}
    for _ in range(depth):
        latest = {one for one, other in edges if other in latest}
        expected |= latest
    assert reached(edges, "Ascendants") == {str(one) for one in expected}
    assert reached({(other, one) for one, other in edges}, "Descendants") == {str(one) for one in expected}
