"""Workbench: a SageMaker domain inside the network, a profile for each person, and apps that stop when idle."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.choices import Auth
from terrace_components.documents import policy, service_trust
from terrace_components.personas import Reach
from terrace_components.placement import Place, Placement
from terrace_components.workbench_policies import workbench_policy


class WorkbenchArgs(TypedDict):
    """Arguments of Workbench."""

    placement: Placement
    """Where the component stands."""
    vpc_id: pulumi.Input[str]
    """VPC of the domain. Never changed once built."""
    subnet_ids: pulumi.Input[list[str]]
    """Private subnets of the domain. Never changed once built."""
    security_group_id: pulumi.Input[str]
    """Security group of the apps."""
    data_key_arn: pulumi.Input[str]
    """Key that encrypts the home folders. Never changed once built."""
    models_key_arn: pulumi.Input[str]
    """Key of models and images."""
    auth: Auth
    """How people sign in: IAM or SSO."""
    idle_minutes: int
    """After how many idle minutes an app stops, 60 to 525600."""
    profiles: list[str]
    """Names of the people, one profile and home folder each."""
    capabilities: NotRequired[list[str]]
    """Ids of the capabilities that are on: notebooks record their runs where runs are tracked. Default none."""


class Workbench(pulumi.ComponentResource):
    """SageMaker domain without the internet, encrypted with the environment's key, with profiles and idle shutdown."""

    domain_id: pulumi.Output[str]
    """Id of the domain."""
    role_arn: pulumi.Output[str]
    """ARN of the role that notebooks run under."""

    def __init__(self, name: str, args: WorkbenchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = place = Place.of(args["placement"])
        super().__init__("terrace:index:Workbench", name, {}, opts)
        self._child = Children(self, name, place, "workbench")

        role, permission = self._role(args)
        user_settings = _user_settings(role.arn, args["security_group_id"], int(args["idle_minutes"]))
        domain = self._child(
            aws.sagemaker.Domain,
            "domain",
            domain_name=place.name("domain", "workbench"),
            auth_mode=str(args["auth"]),
            app_network_access_type="VpcOnly",
            vpc_id=args["vpc_id"],
            subnet_ids=args["subnet_ids"],
            kms_key_id=args["data_key_arn"],
            default_user_settings=user_settings,
            default_space_settings=_space_settings(role.arn, args["security_group_id"]),
            retention_policy={"home_efs_file_system": "Retain" if place.protect else "Delete"},
            tag_propagation="ENABLED",
            opts=pulumi.ResourceOptions(depends_on=[permission]),
        )
        for profile in args["profiles"]:
            self._profile(domain, profile, args["auth"])

        self.domain_id = domain.id
        self.role_arn = role.arn
        self.register_outputs({"domain_id": self.domain_id, "role_arn": self.role_arn})

    def _role(self, args: WorkbenchArgs) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        place = self._place
        reach = Reach(
            place,
            data_bucket=place.name("bucket", "data"),
            artifact_bucket=place.name("bucket", "artifacts"),
            data_key=args["data_key_arn"],
            models_key=args["models_key_arn"],
            capabilities=frozenset(args.get("capabilities", ())),
        )
        role = self._child(
            aws.iam.Role,
            "role",
            name=place.role_name("workbench"),
            description="What notebooks and their jobs run under",
            assume_role_policy=policy(service_trust(place.account, "sagemaker.amazonaws.com")),
        )
        permission = self._child(
            aws.iam.RolePolicy,
            "role-policy",
            name="workbench",
            role=role.name,
            policy=policy(workbench_policy(reach)),
        )
        return role, permission

    def _profile(self, domain: aws.sagemaker.Domain, profile: str, auth: str) -> None:
        single_sign_on: dict[str, Any] = {}
        if auth == "SSO":
            single_sign_on = {
                "single_sign_on_user_identifier": "UserName",
                "single_sign_on_user_value": profile,
            }
        self._child(
            aws.sagemaker.UserProfile,
            f"profile-{profile}",
            domain_id=domain.id,
            user_profile_name=self._place.name("user-profile", profile),
            **single_sign_on,
        )


def _user_settings(role_arn: pulumi.Input[str], security_group: pulumi.Input[str], idle_minutes: int) -> dict[str, Any]:
    return {
        "execution_role": role_arn,
        "security_groups": [security_group],
        "default_landing_uri": "studio::",
        "studio_web_portal": "ENABLED",
        "jupyter_lab_app_settings": {"app_lifecycle_management": _idle_shutdown(idle_minutes)},
        "code_editor_app_settings": {"app_lifecycle_management": _idle_shutdown(idle_minutes)},
        "sharing_settings": {"notebook_output_option": "Disabled"},
    }


def _space_settings(role_arn: pulumi.Input[str], security_group: pulumi.Input[str]) -> dict[str, Any]:
    return {"execution_role": role_arn, "security_groups": [security_group]}


def _idle_shutdown(minutes: int) -> dict[str, Any]:
    """Let nobody switch it off, nor stretch it."""
    return {
        "idle_settings": {
            "lifecycle_management": "ENABLED",
            "idle_timeout_in_minutes": minutes,
            "min_idle_timeout_in_minutes": 60,
            "max_idle_timeout_in_minutes": minutes,
        }
    }
