"""MLflow Apps and tracking servers of SageMaker: real MLflow servers, found by their ARN."""

from terrace.sandbox.tracking.room import Tracking

__all__ = ["Tracking"]
