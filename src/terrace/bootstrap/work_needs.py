"""What the capabilities besides the foundation need to be built and changed: actions and resources, as data."""

from __future__ import annotations

_TAGS = ("ListTagsForResource", "TagResource", "UntagResource")
Need = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Statement id, actions, resources; `{…}` stands for the environment's own."""

LOGS: tuple[Need, ...] = (
    (
        "KeepLogs",
        tuple(
            f"logs:{verb}"
            for verb in (
                "AssociateKmsKey",
                "CreateLogGroup",
                "DeleteLogGroup",
                "PutRetentionPolicy",
                *_TAGS,
            )
        ),
        ("logs log-group:/terrace/{path}/*",),
    ),
    ("FindLogs", ("logs:DescribeLogGroups",), ("logs log-group:*",)),
)

JOB_LOGS: Need = ("KeepJobLogs", LOGS[0][1], ("logs log-group:/aws/sagemaker/*",))
"""Log groups of SageMaker's jobs: SageMaker decides their names."""

WORK: dict[str, tuple[Need, ...]] = {
    "images": (
        (
            "KeepRepositories",
            tuple(
                f"ecr:{verb}"
                for verb in (
                    "CreateRepository",
                    "DescribeRepositories",
                    "GetLifecyclePolicy",
                    "GetRepositoryPolicy",
                    "PutImageScanningConfiguration",
                    "PutImageTagMutability",
                    "PutLifecyclePolicy",
                    "SetRepositoryPolicy",
                    *_TAGS,
                )
            ),
            ("ecr repository/{prefix}-*",),
        ),
        (
            "KeepBuilds",
            tuple(
                f"codebuild:{verb}" for verb in ("BatchGetProjects", "CreateProject", "DeleteProject", "UpdateProject")
            ),
            ("codebuild project/{prefix}-*",),
        ),
    ),
    "network": (),
    "workbench": (
        (
            "KeepWorkbench",
            tuple(
                f"sagemaker:{verb}"
                for verb in (
                    "AddTags",
                    "CreateDomain",
                    "CreateUserProfile",
                    "DeleteTags",
                    "DescribeDomain",
                    "DescribeUserProfile",
                    "ListTags",
                    "UpdateDomain",
                    "UpdateUserProfile",
                )
            ),
            ("sagemaker domain/*", "sagemaker user-profile/*"),
        ),
    ),
    "packages": (
        (
            "KeepPackages",
            tuple(
                f"codeartifact:{verb}"
                for verb in (
                    "AssociateExternalConnection",
                    "CreateDomain",
                    "CreateRepository",
                    "DescribeDomain",
                    "DescribeRepository",
                    "UpdateRepository",
                    *_TAGS,
                )
            ),
            ("codeartifact domain/{prefix}*", "codeartifact repository/{prefix}*"),
        ),
    ),
    "tracking": (
        ("FindTracking", ("sagemaker:ListMlflowApps",), ("*",)),
        (
            "KeepTrackingServers",
            tuple(
                f"sagemaker:{verb}"
                for verb in (
                    "AddTags",
                    "CreateMlflowTrackingServer",
                    "DeleteTags",
                    "DescribeMlflowTrackingServer",
                    "ListTags",
                    "UpdateMlflowTrackingServer",
                )
            ),
            ("sagemaker mlflow-tracking-server/{prefix}-*",),
        ),
        (
            "KeepSecrets",
            tuple(
                f"secretsmanager:{verb}"
                for verb in (
                    "CreateSecret",
                    "DescribeSecret",
                    "GetResourcePolicy",
                    "PutResourcePolicy",
                    "TagResource",
                    "UntagResource",
                    "UpdateSecret",
                )
            ),
            ("secretsmanager secret:{prefix}-*",),
        ),
    ),
    "lineage": (),
    "observability": (
        (
            "KeepTopics",
            tuple(
                f"sns:{verb}"
                for verb in (
                    "CreateTopic",
                    "DeleteTopic",
                    "GetSubscriptionAttributes",
                    "GetTopicAttributes",
                    "ListSubscriptionsByTopic",
                    "SetSubscriptionAttributes",
                    "SetTopicAttributes",
                    "Subscribe",
                    *_TAGS,
                )
            ),
            ("sns {prefix}-*",),
        ),
        ("EndSubscriptions", ("sns:Unsubscribe",), ("*",)),
        (
            "KeepAlarms",
            tuple(
                f"cloudwatch:{verb}"
                for verb in (
                    "DeleteAlarms",
                    "DeleteDashboards",
                    "GetDashboard",
                    "PutDashboard",
                    "PutMetricAlarm",
                    *_TAGS,
                )
            ),
            ("cloudwatch alarm:{prefix}-*", "arn:aws:cloudwatch::{account}:dashboard/{prefix}-*"),
        ),
        ("FindAlarms", ("cloudwatch:DescribeAlarms",), ("*",)),
    ),
    "budget": (
        (
            "KeepBudgets",
            tuple(f"budgets:{verb}" for verb in ("ModifyBudget", "ViewBudget", *_TAGS)),
            ("arn:aws:budgets::{account}:budget/{prefix}-*",),
        ),
        ("MakeAnomalyAlerts", ("ce:CreateAnomalyMonitor", "ce:CreateAnomalySubscription"), ("*",)),
        (
            "KeepAnomalyAlerts",
            tuple(
                f"ce:{verb}"
                for verb in (
                    "DeleteAnomalyMonitor",
                    "DeleteAnomalySubscription",
                    "GetAnomalyMonitors",
                    "GetAnomalySubscriptions",
                    "UpdateAnomalyMonitor",
                    "UpdateAnomalySubscription",
                    *_TAGS,
                )
            ),
            (
                "arn:aws:ce::{account}:anomalymonitor/*",
                "arn:aws:ce::{account}:anomalysubscription/*",
            ),
        ),
    ),
}
