"""What people look at. Pure: dashboards as CloudWatch reads them."""

from typing import Any

from terrace_components.alarm_rules import Metric, Objective, endpoint_metric, run_metric

Widget = dict[str, Any]
WIDTH, HEIGHT = 12, 6
"""Two graphs side by side: CloudWatch's grid is 24 wide."""


def model_dashboard(model: str, endpoint: str, region: str, objective: Objective) -> dict[str, Any]:
    """Return a model's dashboard: the four metrics, the endpoint's health, and what to do.

    Business success, model performance and drift come from the model's own metrics, in `Terrace/<model>`.
    """
    namespace = f"Terrace/{model}"
    widgets = [
        _text(f"# {model}\n{objective.advice()}\n\nThe model publishes its own metrics in `{namespace}`."),
        _graph("Business success", region, [Metric(namespace, "BusinessSuccess", {}, "Average")]),
        _graph("Model performance", region, [Metric(namespace, "ModelPerformance", {}, "Average")]),
        _graph(
            "Latency in microseconds",
            region,
            [
                endpoint_metric(endpoint, "ModelLatency", "p50"),
                endpoint_metric(endpoint, "ModelLatency", "p99"),
                endpoint_metric(endpoint, "OverheadLatency", "p99"),
            ],
            limit=objective.latency_ms * 1000,
        ),
        _graph("Drift", region, [Metric(namespace, "Drift", {}, "Maximum")]),
        _graph("Invocations", region, [endpoint_metric(endpoint, "Invocations", "Sum")]),
        _graph(
            "Errors",
            region,
            [
                endpoint_metric(endpoint, "Invocation4XXErrors", "Sum"),
                endpoint_metric(endpoint, "Invocation5XXErrors", "Sum"),
            ],
        ),
    ]
    return {"widgets": _placed(widgets)}


def batch_dashboard(model: str, pipeline: str, region: str, objective: Objective) -> dict[str, Any]:
    """Return the dashboard of a model in mode batch: the model's own metrics, the runs that score, and what to do."""
    namespace = f"Terrace/{model}"
    runs = [run_metric(pipeline, f"Execution{how}") for how in ("Started", "Succeeded", "Failed")]
    widgets = [
        _text(f"# {model}\n{objective.advice()}\n\nThe model publishes its own metrics in `{namespace}`."),
        _graph("Business success", region, [Metric(namespace, "BusinessSuccess", {}, "Average")]),
        _graph("Model performance", region, [Metric(namespace, "ModelPerformance", {}, "Average")]),
        _graph("Runs", region, runs, seconds=3600),
        _graph("Drift", region, [Metric(namespace, "Drift", {}, "Maximum")]),
        _graph("Milliseconds of a run", region, [run_metric(pipeline, "ExecutionDuration", "Maximum")], seconds=3600),
    ]
    return {"widgets": _placed(widgets)}


def platform_dashboard(environment: str, region: str, build_project: str, buckets: list[str]) -> dict[str, Any]:
    """Return a platform's dashboard: builds, and what is stored."""
    sizes = [
        Metric("AWS/S3", "BucketSizeBytes", {"BucketName": bucket, "StorageType": "StandardStorage"}, "Average")
        for bucket in buckets
    ]
    project = {"ProjectName": build_project}
    widgets = [
        _text(f"# Terrace, {environment}"),
        _graph(
            "Builds",
            region,
            [
                Metric("AWS/CodeBuild", "SucceededBuilds", project, "Sum"),
                Metric("AWS/CodeBuild", "FailedBuilds", project, "Sum"),
            ],
        ),
        _graph("Build time in seconds", region, [Metric("AWS/CodeBuild", "Duration", project, "Average")]),
        _graph("Bytes stored", region, sizes, seconds=86400),
    ]
    return {"widgets": _placed(widgets)}


def _text(markdown: str) -> Widget:
    return {"type": "text", "width": 2 * WIDTH, "height": 3, "properties": {"markdown": markdown}}


def _graph(title: str, region: str, metrics: list[Metric], *, seconds: int = 300, limit: float | None = None) -> Widget:
    properties: dict[str, Any] = {
        "title": title,
        "region": region,
        "view": "timeSeries",
        "period": seconds,
        "metrics": [_source(metric) for metric in metrics],
    }
    if limit is not None:
        properties["annotations"] = {"horizontal": [{"label": "objective", "value": limit}]}
    return {"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}


def _source(metric: Metric) -> list[Any]:
    dimensions = [part for item in metric.dimensions.items() for part in item]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.statistic}]


def _placed(widgets: list[Widget]) -> list[Widget]:
    """Lay widgets out in rows of CloudWatch's grid, in their order."""
    placed, x, y, row = [], 0, 0, 0
    for widget in widgets:
        if x + widget["width"] > 2 * WIDTH:
            x, y, row = 0, y + row, 0
        placed.append({**widget, "x": x, "y": y})
        x, row = x + widget["width"], max(row, widget["height"])
    return placed
