"""The bucket itself."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.shapes import found
from terrace.sandbox.provider.tags import tag_list, tag_map


class Bucket(Handler):
    """Holds objects. Its id is its name, which is the only one in the world."""

    type = "aws:s3/bucket:Bucket"
    inputs = {"bucket": str, "forceDestroy": bool, "objectLockEnabled": bool, "tags": dict}
    required = frozenset({"bucket"})
    replace = frozenset({"bucket", "objectLockEnabled"})
    store = True
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        name, client = inputs["bucket"], aws("s3")
        settings: dict[str, Any] = {}
        if aws.region != "us-east-1":  # which S3 takes for "nowhere in particular", and refuses as a place
            settings["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
        if inputs.get("objectLockEnabled"):
            settings["ObjectLockEnabledForBucket"] = True
        client.create_bucket(Bucket=name, **settings)
        self._tag(client, name, inputs)
        return self._state(aws, name, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("s3").head_bucket, "404", "NoSuchBucket", Bucket=id)
        return seen and self._state(aws, id, inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        if old.get("tags") != new.get("tags"):
            self._tag(aws("s3"), id, new)
        return self._state(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok("NoSuchBucket"):
            if inputs.get("forceDestroy"):
                self.purge(aws, id, inputs)
            aws("s3").delete_bucket(Bucket=id)

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:
        """Delete every version of every object, and what uploads have begun."""
        client = aws("s3")
        for page in client.get_paginator("list_object_versions").paginate(Bucket=id):
            found_here = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            keys = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found_here]
            if keys:
                client.delete_objects(Bucket=id, Delete={"Objects": keys, "Quiet": True})
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=id):
            for upload in page.get("Uploads", []):
                client.abort_multipart_upload(Bucket=id, Key=upload["Key"], UploadId=upload["UploadId"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        # Names are the world's: only the list tells whether it is this account's.
        mine = {bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]}
        return inputs["bucket"] if inputs["bucket"] in mine else None

    def _tag(self, client: Any, name: str, inputs: Props) -> None:
        if inputs.get("tags"):
            client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(inputs)})
        else:
            client.delete_bucket_tagging(Bucket=name)

    def _state(self, aws: Clients, name: str, inputs: Props) -> State:
        seen = found(aws("s3").get_bucket_tagging, "NoSuchTagSet", Bucket=name)
        tags = tag_map(seen["TagSet"]) if seen else {}
        outputs = {
            **inputs,
            "bucket": name,
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
            "bucketRegion": aws.region,
            "region": aws.region,
            "tagsAll": tags,
        }
        if "tags" in inputs or tags:
            outputs["tags"] = tags
        return State(name, outputs)
