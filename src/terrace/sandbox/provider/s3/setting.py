"""What the settings of a bucket have in common: one a bucket, put whole, with the bucket's name as id."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok, error_code
from terrace.sandbox.provider.shapes import response


class BucketSetting(Handler):
    """A setting of one bucket: three calls of S3, to put it, to see it and to clear it."""

    replace = frozenset({"bucket"})
    missing: ClassVar[str] = "NoSuchBucket"
    """The error code that says that the bucket has no such setting."""

    @abstractmethod
    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set it."""

    @abstractmethod
    def see(self, s3: Any, bucket: str) -> Props | None:
        """Return it under AWS's names, None when it is not set."""

    @abstractmethod
    def clear(self, s3: Any, bucket: str) -> None:
        """Unset it."""

    def create(self, aws: Clients, inputs: Props) -> State:
        bucket = inputs["bucket"]
        self.put(aws("s3"), bucket, inputs)
        return State(bucket, dict(inputs))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        try:
            seen = self.see(aws("s3"), id)
        except ClientError as error:
            if error_code(error) not in (self.missing, "NoSuchBucket"):
                raise
            return None
        return None if seen is None else State(id, self.outputs(id, inputs, seen))

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, {**new, "bucket": id})

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok("NoSuchBucket", self.missing):
            self.clear(aws("s3"), id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["bucket"], inputs)
        return state.id if state else None

    def outputs(self, bucket: str, inputs: Props, seen: Props) -> Props:
        """Return the outputs from what AWS shows."""
        return {**response(self.inputs, inputs, seen), "bucket": bucket}
