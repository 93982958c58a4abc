"""Identity providers outside AWS whose tokens roles may trust."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, InvokeError, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.iam.role import MISSING
from terrace.sandbox.provider.invokes import invoke
from terrace.sandbox.provider.shapes import found
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map


class OpenIdConnectProvider(Handler):
    """Trusts the tokens of one issuer. Its id is its ARN; an account has one for each URL."""

    type = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    inputs = {"clientIdLists": [str], "tags": dict, "thumbprintLists": [str], "url": str}
    required = frozenset({"clientIdLists", "url"})
    replace = frozenset({"url"})
    sets = frozenset({"clientIdLists"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("iam")
        made = client.create_open_id_connect_provider(
            Url=inputs["url"],
            ClientIDList=inputs["clientIdLists"],
            ThumbprintList=inputs.get("thumbprintLists") or [],
            Tags=tag_list(inputs),
        )
        return self._state(client, made["OpenIDConnectProviderArn"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("iam")
        gone = found(client.get_open_id_connect_provider, MISSING, OpenIDConnectProviderArn=id) is None
        return None if gone else self._state(client, id, inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client, arn = aws("iam"), {"OpenIDConnectProviderArn": id}
        now, wanted = set(client.get_open_id_connect_provider(**arn)["ClientIDList"]), set(new["clientIdLists"])
        for audience in sorted(wanted - now):
            client.add_client_id_to_open_id_connect_provider(**arn, ClientID=audience)
        for audience in sorted(now - wanted):
            client.remove_client_id_from_open_id_connect_provider(**arn, ClientID=audience)
        if new.get("thumbprintLists") and new["thumbprintLists"] != old.get("thumbprintLists"):
            client.update_open_id_connect_provider_thumbprint(**arn, ThumbprintList=new["thumbprintLists"])
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_open_id_connect_provider(**arn, TagKeys=gone)
        if put:
            client.tag_open_id_connect_provider(**arn, Tags=tag_list({"tags": put}))
        return self._state(client, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok(MISSING):
            aws("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        arn = _arn(aws, inputs["url"])
        return found(aws("iam").get_open_id_connect_provider, MISSING, OpenIDConnectProviderArn=arn) and arn

    def _state(self, client: Any, arn: str, inputs: Props) -> State:
        seen = _seen(client, arn)
        same = seen["url"] == _host(inputs.get("url", ""))
        outputs = {**seen, "url": inputs["url"] if same else f"https://{seen['url']}", "arn": arn}
        return State(arn, {**outputs, "tagsAll": seen["tags"]})


@invoke({"arn": str, "tags": dict, "url": str})
def get_openid_connect_provider(aws: Clients, args: Props) -> Props:
    """Return an identity provider of the account, by ARN or by URL."""
    if not args.get("arn") and not args.get("url"):
        raise InvokeError("one of arn and url is required")
    arn = args.get("arn") or _arn(aws, args["url"])
    return {**_seen(aws("iam"), arn), "arn": arn, "id": arn}


def _seen(client: Any, arn: str) -> dict[str, Any]:
    seen = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {
        "url": _host(seen["Url"]),
        "clientIdLists": seen["ClientIDList"],
        "thumbprintLists": seen["ThumbprintList"],
        "tags": tag_map(seen.get("Tags", [])),
    }


def _arn(aws: Clients, url: str) -> str:
    return f"arn:aws:iam::{aws.account}:oidc-provider/{_host(url)}"


def _host(url: str) -> str:
    return url.removeprefix("https://")
