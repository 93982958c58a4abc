"""What must be true of the resources themselves, at every level and in every environment."""

import json

from components.recorder import ACCOUNT, Graph

PRIVATE = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
RETENTION_YEAR = 365


def _per_bucket(graph: Graph, kind: str) -> dict[str, dict[str, object]]:
    return {str(r.inputs["bucket"]): r.inputs for r in graph.of(kind)}


def _buckets(graph: Graph) -> set[str]:
    return {str(b.inputs["bucket"]) for b in graph.of("Bucket")}


def test_buckets_are_private_owned_and_versioned(platform: Graph) -> None:
    """No bucket can be made public, has ACLs, or loses what is overwritten."""
    for kind in ("BucketPublicAccessBlock", "BucketOwnershipControls", "BucketVersioning", "BucketNotification"):
        assert set(_per_bucket(platform, kind)) == _buckets(platform), kind
    assert all(
        all(i[flag] is True for flag in PRIVATE) for i in _per_bucket(platform, "BucketPublicAccessBlock").values()
    )
    owners = _per_bucket(platform, "BucketOwnershipControls").values()
    assert all(i["rule"] == {"objectOwnership": "BucketOwnerEnforced"} for i in owners)
    assert all(
        i["versioningConfiguration"] == {"status": "Enabled"}
        for i in _per_bucket(platform, "BucketVersioning").values()
    )
    assert all(i["eventbridge"] is True for i in _per_bucket(platform, "BucketNotification").values())


def test_buckets_are_encrypted_with_the_environments_keys(platform: Graph) -> None:
    """Data and artifacts have customer keys; the log bucket has S3's: access logs cannot be delivered otherwise."""
    rules = {
        bucket.split("-")[2]: inputs["rules"][0]  # type: ignore[index]
        for bucket, inputs in _per_bucket(platform, "BucketServerSideEncryptionConfiguration").items()
    }
    for purpose, key in (("data", "data"), ("artifacts", "models")):
        default = rules[purpose]["applyServerSideEncryptionByDefault"]
        assert default["sseAlgorithm"] == "aws:kms"
        assert default["kmsMasterKeyId"].endswith(f"encryption-{key}-key")
        assert rules[purpose]["bucketKeyEnabled"] is True
    assert rules["logs"] == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


def test_buckets_refuse_plain_http(platform: Graph) -> None:
    """Every bucket denies everyone whatever comes without TLS."""
    for bucket, inputs in _per_bucket(platform, "BucketPolicy").items():
        last = json.loads(str(inputs["policy"]))["Statement"][-1]
        assert (last["Effect"], last["Principal"]) == ("Deny", "*")
        assert last["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert last["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_buckets_are_tidied_up(platform: Graph) -> None:
    """Old versions and unfinished uploads go; current objects only in the log bucket."""
    for bucket, inputs in _per_bucket(platform, "BucketLifecycleConfiguration").items():
        rules = {rule["id"] for rule in inputs["rules"]}  # type: ignore[attr-defined]
        assert {"unfinished-uploads", "noncurrent-versions"} <= rules
        assert ("old-logs" in rules) == ("-logs-" in bucket)


def test_accesses_are_logged_where_people_rely_on_data(platform: Graph, prod_platform: Graph) -> None:
    """In production each access to data and artifacts is logged; the log bucket does not log to itself."""
    assert not platform.of("BucketLogging")
    logged = _per_bucket(prod_platform, "BucketLogging")
    assert {bucket.split("-")[2] for bucket in logged} == {"data", "artifacts"}
    assert all("-logs-" in str(inputs["targetBucket"]) for inputs in logged.values())


def test_keys_rotate_and_can_be_restored(platform: Graph, prod_platform: Graph) -> None:
    """Keys rotate; a deleted one comes back within 7 days, in production within 30."""
    for graph, days in ((platform, 7), (prod_platform, 30)):
        assert len(graph.of("Key")) == 3
        for key in graph.of("Key"):
            assert key.inputs["enableKeyRotation"] is True
            assert key.inputs["deletionWindowInDays"] == days
            assert json.loads(key.inputs["policy"])["Statement"][0]["Principal"] == {
                "AWS": f"arn:aws:iam::{ACCOUNT}:root"
            }


def test_log_groups_have_key_and_retention(graph: Graph) -> None:
    """Logs are encrypted with the environment's key, and kept for a year or more in production."""
    for group in graph.of("LogGroup"):
        assert group.inputs["kmsKeyId"].endswith("logs-key"), group.name
        least = RETENTION_YEAR if group.inputs["tags"]["environment"] == "prod" else 1
        assert group.inputs["retentionInDays"] >= least, group.name


def test_the_network_lets_nothing_in(platform: Graph) -> None:
    """The default security group is empty, no subnet gives out public addresses, no rule takes the world."""
    (default,) = platform.of("DefaultSecurityGroup")
    assert "ingress" not in default.inputs
    assert "egress" not in default.inputs
    assert not any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in platform.of("Subnet"))
    assert not any("cidrIpv4" in rule.inputs for rule in platform.of("SecurityGroupIngressRule"))
    for rule in platform.of("SecurityGroupEgressRule"):
        world = rule.inputs.get("cidrIpv4") == "0.0.0.0/0"
        assert not world or (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)


def test_security_groups_and_rules_are_described(platform: Graph) -> None:
    """Who looks at a rule reads what it is for."""
    for kind in ("SecurityGroup", "SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        assert all(r.inputs["description"] for r in platform.of(kind))


def test_the_networks_traffic_is_logged(graph: Graph) -> None:
    """Every VPC has flow logs."""
    assert len(graph.of("FlowLog")) == len(graph.of("Vpc"))


def test_production_survives_a_zone(prod_platform: Graph, platform: Graph) -> None:
    """Production has three zones, each with its own way out; elsewhere two share one."""
    assert (len(prod_platform.of("NatGateway")), len(platform.of("NatGateway"))) == (3, 1)
    private = [s for s in prod_platform.of("Subnet") if "-private-" in s.name]
    assert len({s.inputs["availabilityZone"] for s in private}) == 3


def test_subnets_never_move(platform: Graph) -> None:
    """A zone that AWS adds or closes replaces no subnet."""
    assert all(s.ignored == ("availabilityZone",) for s in platform.of("Subnet"))


def test_endpoints_keep_to_the_account(platform: Graph) -> None:
    """From level 1 AWS's services are reached inside the network, by this account's principals alone."""
    endpoints = {e.inputs["serviceName"]: e.inputs for e in platform.of("VpcEndpoint")}
    for service in ("sagemaker.api", "sagemaker.runtime", "ecr.api", "ecr.dkr", "logs", "sts", "kms", "ssm"):
        assert f"com.amazonaws.eu-central-1.{service}" in endpoints
    for inputs in endpoints.values():
        assert ACCOUNT in inputs["policy"]
        if inputs["vpcEndpointType"] == "Interface":
            assert inputs["privateDnsEnabled"] is True
            assert len(inputs["subnetIds"]) == 1  # small: an outage is affordable, an hour's price each is not


def test_the_domain_is_private_encrypted_and_frugal(platform: Graph) -> None:
    """The workbench has no internet of its own, the customer key, and apps that stop when idle."""
    domain = platform.one("platform-workbench-domain")
    assert domain.inputs["appNetworkAccessType"] == "VpcOnly"
    assert domain.inputs["kmsKeyId"].endswith("data-key")
    idle = domain.inputs["defaultUserSettings"]["jupyterLabAppSettings"]["appLifecycleManagement"]["idleSettings"]
    assert (idle["lifecycleManagement"], idle["idleTimeoutInMinutes"]) == ("ENABLED", 120)


def test_images_are_scanned_immutable_and_encrypted(graph: Graph) -> None:
    """Every image repository scans what is pushed, never moves a tag, and tidies up."""
    repositories = [r for r in graph.of("Repository") if r.type.startswith("aws:ecr")]
    assert repositories
    assert len(graph.of("LifecyclePolicy")) == len(repositories)
    for repository in repositories:
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
        assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert repository.inputs["encryptionConfigurations"][0]["encryptionType"] == "KMS"
        assert "forceDelete" not in repository.inputs


def test_builds_run_what_the_project_says(graph: Graph) -> None:
    """A pull request cannot change the commands of a build; what it makes is encrypted and logged."""
    for project in graph.of("Project"):
        assert project.inputs["source"]["type"] == "NO_SOURCE"
        phases = json.loads(project.inputs["source"]["buildspec"])["phases"]
        assert any("docker build" in command for command in phases["build"]["commands"])
        assert project.inputs["encryptionKey"].endswith("models-key")
        assert project.inputs["logsConfig"]["cloudwatchLogs"]["status"] == "ENABLED"
        assert not project.inputs["environment"].get("environmentVariables")


def test_topics_are_encrypted_and_refuse_plain_http(platform: Graph) -> None:
    """Alarms travel encrypted."""
    (topic,) = platform.of("Topic")
    assert topic.inputs["kmsMasterKeyId"].endswith("logs-key")
    last = json.loads(platform.of("TopicPolicy")[0].inputs["policy"])["Statement"][-1]
    assert (last["Effect"], last["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_alarms_tell_somebody(platform: Graph, model: Graph) -> None:
    """Every alarm is on and has an action."""
    alarms = [*platform.of("MetricAlarm"), *model.of("MetricAlarm"), *model.of("CompositeAlarm")]
    assert len(alarms) == 5
    assert all(a.inputs["actionsEnabled"] and a.inputs["alarmActions"] for a in alarms)


def test_budgets_warn_before_they_are_spent(platform: Graph) -> None:
    """Somebody is told at 80 and at 100 percent, and of anomalies."""
    for budget in platform.of("Budget"):
        if budget.type.startswith("aws:"):
            actual = {n["threshold"] for n in budget.inputs["notifications"] if n["notificationType"] == "ACTUAL"}
            assert actual == {80, 100}
            assert all(n["subscriberEmailAddresses"] for n in budget.inputs["notifications"])
    (subscription,) = platform.of("AnomalySubscription")
    assert subscription.inputs["subscribers"] == [{"type": "EMAIL", "address": "owner@example.com"}]


def test_package_groups_name_their_readers(model: Graph) -> None:
    """Versions are read by accounts that are listed."""
    (group,) = model.of("ModelPackageGroupPolicy")
    for statement in json.loads(group.inputs["resourcePolicy"])["Statement"]:
        assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}
