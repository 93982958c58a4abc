"""Who may do what: roles, policies and the identity providers that are trusted."""

from __future__ import annotations

from terrace.sandbox.provider.iam.openid import OpenIdConnectProvider, get_openid_connect_provider
from terrace.sandbox.provider.iam.policy import Policy
from terrace.sandbox.provider.iam.role import Role, RolePolicy, RolePolicyAttachment

HANDLERS = (OpenIdConnectProvider, Policy, Role, RolePolicy, RolePolicyAttachment)
INVOKES = {"aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": get_openid_connect_provider}
