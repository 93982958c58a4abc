"""What notebooks may do. Pure."""

from terrace_components.documents import Document, allow, document, pass_role
from terrace_components.personas import SAGEMAKER_EXPERIMENT, Reach, explore, train
from terrace_components.statements import attach_network, create_job_logs, grant_keys, put_metrics


def workbench_policy(reach: Reach) -> Document:
    """Return the policy of the role that notebooks run under: explore, start jobs, keep their own apps and spaces."""
    place = reach.place
    apps = [
        "sagemaker:AddTags",
        "sagemaker:CreateApp",
        "sagemaker:CreateSpace",
        "sagemaker:DeleteApp",
        "sagemaker:DeleteSpace",
        "sagemaker:DescribeApp",
        "sagemaker:DescribeDomain",
        "sagemaker:DescribeSpace",
        "sagemaker:DescribeUserProfile",
        "sagemaker:UpdateSpace",
    ]
    find = ["sagemaker:ListApps", "sagemaker:ListDomains", "sagemaker:ListSpaces", "sagemaker:ListUserProfiles"]
    jobs = reach.sagemaker("processing-job", "training-job", "transform-job")
    return document(
        *explore(reach),
        allow(
            "KeepApps",
            apps,
            [place.arn("sagemaker", f"{kind}/*") for kind in ("app", "domain", "space", "user-profile")],
        ),
        allow("FindApps", find, ["*"]),
        allow("RunJobs", SAGEMAKER_EXPERIMENT, jobs),
        *train(reach),
        pass_role(place.account, [f"{place.prefix}-*-train"], "sagemaker.amazonaws.com"),
        grant_keys(reach.keys),
        create_job_logs(place.account, place.region),
        put_metrics(["/aws/sagemaker/Studio"]),
        *attach_network(place.account, place.region),
    )
