"""What the tests of pipelines share: a client that knows nothing of Terrace, and definitions in small."""

from __future__ import annotations

import pytest
from pipeline_case import Caller, name_image
from provider_case import REGION, fresh_account
from sandbox_fixtures import sandbox

from terrace.sandbox import Running

__all__ = ["sandbox"]


@pytest.fixture
def caller(sandbox: Running) -> Caller:
    """A client of an account that no other test uses."""
    name_image(sandbox.url)
    return Caller(sandbox.url, fresh_account(), REGION)


@pytest.fixture
def bucket(caller: Caller) -> str:
    """A bucket of the caller's account with three rows of data."""
    name, s3 = f"pipelines-{caller.account}", caller.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": caller.region})
    s3.put_object(Bucket=name, Key="data/data.csv", Body=b"1\n2\n3\n")
    return name
