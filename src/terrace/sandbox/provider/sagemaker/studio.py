"""SageMaker Studio: the domain and its user profiles."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import (
    DEFAULT_USER,
    MISSING,
    PROFILE_USER,
    SPACE,
    in_service,
    required_settings,
    retag,
    tags_of,
)
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list
from terrace.sandbox.provider.waiters import wait

_SETS = ("securityGroups", "jupyterLabAppSettings.lifecycleConfigArns", "codeEditorAppSettings.lifecycleConfigArns")


class Domain(Handler):
    """A Studio domain. Its id is AWS's (`d-…`)."""

    type = "aws:sagemaker/domain:Domain"
    inputs = {
        "appNetworkAccessType": str,
        "authMode": str,
        "defaultSpaceSettings": SPACE,
        "defaultUserSettings": DEFAULT_USER,
        "domainName": str,
        "domainSettings": {
            "dockerSettings": {"enableDockerAccess": str, "vpcOnlyTrustedAccounts": [str]},
            "executionRoleIdentityConfig": str,
            "securityGroupIds": [str],
            "trustedIdentityPropagationSettings": {"status": str},
        },
        "kmsKeyId": str,
        "retentionPolicy": {"homeEfsFileSystem": str},
        "subnetIds": [str],
        "tagPropagation": str,
        "tags": dict,
        "vpcId": str,
    }
    required = (
        frozenset({"authMode", "defaultUserSettings", "domainName", "subnetIds", "vpcId"})
        | frozenset({"domainSettings.trustedIdentityPropagationSettings.status"})
        | required_settings(SPACE, "defaultSpaceSettings")
        | required_settings(DEFAULT_USER, "defaultUserSettings")
    )
    replace = frozenset({"authMode", "domainName", "kmsKeyId", "subnetIds", "vpcId"})
    sets = frozenset(
        {"subnetIds", "domainSettings.securityGroupIds", *(f"defaultUserSettings.{path}" for path in _SETS)}
    )
    store = True
    delete_before_replace = True

    def diff(self, old: Props, new: Props) -> Diff:
        """Compare inputs; a change of the domain's own security groups replaces it, as in the real provider."""
        plain = super().diff(old, new)
        before, after = (sorted((i.get("domainSettings") or {}).get("securityGroupIds") or []) for i in (old, new))
        if before == after:
            return plain
        return Diff(plain.changed, (*plain.replace, "domainSettings"), self.delete_before_replace)

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = without(inputs, "tags", "retentionPolicy")
        made = client.create_domain(**request(client, "CreateDomain", settings), Tags=tag_list(inputs))
        return self._settled(aws, made["DomainArn"].rsplit("/", 1)[1], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_domain, *MISSING, DomainId=id)
        return seen and self._state(client, id, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        names = {"domainSettings": "DomainSettingsForUpdate"}
        changing = ("defaultUserSettings", "defaultSpaceSettings", "domainSettings", "appNetworkAccessType")
        settings = {key: new[key] for key in (*changing, "tagPropagation") if key in new}
        if new.get("appNetworkAccessType") == "VpcOnly":
            # AWS refuses any update of a VpcOnly domain without them, though they do not change.
            settings |= {"subnetIds": new["subnetIds"], "vpcId": new["vpcId"]}
        changed = client.update_domain(DomainId=id, **request(client, "UpdateDomain", settings, names))
        retag(client, changed["DomainArn"], old, new)
        return self._settled(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        self._delete(aws, id, (inputs.get("retentionPolicy") or {}).get("homeEfsFileSystem", "Retain"))

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:
        """Remove the domain's user profiles with their home folders."""
        client = aws("sagemaker")
        for page in client.get_paginator("list_user_profiles").paginate(DomainIdEquals=id):
            for profile in page["UserProfiles"]:
                _delete_profile(client, id, profile["UserProfileName"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        for page in aws("sagemaker").get_paginator("list_domains").paginate():
            for domain in page["Domains"]:
                if domain["DomainName"] == inputs["domainName"] and domain["Status"] not in ("Deleting", "Failed"):
                    return str(domain["DomainId"])
        return None

    def _delete(self, aws: Clients, id: str, home: str) -> None:
        client = aws("sagemaker")
        found(client.delete_domain, *MISSING, DomainId=id, RetentionPolicy={"HomeEfsFileSystem": home})
        _gone(f"Domain {id}", lambda: found(client.describe_domain, *MISSING, DomainId=id))

    def _settled(self, aws: Clients, id: str, inputs: Props) -> State:
        client = aws("sagemaker")
        seen = in_service(f"Domain {inputs['domainName']}", lambda: client.describe_domain(DomainId=id))
        return self._state(client, id, inputs, seen)

    def _state(self, client: Any, id: str, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, seen["DomainArn"])
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags})
        if "retentionPolicy" in inputs:
            # AWS hears of it only when the domain is deleted.
            outputs["retentionPolicy"] = inputs["retentionPolicy"]
        return State(
            id,
            {
                **outputs,
                "arn": seen["DomainArn"],
                "homeEfsFileSystemId": seen.get("HomeEfsFileSystemId", ""),
                "securityGroupIdForDomainBoundary": seen.get("SecurityGroupIdForDomainBoundary", ""),
                "singleSignOnApplicationArn": seen.get("SingleSignOnApplicationArn", ""),
                "singleSignOnManagedApplicationInstanceId": seen.get("SingleSignOnManagedApplicationInstanceId", ""),
                "tagsAll": tags,
                "url": seen.get("Url", ""),
            },
        )


class UserProfile(Handler):
    """A user of a domain, with a home folder there. Its id is its ARN."""

    type = "aws:sagemaker/userProfile:UserProfile"
    inputs = {
        "domainId": str,
        "singleSignOnUserIdentifier": str,
        "singleSignOnUserValue": str,
        "tags": dict,
        "userProfileName": str,
        "userSettings": PROFILE_USER,
    }
    required = frozenset({"domainId", "userProfileName"}) | required_settings(PROFILE_USER, "userSettings")
    replace = frozenset({"domainId", "singleSignOnUserIdentifier", "singleSignOnUserValue", "userProfileName"})
    sets = frozenset(f"userSettings.{path}" for path in _SETS)
    store = True
    delete_before_replace = True
    names = {"efsFileSystemConfigs": "EFSFileSystemConfig"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateUserProfile", without(inputs, "tags"), self.names)
        made = client.create_user_profile(**settings, Tags=tag_list(inputs))
        return self._settled(aws, made["UserProfileArn"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_user_profile, *MISSING, **_named(id))
        return seen and self._state(client, id, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        settings = {"userSettings": new["userSettings"]} if "userSettings" in new else {}
        client.update_user_profile(**_named(id), **request(client, "UpdateUserProfile", settings, self.names))
        retag(client, id, old, new)
        return self._settled(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        _delete_profile(aws("sagemaker"), *_named(id).values())

    def find(self, aws: Clients, inputs: Props) -> str | None:
        describe = aws("sagemaker").describe_user_profile
        named = {"DomainId": inputs["domainId"], "UserProfileName": inputs["userProfileName"]}
        seen = found(describe, *MISSING, **named)
        return seen and str(seen["UserProfileArn"])

    def _settled(self, aws: Clients, id: str, inputs: Props) -> State:
        client = aws("sagemaker")
        what = f"User profile {inputs['userProfileName']}"
        return self._state(client, id, inputs, in_service(what, lambda: client.describe_user_profile(**_named(id))))

    def _state(self, client: Any, id: str, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, id)
        return State(
            id,
            {
                **response(self.inputs, inputs, {**seen, "Tags": tags}, self.names),
                "arn": id,
                "homeEfsFileSystemUid": seen.get("HomeEfsFileSystemUid", ""),
                "tagsAll": tags,
            },
        )


def _named(arn: str) -> dict[str, str]:
    domain, name = arn.split("/")[-2:]
    return {"DomainId": domain, "UserProfileName": name}


def _delete_profile(client: Any, domain: str, name: str) -> None:
    named = {"DomainId": domain, "UserProfileName": name}
    found(client.delete_user_profile, *MISSING, **named)
    _gone(f"User profile {name}", lambda: found(client.describe_user_profile, *MISSING, **named))


def _gone(what: str, describe: Any) -> None:
    wait(what, lambda: (describe() or {"Status": None})["Status"], until={None}, failed={"Delete_Failed"})
