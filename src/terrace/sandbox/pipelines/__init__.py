"""SageMaker pipelines that run: their JSON definition, step by step, on the sandbox's own jobs."""

from terrace.sandbox.pipelines.room import Pipelines

__all__ = ["Pipelines"]
