"""Alarms ring for what they watch, tell whom they are to tell, and write down that they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from events_case import eventually, heard, queue, rule, silent
from provider_case import REGION

from terrace.sandbox.provider.base import Clients

METRIC = {"Namespace": "Tests", "MetricName": "Failures", "Dimensions": [{"Name": "Model", "Value": "delays"}]}


def _alarm(aws: Clients, name: str = "failing", **more: Any) -> None:
    settings = {
        "AlarmName": name,
        **METRIC,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }
    if "ExtendedStatistic" in more or "Metrics" in more:
        del settings["Statistic"]
    if "Metrics" in more:
        settings = {key: value for key, value in settings.items() if key not in (*METRIC, "Period")}
    aws("cloudwatch").put_metric_alarm(**settings)


def _put(aws: Clients, *values: float, **more: Any) -> None:
    data = [{**METRIC, "Value": value, **more} for value in values]
    data = [{key: value for key, value in one.items() if key != "Namespace"} for one in data]
    aws("cloudwatch").put_metric_data(Namespace="Tests", MetricData=data)


def _seen(aws: Clients, name: str = "failing") -> Any:
    answer = aws("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return (answer["MetricAlarms"] + answer["CompositeAlarms"])[0]


def _state(aws: Clients, expected: str, name: str = "failing") -> Any:
    eventually(lambda: _seen(aws, name)["StateValue"] == expected)
    return _seen(aws, name)


def _topic(aws: Clients, name: str = "heard") -> str:
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    queue(aws, name)
    aws("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{aws.account}:{name}",
        Attributes={"RawMessageDelivery": "true"},
    )
    return str(topic)


def test_an_alarm_begins_without_data_and_rings_for_what_it_watches(aws: Clients) -> None:
    """A new alarm has insufficient data; a value over its threshold makes it ring, and its topic hears of it."""
    _alarm(aws, AlarmActions=[_topic(aws)], AlarmDescription="Runs fail")
    assert _seen(aws)["StateValue"] == "INSUFFICIENT_DATA"
    _put(aws, 1, 2)
    seen = _state(aws, "ALARM")
    assert seen["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoint [3.0 (")
    assert seen["StateReason"].endswith(
        ")] was greater than the threshold (0.0) (minimum 1 datapoint for INSUFFICIENT_DATA -> ALARM transition)."
    )
    (told,) = heard(aws)
    assert (told["AlarmName"], told["OldStateValue"], told["NewStateValue"]) == (
        "failing",
        "INSUFFICIENT_DATA",
        "ALARM",
    )
    assert told["AWSAccountId"] == aws.account
    assert told["Region"] == "Europe (Frankfurt)"
    assert told["Trigger"]["MetricName"] == "Failures"
    assert told["Trigger"]["Dimensions"] == [{"value": "delays", "name": "Model"}]
    assert silent(aws)


def test_a_change_of_state_is_an_event(aws: Clients) -> None:
    """EventBridge hears of each change, with the state before and after, and the metric."""
    rule(aws, {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}, {"Arn": queue(aws)})
    _alarm(aws)
    _put(aws, 1)
    (event,) = heard(aws, seconds=20)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [f"arn:aws:cloudwatch:{REGION}:{aws.account}:alarm:failing"]
    detail = event["detail"]
    assert (detail["alarmName"], detail["previousState"]["value"]) == ("failing", "INSUFFICIENT_DATA")
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [1.0]
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {
        "dimensions": {"Model": "delays"},
        "name": "Failures",
        "namespace": "Tests",
    }


def test_only_the_metric_with_all_dimensions_counts(aws: Clients) -> None:
    """Values of another model, or without a model, are none of an alarm's."""
    _alarm(aws)
    aws("cloudwatch").put_metric_data(
        Namespace="Tests",
        MetricData=[
            {"MetricName": "Failures", "Value": 1},
            {"MetricName": "Failures", "Value": 1, "Dimensions": [{"Name": "Model", "Value": "other"}]},
        ],
    )
    _alarm(aws, "witness", Dimensions=[{"Name": "Model", "Value": "other"}])
    _state(aws, "ALARM", "witness")
    assert _seen(aws)["StateValue"] == "INSUFFICIENT_DATA"


def test_what_happened_is_written_down(aws: Clients) -> None:
    """History has the making of an alarm, each change of state, and what was done about it."""
    elsewhere = f"arn:aws:lambda:{REGION}:{aws.account}:function:f"
    _alarm(aws, AlarmActions=[_topic(aws), elsewhere])
    _put(aws, 1)
    heard(aws, seconds=20)

    def items(**which: str) -> list[Any]:
        return list(aws("cloudwatch").describe_alarm_history(AlarmName="failing", **which)["AlarmHistoryItems"])

    actions = eventually(lambda: len(found := items(HistoryItemType="Action")) == 2 and found)
    assert sorted(item["HistorySummary"].partition(" action ")[0] for item in actions) == [
        "Failed to execute",
        "Successfully executed",
    ]
    (failed,) = [item for item in actions if item["HistorySummary"].startswith("Failed")]
    assert "Not carried out" in json.loads(failed["HistoryData"])["error"]
    kinds = [item["HistoryItemType"] for item in items(ScanBy="TimestampAscending")]
    assert kinds[:2] == ["ConfigurationUpdate", "StateUpdate"]
    (change,) = items(HistoryItemType="StateUpdate")
    assert change["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_a_state_that_is_set_does_what_a_ringing_alarm_does(aws: Clients) -> None:
    """`SetAlarmState` tells the topic and the bus as an evaluation does, and not twice for the same state."""
    ok = _topic(aws, "fine")
    _alarm(aws, AlarmActions=[_topic(aws)], OKActions=[ok])
    rule(aws, {"source": ["aws.cloudwatch"]}, {"Arn": queue(aws, "bus")})
    set_to = {"AlarmName": "failing", "StateReason": "by hand"}
    aws("cloudwatch").set_alarm_state(StateValue="ALARM", **set_to)
    aws("cloudwatch").set_alarm_state(StateValue="ALARM", **set_to)
    assert heard(aws)[0]["NewStateReason"] == "by hand"
    aws("cloudwatch").set_alarm_state(StateValue="OK", **set_to)
    assert heard(aws, name="fine")[0]["OldStateValue"] == "ALARM"
    assert [event["detail"]["state"]["value"] for event in heard(aws, 2, "bus")] == ["ALARM", "OK"]
    assert silent(aws)


def test_actions_that_are_disabled_are_not_carried_out(aws: Clients) -> None:
    """An alarm with disabled actions changes its state and tells nobody but the bus."""
    _alarm(aws, AlarmActions=[_topic(aws)], ActionsEnabled=False)
    aws("cloudwatch").set_alarm_state(AlarmName="failing", StateValue="ALARM", StateReason="by hand")
    assert silent(aws)
    aws("cloudwatch").enable_alarm_actions(AlarmNames=["failing"])
    aws("cloudwatch").set_alarm_state(AlarmName="failing", StateValue="OK", StateReason="by hand")
    aws("cloudwatch").set_alarm_state(AlarmName="failing", StateValue="ALARM", StateReason="by hand")
    heard(aws)


@pytest.mark.parametrize(
    ("missing", "state"), [("notBreaching", "OK"), ("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA")]
)
def test_what_is_missing_counts_as_the_alarm_says(aws: Clients, missing: str, state: str) -> None:
    """An alarm without any data is in the state that its treatment of missing data means."""
    _alarm(aws, TreatMissingData=missing)
    _alarm(aws, "witness", TreatMissingData="breaching")
    _state(aws, "ALARM", "witness")
    assert _state(aws, state)["StateValue"] == state


def test_percentiles_and_math_are_evaluated(aws: Clients) -> None:
    """An alarm on a percentile and one on a ratio look at values of the last minutes."""
    before = datetime.now(UTC) - timedelta(minutes=2)
    _put(aws, *([1.0] * 98), 50.0, 60.0, Timestamp=before)
    percentile = {"ExtendedStatistic": "p99", "Period": 300, "Threshold": 40}
    _alarm(aws, "slow", **percentile)
    _alarm(aws, "not-slow", **{**percentile, "ExtendedStatistic": "p90"})
    stat = {"Metric": {**METRIC}, "Period": 300, "Stat": "Sum"}
    queries = [
        {"Id": "ratio", "Expression": "IF(whole > 0, 100 * part / whole, 0)", "ReturnData": True},
        {"Id": "part", "MetricStat": {**stat, "Stat": "Maximum"}, "ReturnData": False},
        {"Id": "whole", "MetricStat": stat, "ReturnData": False},
    ]
    _alarm(aws, "ratio", Metrics=queries, Threshold=28)
    _alarm(aws, "high-ratio", Metrics=queries, Threshold=29)
    _state(aws, "ALARM", "slow")
    _state(aws, "OK", "not-slow")
    reason = _state(aws, "ALARM", "ratio")["StateReason"]
    assert "[28.8461" in reason  # 60 of 208
    _state(aws, "OK", "high-ratio")


def test_what_cannot_be_evaluated_says_so(aws: Clients) -> None:
    """An alarm on math that the sandbox lacks stays without data, and its reason names what is lacking."""
    stat = {"Metric": METRIC, "Period": 60, "Stat": "Sum"}
    queries = [
        {"Id": "odd", "Expression": "DIFF_TIME(m)", "ReturnData": True},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
    ]
    _alarm(aws, Metrics=queries)
    reason = eventually(lambda: (said := _seen(aws)["StateReason"]).startswith("The sandbox cannot") and said)
    assert "no DIFF_TIME" in reason
    assert _seen(aws)["StateValue"] == "INSUFFICIENT_DATA"


def test_an_alarm_on_alarms_follows_them(aws: Clients) -> None:
    """A composite alarm rings when its rule is fulfilled, tells its topic, and is kept quiet by its suppressor."""
    cloudwatch = aws("cloudwatch")
    for name in ("one", "two", "hush"):
        _alarm(aws, name, TreatMissingData="ignore")
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="calm")
    rule_text = f'ALARM("one") AND NOT (ALARM(arn:aws:cloudwatch:{REGION}:{aws.account}:alarm:two) OR FALSE)'
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=rule_text, AlarmActions=[_topic(aws)])
    cloudwatch.put_composite_alarm(AlarmName="above", AlarmRule='ALARM("both")')
    cloudwatch.put_composite_alarm(
        AlarmName="quiet",
        AlarmRule='ALARM("one")',
        AlarmActions=[_topic(aws, "quiet")],
        ActionsSuppressor="hush",
        ActionsSuppressorWaitPeriod=10,
        ActionsSuppressorExtensionPeriod=10,
    )
    _state(aws, "OK", "both")
    cloudwatch.set_alarm_state(AlarmName="hush", StateValue="ALARM", StateReason="now")
    cloudwatch.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="now")
    _state(aws, "ALARM", "both")
    _state(aws, "ALARM", "above")
    _state(aws, "ALARM", "quiet")
    assert heard(aws)[0]["AlarmRule"] == rule_text
    assert silent(aws, "quiet")
    cloudwatch.set_alarm_state(AlarmName="two", StateValue="ALARM", StateReason="now")
    _state(aws, "OK", "both")


@pytest.mark.parametrize("text", ['ALARM("a") AND', 'ALARM "a"', "FIRE(a)", 'ALARM("a") OK("b")', "ALARM()"])
def test_a_rule_that_is_none_is_refused(aws: Clients, text: str) -> None:
    """A composite alarm's rule is read when it is made."""
    with pytest.raises(ClientError, match="AlarmRule is not valid"):
        aws("cloudwatch").put_composite_alarm(AlarmName="both", AlarmRule=text)


def test_an_alarm_on_a_queue_rings_for_what_lies_in_it(aws: Clients) -> None:
    """A dead letter makes the alarm on its queue ring: SQS counts what is in a queue by itself."""
    queue(aws, "dead")
    _alarm(
        aws,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        Statistic="Maximum",
        Period=300,
        TreatMissingData="notBreaching",
    )
    _state(aws, "OK")
    url = aws("sqs").get_queue_url(QueueName="dead")["QueueUrl"]
    aws("sqs").send_message(QueueUrl=url, MessageBody="lost")
    _state(aws, "ALARM")


def test_an_alarm_on_a_pipeline_rings_when_a_run_fails(aws: Clients) -> None:
    """SageMaker counts the runs of a pipeline by themselves, and an alarm on failed ones rings."""
    _alarm(
        aws,
        Namespace="AWS/Sagemaker/ModelBuildingPipeline",
        MetricName="ExecutionFailed",
        Dimensions=[{"Name": "PipelineName", "Value": "train"}],
        TreatMissingData="notBreaching",
    )
    definition = (
        '{"Version": "2020-12-01", "Steps":'
        ' [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "Not today"}}]}'
    )
    role = f"arn:aws:iam::{aws.account}:role/train"
    aws("sagemaker").create_pipeline(
        PipelineName="train", PipelineDefinition=definition, ClientRequestToken="t" * 32, RoleArn=role
    )
    aws("sagemaker").start_pipeline_execution(PipelineName="train")
    _state(aws, "ALARM")
    listed = aws("cloudwatch").list_metrics(Namespace="AWS/Sagemaker/ModelBuildingPipeline")["Metrics"]
    counted = {(one["MetricName"], *sorted(dimension["Value"] for dimension in one["Dimensions"])) for one in listed}
    assert {("ExecutionStarted", "train"), ("ExecutionFailed", "train"), ("StepFailed", "No", "train")} <= counted


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Period": 45}, "multiple of 60"),
        ({"Period": 300, "EvaluationPeriods": 289}, "more than a day"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than seven days"),
        ({"EvaluationPeriods": 2, "DatapointsToAlarm": 3}, "DatapointsToAlarm"),
        ({"TreatMissingData": "nonBreaching"}, "TreatMissingData must be one of"),
    ],
)
def test_an_alarm_that_cloudwatch_refuses_is_refused(aws: Clients, more: dict[str, Any], words: str) -> None:
    """Periods, counts and treatments that make no alarm are refused when it is made."""
    with pytest.raises(ClientError, match=words) as refused:
        _alarm(aws, **more)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert aws("cloudwatch").describe_alarms()["MetricAlarms"] == []
