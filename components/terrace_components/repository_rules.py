"""How long images are kept. Pure."""

import json

UNTAGGED_DAYS = 14
IMAGES = 200
"""How many tagged images are kept: years of releases for most. A released image is pinned by digest, so its number is
generous rather than its age."""


def repository_lifecycle() -> str:
    """Return the lifecycle policy of a model's repository, as ECR reads it."""
    untagged = {
        "rulePriority": 1,
        "description": f"Untagged images go after {UNTAGGED_DAYS} days",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    old = {
        "rulePriority": 2,
        "description": f"The last {IMAGES} images stay",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": IMAGES},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [untagged, old]})
