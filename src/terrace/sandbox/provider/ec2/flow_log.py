"""Flow logs: who talked to whom in a network."""

from __future__ import annotations

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Failure, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import request, without

# What is watched → AWS's word for it.
_WATCHED = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


class FlowLog(Ec2Thing):
    """Writes the traffic of a VPC, a subnet or an interface to a log. Its id is AWS's."""

    type = "aws:ec2/flowLog:FlowLog"
    inputs = {
        "eniId": str,
        "iamRoleArn": str,
        "logDestination": str,
        "logDestinationType": str,
        "logFormat": str,
        "maxAggregationInterval": int,
        "subnetId": str,
        "tags": dict,
        "trafficType": str,
        "vpcId": str,
    }
    required = frozenset({"logDestination"})
    replace = frozenset(set(inputs) - {"tags"})
    delete_before_replace = True
    kind = "vpc-flow-log"
    listing = ("describe_flow_logs", "FlowLogIds", "FlowLogs")
    missing = ("InvalidFlowLogId.NotFound",)
    names = {"iamRoleArn": "deliverLogsPermissionArn"}

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if sum(name in inputs for name in _WATCHED) != 1:
            failures.append(Failure("vpcId", "is required, or one of subnetId and eniId in its place"))
        return failures

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        what = next(name for name in _WATCHED if name in inputs)
        settings = {
            "logDestinationType": "cloud-watch-logs",
            **without(inputs, "tags", *_WATCHED),
            "resourceIds": [inputs[what]],
            "resourceType": _WATCHED[what],
        }
        made = client.create_flow_logs(
            **request(client, "CreateFlowLogs", settings, self.names), **tagged("vpc-flow-log", inputs)
        )
        if not made["FlowLogIds"]:
            error = made["Unsuccessful"][0]["Error"]
            raise SandboxError(f"The flow log of {inputs[what]} cannot be made: {error['Code']}: {error['Message']}")
        return str(made["FlowLogIds"][0])

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("ec2").delete_flow_logs(FlowLogIds=[id])

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"resource-id": next(inputs[name] for name in _WATCHED if name in inputs)}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        seen = {id: self.describe(aws, id) or {} for id in super().candidates(aws, inputs)}
        return [id for id, log in seen.items() if log.get("LogDestination") == inputs["logDestination"]]

    def more(self, aws: Clients, seen: Props) -> Props:
        prefixes = {"vpc-": "vpcId", "subnet-": "subnetId", "eni-": "eniId"}
        return {name: seen["ResourceId"] for prefix, name in prefixes.items() if seen["ResourceId"].startswith(prefix)}
