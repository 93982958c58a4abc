"""Builds: projects that make images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.shapes import request, response, without
from terrace.sandbox.provider.tags import tag_list, tag_map

# What AWS takes for "none of it": an update that leaves a property out would keep the old value.
_NONE: Mapping[str, Any] = {
    "autoRetryLimit": 0,
    "buildTimeout": 60,
    "cache": {"type": "NO_CACHE"},
    "concurrentBuildLimit": -1,
    "description": "",
    "logsConfig": {"cloudwatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED"}},
    "queuedTimeout": 480,
    "sourceVersion": "",
    "vpcConfig": {},
}


class Project(Handler):
    """How an image is built, from what and as whom. Its id is its ARN."""

    type = "aws:codebuild/project:Project"
    inputs = {
        "artifacts": {
            "bucketOwnerAccess": str,
            "encryptionDisabled": bool,
            "location": str,
            "name": str,
            "namespaceType": str,
            "overrideArtifactName": bool,
            "packaging": str,
            "path": str,
            "type": str,
        },
        "autoRetryLimit": int,
        "buildTimeout": int,
        "cache": {"location": str, "modes": [str], "type": str},
        "concurrentBuildLimit": int,
        "description": str,
        "encryptionKey": str,
        "environment": {
            "certificate": str,
            "computeType": str,
            "environmentVariables": [{"name": str, "type": str, "value": str}],
            "image": str,
            "imagePullCredentialsType": str,
            "privilegedMode": bool,
            "registryCredential": {"credential": str, "credentialProvider": str},
            "type": str,
        },
        "logsConfig": {
            "cloudwatchLogs": {"groupName": str, "status": str, "streamName": str},
            "s3Logs": {"bucketOwnerAccess": str, "encryptionDisabled": bool, "location": str, "status": str},
        },
        "name": str,
        "queuedTimeout": int,
        "serviceRole": str,
        "source": {
            "auth": {"resource": str, "type": str},
            "buildStatusConfig": {"context": str, "targetUrl": str},
            "buildspec": str,
            "gitCloneDepth": int,
            "gitSubmodulesConfig": {"fetchSubmodules": bool},
            "insecureSsl": bool,
            "location": str,
            "reportBuildStatus": bool,
            "type": str,
        },
        "sourceVersion": str,
        "tags": dict,
        "vpcConfig": {"securityGroupIds": [str], "subnets": [str], "vpcId": str},
    }
    required = frozenset(
        {
            "artifacts",
            "artifacts.type",
            "environment",
            "environment.computeType",
            "environment.environmentVariables.name",
            "environment.environmentVariables.value",
            "environment.image",
            "environment.registryCredential.credential",
            "environment.registryCredential.credentialProvider",
            "environment.type",
            "name",
            "serviceRole",
            "source",
            "source.auth.resource",
            "source.auth.type",
            "source.gitSubmodulesConfig.fetchSubmodules",
            "source.type",
            "vpcConfig.securityGroupIds",
            "vpcConfig.subnets",
            "vpcConfig.vpcId",
        }
    )
    replace = frozenset({"name"})
    sets = frozenset({"vpcConfig.securityGroupIds", "vpcConfig.subnets"})
    delete_before_replace = True
    names = {"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("codebuild")
        settings = request(client, "CreateProject", without(inputs, "tags"), self.names)
        return self._state(inputs, client.create_project(**settings, tags=tag_list(inputs, "key", "value"))["project"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        projects = aws("codebuild").batch_get_projects(names=[_name(id)])["projects"]
        return self._state(inputs, projects[0]) if projects else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("codebuild")
        removed = [key for key in old if key not in new and key not in ("tags", "encryptionKey")]
        cleared = {key: _NONE[key] for key in removed if key in _NONE}
        if "encryptionKey" in old and "encryptionKey" not in new:
            cleared["encryptionKey"] = f"arn:aws:kms:{aws.region}:{aws.account}:alias/aws/s3"
        settings = request(client, "UpdateProject", {**cleared, **without(new, "tags")}, self.names)
        return self._state(new, client.update_project(**settings, tags=tag_list(new, "key", "value"))["project"])

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("codebuild").delete_project(name=_name(id))  # no error when it is gone

    def find(self, aws: Clients, inputs: Props) -> str | None:
        projects = aws("codebuild").batch_get_projects(names=[inputs["name"]])["projects"]
        return str(projects[0]["arn"]) if projects else None

    def _state(self, inputs: Props, seen: Props) -> State:
        tags = tag_map(seen.get("tags") or [], "key", "value")
        outputs = response(self.inputs, inputs, {**seen, "tags": tags}, self.names)
        if not seen.get("arn"):
            raise SandboxError(f"CodeBuild gave no ARN for the project {inputs['name']}.")
        return State(seen["arn"], {**outputs, "arn": seen["arn"], "tagsAll": tags})


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


HANDLERS = (Project,)
