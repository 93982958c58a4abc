"""What the pipeline of a model's repository may do: release, and bring the model's own stack up to date. Pure."""

from terrace_components.batch_policies import (
    COLLECT_ROLE,
    PIPELINE_ROLE,
    TRIGGER_ROLE,
    BatchScope,
    deploy_batch_statements,
)
from terrace_components.documents import Document, Statement, allow, document, pass_role
from terrace_components.model_policies import ModelScope, deploy_statements
from terrace_components.training_policies import publish_statements

TRAINING_ROLES = ("pipeline", "trigger")
"""Roles that a training pipeline adds."""
BATCH_ROLES = (COLLECT_ROLE, PIPELINE_ROLE, TRIGGER_ROLE)
"""Roles that mode batch adds."""
MANAGED_ROLES = ("build", "monitor", "serve", "train")
"""The roles that the pipeline keeps up to date. Its own and the deployers' it cannot: a person does that."""


def ci_policy(scope: ModelScope, build_project: str, boundary_arn: object) -> Document:
    """Return the policy of the pipeline's role.

    It changes the model's roles only as long as they carry the boundary, and never its own.
    """
    place = scope.place
    roles = [scope.role(purpose) for purpose in MANAGED_ROLES]
    every_role = place.arn("iam", f"role/{place.prefix}-*")
    alarms = [
        place.arn("cloudwatch", f"alarm:{scope.prefix}*"),
        f"arn:aws:cloudwatch::{place.account}:dashboard/{scope.prefix}*",
    ]
    groups = [
        place.arn("logs", f"log-group:/terrace/{place.organisation}/{place.environment}/{place.team}/{scope.model}/*"),
        place.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{scope.endpoint}"),
    ]
    return document(
        *deploy_statements(scope, build_project),
        allow(
            "KeepBoundedRoles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
            roles,
            condition={"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        allow("KeepRoles", ["iam:TagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"], roles),
        allow(
            "LookAtRoles",
            ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            [every_role],
        ),
        pass_role(place.account, [place.role_name("build")], "codebuild.amazonaws.com"),
        allow(
            "KeepRepository",
            [
                "ecr:CreateRepository",
                "ecr:DescribeRepositories",
                "ecr:GetLifecyclePolicy",
                "ecr:ListTagsForResource",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
            ],
            [scope.repository],
        ),
        allow(
            "KeepRegistry",
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModelPackageGroup",
                "sagemaker:GetModelPackageGroupPolicy",
                "sagemaker:ListTags",
                "sagemaker:PutModelPackageGroupPolicy",
            ],
            scope.versions()[:1],
        ),
        allow("KeepEndpoint", ["sagemaker:CreateEndpoint", "sagemaker:DeleteEndpoint"], scope.endpoints()),
        allow(
            "KeepBuild",
            ["codebuild:BatchGetProjects", "codebuild:CreateProject", "codebuild:UpdateProject"],
            [place.arn("codebuild", f"project/{scope.prefix}*")],
        ),
        allow(
            "KeepLogs",
            [
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
            ],
            groups,
        ),
        allow("FindLogs", ["logs:DescribeLogGroups"], [place.arn("logs", "log-group:*")]),
        allow(
            "KeepAlarms",
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DeleteDashboards",
                "cloudwatch:GetDashboard",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutCompositeAlarm",
                "cloudwatch:PutDashboard",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
            ],
            alarms,
        ),
        allow("FindAlarms", ["cloudwatch:DescribeAlarms"], ["*"]),
        allow(
            "PublishContract",
            ["ssm:DeleteParameter", "ssm:ListTagsForResource"],
            [place.arn("ssm", f"parameter/terrace/{place.environment}/{scope.model}/*")],
        ),
        allow("FindParameters", ["ssm:DescribeParameters"], ["*"]),
    )


def ci_training_policy(scope: ModelScope, boundary_arn: object) -> Document:
    """Return what the pipeline of a repository that trains does besides: publish and run, and keep the triggers."""
    place = scope.place
    rule = place.arn("events", f"rule/{place.name('rule', 'new-data')}")
    group = place.name("schedule-group")
    schedule = place.arn("scheduler", f"schedule/{group}/{place.name('schedule', 'training')}")
    triggers = {"StringEquals": {"iam:PassedToService": ["events.amazonaws.com", "scheduler.amazonaws.com"]}}
    return document(
        *publish_statements(scope),
        *_keep_roles("Training", [scope.role(purpose) for purpose in TRAINING_ROLES], boundary_arn),
        allow("PassTriggerRole", ["iam:PassRole"], [scope.role("trigger")], condition=triggers),
        _keep_pipeline(scope.pipeline_arn),
        allow(
            "KeepRule",
            [
                "events:DeleteRule",
                "events:DescribeRule",
                "events:ListTagsForResource",
                "events:ListTargetsByRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
            ],
            [rule],
        ),
        _keep_schedule(place.arn("scheduler", f"schedule-group/{group}"), schedule),
        _keep_queue(place.arn("sqs", place.name("queue", "undelivered"))),
    )


def ci_batch_policy(scope: BatchScope, boundary_arn: object) -> Document:
    """Return what the pipeline of a repository in mode batch does besides: release and run, and keep what scores."""
    model, place = scope.model, scope.model.place
    schedule = place.arn("scheduler", f"schedule/{scope.group}/{scope.schedule}")
    return document(
        *deploy_batch_statements(scope),
        *_keep_roles("Scoring", [model.role(purpose) for purpose in BATCH_ROLES], boundary_arn),
        pass_role(place.account, [place.role_name(TRIGGER_ROLE)], "scheduler.amazonaws.com"),
        _keep_pipeline(scope.pipeline_arn),
        _keep_schedule(place.arn("scheduler", f"schedule-group/{scope.group}"), schedule),
        _keep_queue(scope.queue_arn),
    )


def _keep_roles(what: str, roles: list[str], boundary_arn: object) -> list[Statement]:
    return [
        allow(
            f"Keep{what}Roles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
            roles,
            condition={"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        allow(f"Change{what}Roles", ["iam:TagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"], roles),
    ]


def _keep_pipeline(arn: str) -> Statement:
    # Not to delete it: the history of its runs would go too.
    verbs = ["sagemaker:AddTags", "sagemaker:CreatePipeline", "sagemaker:ListTags"]
    return allow("KeepPipeline", verbs, [arn])


def _keep_schedule(group_arn: str, schedule_arn: str) -> Statement:
    return allow(
        "KeepSchedule",
        [
            "scheduler:CreateSchedule",
            "scheduler:CreateScheduleGroup",
            "scheduler:DeleteSchedule",
            "scheduler:DeleteScheduleGroup",
            "scheduler:GetSchedule",
            "scheduler:GetScheduleGroup",
            "scheduler:ListTagsForResource",
            "scheduler:TagResource",
            "scheduler:UpdateSchedule",
        ],
        [group_arn, schedule_arn],
    )


def _keep_queue(arn: str) -> Statement:
    return allow(
        "KeepQueue",
        [
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListQueueTags",
            "sqs:SetQueueAttributes",
            "sqs:TagQueue",
        ],
        [arn],
    )
