"""What the program of a platform or of a model project is made of. A model's `infra/__main__.py` is these lines:

import pulumi
import pulumi_aws as aws

from terrace.settings import model_from_pulumi
from terrace_components import ModelStack, model_args

settings = model_from_pulumi()
provider = aws.Provider("aws", region=settings.region, allowed_account_ids=[settings.account_id])
stack = ModelStack("model", model_args(settings), pulumi.ResourceOptions(provider=provider))
for name, value in stack.outputs().items():
    pulumi.export(name, value)
"""

from typing import cast

from terrace.maturity import ModelSettings, PlatformSettings
from terrace_components.model_args import ModelStackArgs
from terrace_components.platform_args import PlatformArgs


def model_args(settings: ModelSettings) -> ModelStackArgs:
    """Return a model's settings as ModelStack takes them."""
    return cast(ModelStackArgs, settings.model_dump(mode="json", exclude_none=True, exclude_unset=True))


def platform_args(settings: PlatformSettings) -> PlatformArgs:
    """Return a platform's settings as Platform takes them."""
    return cast(PlatformArgs, settings.model_dump(mode="json", exclude_none=True, exclude_unset=True))
