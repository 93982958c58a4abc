"""SageMaker's jobs, really run: training, processing, batch transform and hyperparameter tuning."""

from terrace.sandbox.jobs.room import Jobs

__all__ = ["Jobs"]
