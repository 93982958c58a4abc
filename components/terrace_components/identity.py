"""Identity: the boundary of every role, and a role for each kind of person."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components import personas
from terrace_components.boundary import boundary
from terrace_components.child import Children
from terrace_components.documents import Document, account_trust, policy
from terrace_components.personas import Reach
from terrace_components.placement import Place, Placement


class IdentityArgs(TypedDict):
    """Arguments of Identity."""

    placement: Placement
    """Where the component stands."""
    data_key_arn: pulumi.Input[str]
    """Key of the data."""
    models_key_arn: pulumi.Input[str]
    """Key of models and images."""
    logs_key_arn: pulumi.Input[str]
    """Key of logs."""
    capabilities: NotRequired[list[str]]
    """Ids of the capabilities that are on: what is tracked can be looked at. Default none."""
    boundary_arn: NotRequired[str]
    """A boundary of your own; none is built then."""


class Identity(pulumi.ComponentResource):
    """Permissions boundary, and the roles of data scientist, ML engineer, operator and auditor."""

    boundary_arn: pulumi.Output[str]
    """ARN of the boundary that every role carries."""
    data_scientist_role_arn: pulumi.Output[str]
    """ARN of the role that explores data and runs jobs."""
    ml_engineer_role_arn: pulumi.Output[str]
    """ARN of the role that registers, approves and deploys."""
    operator_role_arn: pulumi.Output[str]
    """ARN of the role that watches and rolls back."""
    auditor_role_arn: pulumi.Output[str]
    """ARN of the role that sees how everything is set up, and no data."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = Place.of(args["placement"])
        reach = Reach(
            self._place,
            data_bucket=self._place.name("bucket", "data"),
            artifact_bucket=self._place.name("bucket", "artifacts"),
            data_key=args["data_key_arn"],
            models_key=args["models_key_arn"],
            capabilities=frozenset(args.get("capabilities", ())),
        )
        super().__init__("terrace:index:Identity", name, {}, opts)
        self._child = Children(self, name, self._place, "identity")

        self.boundary_arn = self._boundary(args)
        self._bounded = Children(self, name, self._place.bounded(self.boundary_arn), "identity")
        self.data_scientist_role_arn = self._persona("data-scientist", personas.data_scientist(reach))
        self.ml_engineer_role_arn = self._persona("ml-engineer", personas.ml_engineer(reach))
        self.operator_role_arn = self._persona("operator", personas.operator(reach))
        self.auditor_role_arn = self._persona("auditor", personas.auditor(reach))

        self.register_outputs(
            {
                "boundary_arn": self.boundary_arn,
                "data_scientist_role_arn": self.data_scientist_role_arn,
                "ml_engineer_role_arn": self.ml_engineer_role_arn,
                "operator_role_arn": self.operator_role_arn,
                "auditor_role_arn": self.auditor_role_arn,
            }
        )

    def _boundary(self, args: IdentityArgs) -> pulumi.Output[str]:
        if "boundary_arn" in args:
            return pulumi.Output.from_input(args["boundary_arn"])
        physical = self._place.name("policy", "boundary")
        keys = [args["data_key_arn"], args["models_key_arn"], args["logs_key_arn"]]
        return self._child(
            aws.iam.Policy,
            "boundary",
            name=physical,
            description=f"The most that any role of {self._place.prefix} can do",
            policy=policy(boundary(self._place, self._place.arn("iam", f"policy/{physical}"), keys)),
        ).arn

    def _persona(self, persona: str, doc: Document) -> pulumi.Output[str]:
        role = self._bounded(
            aws.iam.Role,
            f"{persona}-role",
            name=self._place.role_name(persona),
            description=f"Acts as {persona} in {self._place.environment}",
            assume_role_policy=policy(account_trust(self._place.account)),
            max_session_duration=3600 * 4,
        )
        self._bounded(aws.iam.RolePolicy, f"{persona}-role-policy", name=persona, role=role.name, policy=policy(doc))
        return role.arn
