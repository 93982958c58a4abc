"""Applies the CloudFormation templates that bootstrap writes, as far as they use CloudFormation."""

from __future__ import annotations

import json
from typing import Any

from terrace.target import Target


class Stack:
    """Makes a template's resources in their order, with what `Ref` and `Fn::GetAtt` stand for."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.refs: dict[str, str] = {}
        self.arns: dict[str, str] = {}

    def apply(self, template: dict[str, Any]) -> None:
        """Make every resource; one of a type that is not known here is an error."""
        for name, resource in template["Resources"].items():
            for other in resource.get("DependsOn", []):
                assert other in self.refs, other
            make = getattr(self, "_" + resource["Type"].replace("::", "_").lower())
            make(name, self._resolved(resource["Properties"]))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"Ref"}:
                return self.refs[value["Ref"]]
            if set(value) == {"Fn::GetAtt"}:
                assert value["Fn::GetAtt"][1] == "Arn"
                return self.arns[value["Fn::GetAtt"][0]]
            return {key: self._resolved(one) for key, one in value.items()}
        return [self._resolved(one) for one in value] if isinstance(value, list) else value

    def _aws_kms_key(self, name: str, given: dict[str, Any]) -> None:
        kms = self.target.client("kms")
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in given["Tags"]]
        policy = json.dumps(given["KeyPolicy"])
        made = kms.create_key(Description=given["Description"], Policy=policy, Tags=tags)["KeyMetadata"]
        assert given["EnableKeyRotation"]
        kms.enable_key_rotation(KeyId=made["KeyId"])
        self.refs[name], self.arns[name] = made["KeyId"], made["Arn"]

    def _aws_kms_alias(self, name: str, given: dict[str, Any]) -> None:
        self.target.client("kms").create_alias(**given)
        self.refs[name] = given["AliasName"]

    def _aws_s3_bucket(self, name: str, given: dict[str, Any]) -> None:
        s3, of = self.target.client("s3"), {"Bucket": given["BucketName"]}
        s3.create_bucket(**of, CreateBucketConfiguration={"LocationConstraint": self.target.region})
        s3.put_public_access_block(**of, PublicAccessBlockConfiguration=given["PublicAccessBlockConfiguration"])
        s3.put_bucket_ownership_controls(**of, OwnershipControls=given["OwnershipControls"])
        s3.put_bucket_versioning(**of, VersioningConfiguration=given["VersioningConfiguration"])
        rules = given["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        defaults = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
        encryption = [{defaults.get(key, key): one for key, one in rule.items()} for rule in rules]
        s3.put_bucket_encryption(**of, ServerSideEncryptionConfiguration={"Rules": encryption})
        lifecycle = [
            {"ID" if key == "Id" else key: one for key, one in {**rule, "Filter": {"Prefix": ""}}.items()}
            for rule in given["LifecycleConfiguration"]["Rules"]
        ]
        s3.put_bucket_lifecycle_configuration(**of, LifecycleConfiguration={"Rules": lifecycle})
        s3.put_bucket_tagging(**of, Tagging={"TagSet": given["Tags"]})
        self.refs[name] = given["BucketName"]

    def _aws_s3_bucketpolicy(self, name: str, given: dict[str, Any]) -> None:
        policy = json.dumps(given["PolicyDocument"])
        self.target.client("s3").put_bucket_policy(Bucket=given["Bucket"], Policy=policy)
        self.refs[name] = given["Bucket"]

    def _aws_iam_oidcprovider(self, name: str, given: dict[str, Any]) -> None:
        made = self.target.client("iam").create_open_id_connect_provider(
            Url=given["Url"], ClientIDList=given["ClientIdList"], Tags=given["Tags"]
        )
        self.refs[name] = made["OpenIDConnectProviderArn"]

    def _aws_iam_managedpolicy(self, name: str, given: dict[str, Any]) -> None:
        made = self.target.client("iam").create_policy(
            PolicyName=given["ManagedPolicyName"], PolicyDocument=json.dumps(given["PolicyDocument"])
        )
        self.refs[name] = made["Policy"]["Arn"]

    def _aws_iam_role(self, name: str, given: dict[str, Any]) -> None:
        iam = self.target.client("iam")
        trust, attached = json.dumps(given.pop("AssumeRolePolicyDocument")), given.pop("ManagedPolicyArns")
        iam.create_role(**given, AssumeRolePolicyDocument=trust)
        for arn in attached:
            iam.attach_role_policy(RoleName=given["RoleName"], PolicyArn=arn)
        self.refs[name] = given["RoleName"]
