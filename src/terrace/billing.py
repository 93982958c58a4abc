"""The bill of a model's pipeline, read from SageMaker: which runs there were, and what each was about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from terrace import executions, pipelines, scoring
from terrace.bills import Bill, BillRow, read_work
from terrace.outcomes import outcome, starter
from terrace.prices import read_prices
from terrace.run_data import read_data
from terrace.target import Target

if TYPE_CHECKING:
    from terrace.maturity import ModelContract

_AT_ONCE = 4
"""How many runs are read at once: SageMaker lets few descriptions through a second."""


def read_bill(target: Target, contract: ModelContract, since: datetime | None = None, batch: bool = False) -> Bill:
    """Return what the runs of a model's pipeline were and cost, the latest first.

    Args:
        target: Where the pipeline is.
        contract: Of the model.
        since: Only runs that were started after it; None is all.
        batch: Of the pipeline that scores.

    Raises:
        ProjectError: The model has no pipeline.
        SettingsError: The price table cannot be read.
    """
    prices = read_prices()

    def row(arn: str) -> BillRow:
        execution = executions.read(target, arn)
        came = outcome(execution)
        if batch and came.good:
            came = replace(came, text=scoring.told(execution))
        return BillRow(
            execution=execution,
            starter=starter(execution, contract.watched_prefix),
            data=read_data(target, execution),
            outcome=came,
            work=read_work(target, execution),
        )

    for service in ("sagemaker", "s3"):
        # Made before the threads begin: making clients is not for several at once.
        target.client(service)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = tuple(pool.map(row, pipelines.arns(target, contract, since, batch)))
    return Bill(contract.region, target.kind == "sandbox", rows, prices)
