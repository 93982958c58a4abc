"""A server that begins anew knows nothing of what was made in the last one."""

from __future__ import annotations

from pathlib import Path

import pytest
from provider_case import REGION, fresh_account

from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.facade import SandboxProvider

KINDS = {
    "aws:s3/bucket:Bucket": {"bucket": "begun-anew"},
    "aws:s3/bucketNotification:BucketNotification": {"bucket": "begun-anew", "eventbridge": True},
}


@pytest.mark.parametrize("how", ["reset", "restart"])
def test_settings_are_put_again_in_an_emptied_sandbox(tmp_path: Path, how: str) -> None:
    """A creation that another incarnation saw is no reason to take the setting for made."""
    box, account = Sandbox(tmp_path), fresh_account()
    box.start()
    try:
        for turn in range(2):
            url = box.require().url
            provider = SandboxProvider(url, tmp_path)
            provider.configure({"region": REGION, "allowedAccountIds": [account]})
            for kind, inputs in KINDS.items():
                provider.create(f"urn:pulumi:dev::p::{kind}::one", kind, inputs)
            found = SandboxClients(url, account, REGION)("s3").get_bucket_notification_configuration(
                Bucket="begun-anew"
            )
            assert "EventBridgeConfiguration" in found, f"turn {turn}"
            if how == "reset":
                box.reset()
            else:
                box.stop()
    finally:
        box.stop()
