"""What happens to objects in S3, told to EventBridge as AWS tells it."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from flask import has_request_context, request
from moto.s3 import models, notifications
from moto.s3.models import S3Backend

from terrace.sandbox.bus import Bus, Happening
from terrace.sandbox.services.kept import wrap

_CALLER = re.compile(r"AKIA(\d{12})\w{4}")
_numbers = itertools.count(time.time_ns())
_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectTagging:Put": "PutObjectTagging",
    "ObjectTagging:Delete": "DeleteObjectTagging",
    "ObjectAcl:Put": "PutObjectAcl",
}


def install(bus: Bus) -> None:
    """Stand in the place of moto's events of objects. Once in a process, before the server starts.

    Args:
        bus: What happens is published there, so that a put does not wait for anybody.
    """

    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        kind = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        # Deletions are told below: moto says nothing of versions and delete markers.
        if kind in _REASONS and _asked(kind):
            sized = {"size": key.size} if kind.startswith("ObjectCreated") else {}
            thing = {"key": key.name, **sized, "etag": key.etag.replace('"', ""), **_version(key.version_id)}
            detail = {"object": thing, "reason": _REASONS[kind]}
            bus.publish(_happening(bucket, account_id, notifications._detail_type(event_name), detail))

    def delete_object(original: Callable[[], Any], backend: Any) -> Any:
        called: Any = original  # with the backend, the names of bucket and key, and the rest by name
        _, bucket_name, name = called.args
        asked = called.keywords.get("version_id")
        bucket = backend.get_bucket(bucket_name)
        before = bucket.keys.get(name)
        done, said = result = original()
        configured = bucket.notification_configuration
        if done and configured is not None and configured.event_bridge is not None:
            marked = bucket.is_versioned and asked is None
            etag = {} if marked or not hasattr(before, "etag") else {"etag": before.etag.replace('"', "")}
            detail = {
                "object": {"key": name, **etag, **_version(said.get("version-id"))},
                "reason": "DeleteObject",
                "deletion-type": "Delete Marker Created" if marked else "Permanently Deleted",
            }
            bus.publish(_happening(bucket, backend.account_id, "Object Deleted", detail))
        return result

    setattr(notifications, "_send_event_bridge_message", send)  # noqa: B010
    # Without a trail, AWS tells nothing of a bucket that is made.
    setattr(models, "events_send_notification", lambda **event: None)  # noqa: B010
    wrap(S3Backend, "delete_object", delete_object)


def _asked(kind: str) -> bool:
    """Tell whether this is what was asked for.

    moto tells of tags whenever an object is put, and of a put when an upload in parts is completed.
    """
    asked = request.args if has_request_context() else {}
    if kind == "ObjectCreated:Put":
        return "uploadId" not in asked
    part = {"ObjectTagging": "tagging", "ObjectAcl": "acl"}.get(kind.partition(":")[0])
    return part is None or part in asked


def _version(id: str | None) -> dict[str, str]:
    return {"version-id": id} if id and id != "null" else {}


def _happening(bucket: Any, account: str, detail_type: str, detail: dict[str, Any]) -> Happening:
    """Return what happened, on the bus of the bucket's owner, whoever did it."""
    requester, address = _who(account)
    # Later events of a key have greater sequencers, compared as text.
    thing = {**detail["object"], "sequencer": f"{next(_numbers):018X}"}
    told = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": thing,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": requester,
        "source-ip-address": address,
        **{key: value for key, value in detail.items() if key != "object"},
    }
    owner = getattr(bucket, "account_id", None) or account
    return Happening(owner, bucket.region_name, "aws.s3", detail_type, told, (bucket.arn,))


def _who(account: str) -> tuple[str, str]:
    """Return the account that asked, and from where."""
    if not has_request_context():
        return account, "127.0.0.1"
    signed = request.headers.get("Authorization", "") or request.args.get("X-Amz-Credential", "")
    found = _CALLER.search(signed)
    return found[1] if found else account, request.remote_addr or "127.0.0.1"
