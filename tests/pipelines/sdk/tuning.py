"""Another pipeline of the SageMaker SDK: it searches, makes a model of the best, and lets that answer lines."""

from __future__ import annotations

import json
import sys
import time

from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.training.configs import Compute, OutputDataConfig
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionEquals, ConditionIn, ConditionLessThan, ConditionOr
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import TransformStep, TuningStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner


def pipeline(searching: str, serving: str, role: str, bucket: str) -> Pipeline:
    """Return the pipeline."""
    session = PipelineSession(default_bucket=bucket)
    stage = ParameterString("Stage", default_value="dev")
    forced = ParameterBoolean("Forced", default_value=False)
    trainer = ModelTrainer(
        training_image=searching,
        role=role,
        sagemaker_session=session,
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
        hyperparameters={"rate": 0.5},
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/tuned"),
        base_job_name="tune",
    )
    tuner = HyperparameterTuner(
        trainer,
        "score",
        {"rate": ContinuousParameter(0.0, 1.0)},
        metric_definitions=[{"Name": "score", "Regex": "score=(.*?);"}],
        strategy="Random",
        max_jobs=3,
        max_parallel_jobs=2,
    )
    search = TuningStep("Search", step_args=tuner.tune(wait=False))
    best = search.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="tuned")
    builder = ModelBuilder(
        s3_model_data_url=best, image_uri=serving, role_arn=role, sagemaker_session=session, mode=None
    )
    model = ModelStep("Best", step_args=builder.build())
    transformer = Transformer(
        model_name=model.properties.ModelName,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path=Join(on="/", values=[f"s3://{bucket}/answers", ExecutionVariables.PIPELINE_EXECUTION_ID]),
        strategy="SingleRecord",
        assemble_with="Line",
        sagemaker_session=session,
    )
    answer = TransformStep(
        "Answer",
        step_args=transformer.transform(data=f"s3://{bucket}/lines", content_type="text/csv", split_type="Line"),
    )
    good = ConditionOr(
        conditions=[
            ConditionEquals(left=forced, right=True),
            ConditionIn(value=stage, in_values=["test", "prod"]),
            ConditionLessThan(left=search.properties.TrainingJobStatusCounters.Stopped, right=1),
        ]
    )
    gate = ConditionStep("Gate", conditions=[good], if_steps=[model, answer], else_steps=[])
    sorry = FailStep(
        "Sorry",
        error_message=Join(on=" ", values=["no answer in", stage]),
        depends_on=[StepDependency(answer, TriggerCondition.FAILED)],
    )
    return Pipeline(name="tuning", parameters=[stage, forced], steps=[search, gate, sorry], sagemaker_session=session)


def main() -> None:
    """Create the pipeline, run it, and say what became of it."""
    searching, serving, role, bucket = sys.argv[1:]
    made = pipeline(searching, serving, role, bucket)
    made.upsert(role_arn=role, parallelism_config=ParallelismConfiguration(max_parallel_execution_steps=2))
    execution = made.start()
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.2)
    steps = {one["StepName"]: one.get("FailureReason", one["StepStatus"]) for one in execution.list_steps()}
    said = {"definition": json.loads(made.definition()), "arn": execution.arn, "steps": steps}
    print(json.dumps(said))  # noqa: T201  (what the test reads)


if __name__ == "__main__":
    main()
