"""Types of steps: the AWS calls that each one makes, and what it is refused for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A type of step that makes something by one AWS call and waits for it.

    Attributes:
        type: As the definition has it.
        noun: What is made, as AWS's operations name it: `TrainingJob` of `CreateTrainingJob`.
        name: Parameter of its name, given by the pipeline. Empty when AWS gives it.
        metadata: Its member in the metadata of a step.
        cached: Attributes of the arguments that a cache goes by; empty for a step that is never cached.
        noted: Its member in the metadata of events.
        stops: Whether it can be stopped.
    """

    type: str
    noun: str
    name: str
    metadata: str
    cached: tuple[str, ...] = ()
    noted: str = ""
    stops: bool = True

    @property
    def arn(self) -> str:
        """Member of its ARN in answers."""
        return f"{self.noun}Arn"

    @property
    def status(self) -> str:
        """Member of its status in its description."""
        return f"{self.noun}Status"

    @property
    def create(self) -> str:
        """Operation that makes it."""
        return f"Create{self.noun}"

    @property
    def describe(self) -> str:
        """Operation that describes it."""
        return f"Describe{self.noun}"

    @property
    def stop(self) -> str:
        """Operation that stops it."""
        return f"Stop{self.noun}"


_TRAINING = (
    "AlgorithmSpecification",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "Environment",
    "HyperParameters",
    "InputDataConfig",
)
_TUNING = ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions")
# What a cache goes by is AWS's list, "Default cache key attributes by pipeline step type".
JOBS: Mapping[str, Kind] = {
    kind.type: kind
    for kind in (
        Kind("Training", "TrainingJob", "TrainingJobName", "TrainingJob", _TRAINING, "trainingJob"),
        Kind(
            "Processing",
            "ProcessingJob",
            "ProcessingJobName",
            "ProcessingJob",
            ("AppSpecification", "Environment", "ProcessingInputs"),
            "processingJob",
        ),
        Kind(
            "Transform",
            "TransformJob",
            "TransformJobName",
            "TransformJob",
            ("DataProcessing", "Environment", "ModelName", "TransformInput"),
            "transformJob",
        ),
        Kind(
            "Tuning",
            "HyperParameterTuningJob",
            "HyperParameterTuningJobName",
            "TuningJob",
            _TUNING,
            "tuningJob",
        ),
        Kind("Model", "Model", "ModelName", "Model", noted="model", stops=False),
        Kind("RegisterModel", "ModelPackage", "", "RegisterModel", noted="registerModel", stops=False),
    )
}
CONDITION, FAIL = "Condition", "Fail"

REFUSED: Mapping[str, str] = {
    "AutoML": "there is no AutoML in it",
    "BedrockCustomModel": "there is no Bedrock in it",
    "BedrockCustomModelDeployment": "there is no Bedrock in it",
    "BedrockModelImport": "there is no Bedrock in it",
    "BedrockProvisionedModelThroughput": "there is no Bedrock in it",
    "Callback": "nothing in it waits for callbacks",
    "ClarifyCheck": "there is no Clarify in it",
    "Cleanup": "it cleans nothing up by a step",
    "EMR": "there is no EMR in it",
    "EMRServerless": "there is no EMR in it",
    "Endpoint": "endpoints are made outside pipelines, by a release",
    "EndpointConfig": "endpoints are made outside pipelines, by a release",
    "ForEach": "it does not run a step for each of many items",
    "HubContent": "there is no hub in it",
    "InferenceComponent": "there are no inference components in it",
    "Job": "only training, processing, transform and tuning jobs run in it",
    "Lambda": "no Lambda function runs in it",
    "Lineage": "lineage is recorded without a step",
    "NotebookJob": "no notebook runs in it",
    "QualityCheck": "there is no model monitor in it",
    "Athena": "there is no Athena in it",
}
"""Types that AWS has and the sandbox refuses → why. Refused by name at the creation of a pipeline."""
