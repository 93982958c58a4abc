"""The platform of one environment. `terrace:*` of Pulumi.<environment>.yaml says what it is made of."""

import pulumi
import pulumi_aws as aws
from terrace_components import Platform, platform_args

from terrace.settings import from_pulumi

settings = from_pulumi()
# The provider refuses every other account. Without an account the environment lives in the sandbox.
provider = aws.Provider("aws", region=settings.region, allowed_account_ids=[settings.account_id])
platform = Platform("platform", platform_args(settings), pulumi.ResourceOptions(provider=provider))
for name, value in platform.outputs().items():
    pulumi.export(name, value)
