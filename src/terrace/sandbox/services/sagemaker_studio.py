"""What moto's SageMaker lacks of the workbench: user profiles, and changes of a domain."""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import unix_time
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.services.extend import Refusal, add, merge_tags, page, state, tag_list
from terrace.sandbox.services.kept import wrap

DOMAIN_CHANGES = (
    "DefaultUserSettings",
    "DomainSettingsForUpdate",
    "DefaultSpaceSettings",
    "AppNetworkAccessType",
    "SubnetIds",
    "AppSecurityGroupManagement",
    "TagPropagation",
    "VpcId",
)


def install() -> None:
    """Put the operations of this module on moto's SageMaker."""
    add(
        SageMakerResponse,
        [
            update_domain,
            create_user_profile,
            describe_user_profile,
            update_user_profile,
            delete_user_profile,
            list_user_profiles,
            list_apps,
            list_spaces,
        ],
    )
    wrap(SageMakerResponse, "delete_domain", _delete_domain)
    for operation in ("add_tags", "list_tags", "delete_tags"):
        wrap(SageMakerResponse, operation, _tags_of_profiles)


def _profiles(self: Any) -> dict[str, dict[str, Any]]:
    return state(self.sagemaker_backend, "user profiles")


def _key(self: Any) -> str:
    return f"{self._get_param('DomainId')}/{self._get_param('UserProfileName')}"


def _domain(self: Any, domain_id: str) -> Any:
    found = self.sagemaker_backend.domains.get(domain_id)
    if found is None:
        raise ResourceNotFound(f"Domain [{domain_id}] does not exist.")
    return found


def _profile(self: Any) -> dict[str, Any]:
    found = _profiles(self).get(_key(self))
    if found is None:
        raise ResourceNotFound(f"User profile [{_key(self)}] does not exist.")
    return found


def update_domain(self: Any) -> ActionResult:
    """Change a domain. What is not given stays; settings of users are merged, as AWS merges them."""
    domain = _domain(self, self._get_param("DomainId"))
    for name in DOMAIN_CHANGES:
        given = self._get_param(name)
        if given is None:
            continue
        attribute = _attribute("DomainSettings" if name == "DomainSettingsForUpdate" else name)
        before = getattr(domain, attribute, None)
        merged = _merge(before, given) if isinstance(before, dict) and isinstance(given, dict) else given
        setattr(domain, attribute, merged)
    domain.last_modified_time = unix_time()
    return ActionResult({"DomainArn": domain.arn})


def _attribute(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def _merge(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for key, value in given.items():
        inner = merged.get(key)
        merged[key] = _merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _delete_domain(original: Any, self: Any) -> Any:
    domain_id = self._get_param("DomainId")
    _domain(self, domain_id)
    left = [profile["UserProfileName"] for profile in _profiles(self).values() if profile["DomainId"] == domain_id]
    if left:
        raise ResourceInUseException(
            f"Unable to delete Domain {domain_id} because UserProfile(s) are associated with it."
        )
    return original()


def create_user_profile(self: Any) -> ActionResult:
    """Make a profile in a domain."""
    domain_id, name = self._get_param("DomainId"), self._get_param("UserProfileName")
    _domain(self, domain_id)
    if _key(self) in _profiles(self):
        raise ResourceInUseException(f"User profile {name} already exists in domain {domain_id}.")
    arn = f"arn:aws:sagemaker:{self.region}:{self.current_account}:user-profile/{domain_id}/{name}"
    tags: dict[str, str] = {}
    merge_tags(tags, self._get_param("Tags"))
    _profiles(self)[_key(self)] = {
        "DomainId": domain_id,
        "UserProfileArn": arn,
        "UserProfileName": name,
        "HomeEfsFileSystemUid": str(200000 + len(_profiles(self))),
        "Status": "InService",
        "CreationTime": unix_time(),
        "LastModifiedTime": unix_time(),
        "SingleSignOnUserIdentifier": self._get_param("SingleSignOnUserIdentifier"),
        "SingleSignOnUserValue": self._get_param("SingleSignOnUserValue"),
        "UserSettings": self._get_param("UserSettings", {}),
        "tags": tags,
        "uuid": uuid.uuid4().hex,
    }
    return ActionResult({"UserProfileArn": arn})


def describe_user_profile(self: Any) -> ActionResult:
    """Show a profile."""
    return ActionResult({key: value for key, value in _profile(self).items() if value is not None})


def update_user_profile(self: Any) -> ActionResult:
    """Change the settings of a profile; what is not given stays."""
    profile = _profile(self)
    profile["UserSettings"] = _merge(profile["UserSettings"], self._get_param("UserSettings", {}))
    profile["LastModifiedTime"] = unix_time()
    return ActionResult({"UserProfileArn": profile["UserProfileArn"]})


def delete_user_profile(self: Any) -> EmptyResult:
    """Remove a profile."""
    _profile(self)
    del _profiles(self)[_key(self)]
    return EmptyResult()


def list_user_profiles(self: Any) -> ActionResult:
    """List profiles, of one domain or of all."""
    domain, contains = self._get_param("DomainIdEquals"), self._get_param("UserProfileNameContains", "")
    listed = [
        profile
        for profile in _profiles(self).values()
        if domain in (None, profile["DomainId"]) and contains in profile["UserProfileName"]
    ]
    found, token = page(listed, self._get_param("MaxResults"), self._get_param("NextToken"))
    return ActionResult({"UserProfiles": found, "NextToken": token})


def list_apps(self: Any) -> ActionResult:
    """List running applications: none, because the sandbox runs no Studio."""
    return ActionResult({"Apps": []})


def list_spaces(self: Any) -> ActionResult:
    """List spaces: none, because the sandbox runs no Studio."""
    return ActionResult({"Spaces": []})


def _tags_of_profiles(original: Any, self: Any) -> Any:
    arn = self._get_param("ResourceArn")
    profile = next((one for one in _profiles(self).values() if one["UserProfileArn"] == arn), None)
    if profile is None:
        return original()
    match self._get_action():
        case "AddTags":
            merge_tags(profile["tags"], self._get_param("Tags"))
            return ActionResult({"Tags": tag_list(profile["tags"])})
        case "ListTags":
            return ActionResult({"Tags": tag_list(profile["tags"])})
        case "DeleteTags":
            for key in self._get_param("TagKeys"):
                profile["tags"].pop(key, None)
            return EmptyResult()
        case action:
            raise Refusal("InvalidAction", f"{action} is no operation on tags.")
