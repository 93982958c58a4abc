"""A pipeline as its user writes it, with the SageMaker SDK: created, started, waited for, and its definition told.

Knows nothing of Terrace: the account and the server are those of the AWS variables of its environment. It runs in an
environment of its own, which has the SDK.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionNot
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import SageMakerJobExceptionTypeEnum, SageMakerJobStepRetryPolicy
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer

CODE = Path(__file__).parent / "code"


def _input(name: str, uri: object, path: str) -> ProcessingInput:
    where = ProcessingS3Input(s3_uri=uri, local_path=path, s3_data_type="S3Prefix", s3_input_mode="File")
    return ProcessingInput(input_name=name, s3_input=where)


def _output(name: str, uri: object, path: str) -> ProcessingOutput:
    return ProcessingOutput(
        output_name=name, s3_output=ProcessingS3Output(s3_uri=uri, local_path=path, s3_upload_mode="EndOfJob")
    )


def pipeline(image: str, role: str, bucket: str) -> Pipeline:
    """Return the pipeline."""
    session = PipelineSession()
    instance = ParameterString("InstanceType", default_value="ml.m5.large")
    depth = ParameterInteger("Depth", default_value=3)
    least = ParameterFloat("Least", default_value=0.25)
    data = ParameterString("Data", default_value=f"s3://{bucket}/data")
    approval = ParameterString(
        "Approval", default_value="PendingManualApproval", enum_values=["PendingManualApproval", "Approved"]
    )
    here = [f"s3://{bucket}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID]
    cache = CacheConfig(enable_caching=True, expire_after="P1D")

    processor = ScriptProcessor(
        role=role,
        image_uri=image,
        command=["python"],
        instance_count=1,
        instance_type=instance,
        sagemaker_session=session,
    )
    prepare = ProcessingStep(
        "Prepare",
        step_args=processor.run(
            code=str(CODE / "prepare.py"),
            inputs=[_input("raw", data, "/opt/ml/processing/raw")],
            outputs=[_output("train", Join(on="/", values=[*here, "train"]), "/opt/ml/processing/train")],
            arguments=["--rows", "2"],
        ),
        cache_config=cache,
    )
    trainer = ModelTrainer(
        training_image=image,
        role=role,
        sagemaker_session=session,
        source_code=SourceCode(source_dir=str(CODE), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
        hyperparameters={"depth": depth},
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        base_job_name="train",
    )
    trained = trainer.train(
        input_data_config=[
            InputData(
                channel_name="train",
                data_source=prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri,
            )
        ],
        wait=False,
    )
    train = TrainingStep(
        "Train",
        step_args=trained,
        retry_policies=[
            SageMakerJobStepRetryPolicy(
                exception_types=[SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], interval_seconds=1, max_attempts=2
            )
        ],
    )
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile("Report", output_name="report", path="report.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor.run(
            code=str(CODE / "evaluate.py"),
            inputs=[_input("model", model, "/opt/ml/processing/model")],
            outputs=[_output("report", Join(on="/", values=[*here, "report"]), "/opt/ml/processing/report")],
        ),
        property_files=[report],
    )
    score = JsonGet(step_name=evaluate.name, property_file=report, json_path="metrics.score.value")
    builder = ModelBuilder(
        s3_model_data_url=model, image_uri=image, role_arn=role, sagemaker_session=session, mode=None
    )
    register = ModelStep(
        "Register",
        step_args=builder.register(
            model_package_group_name="sdk-models",
            content_types=["application/json"],
            response_types=["application/json"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            approval_status=approval,
            customer_metadata_properties={"execution": ExecutionVariables.PIPELINE_EXECUTION_ARN},
        ),
    )
    refused = FailStep("Refused", error_message=Join(on=" ", values=["a score of", score, "is below", least]))
    good = ConditionGreaterThanOrEqualTo(left=score, right=least)
    gate = ConditionStep(
        "Gate", conditions=[ConditionNot(ConditionNot(good))], if_steps=[register], else_steps=[refused]
    )
    return Pipeline(
        name="sdk",
        parameters=[instance, depth, least, data, approval],
        steps=[prepare, train, evaluate, gate],
        sagemaker_session=session,
    )


def main() -> None:
    """Create or update the pipeline, run it twice, and say what became of it."""
    image, role, bucket = sys.argv[1:]
    made = pipeline(image, role, bucket)
    made.upsert(role_arn=role)
    made.upsert(role_arn=role)
    said = {"definition": json.loads(made.definition()), "runs": []}
    for parameters in ({"Depth": 5}, {"Least": 0.9}):
        execution = made.start(parameters=parameters)
        try:
            execution.wait(delay=1, max_attempts=120)
        except Exception as error:  # the waiter's own kind differs between versions
            said["waiter"] = str(error)
        said["runs"].append(
            {
                "arn": execution.arn,
                "status": execution.describe()["PipelineExecutionStatus"],
                "steps": {
                    one["StepName"]: one.get("FailureReason", one["StepStatus"]) for one in execution.list_steps()
                },
            }
        )
    print(json.dumps(said))  # noqa: T201  (what the test reads)


if __name__ == "__main__":
    main()
