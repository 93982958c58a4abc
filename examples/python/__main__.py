"""A platform of level 0: safe storage, a network, a workbench, an image build, a budget."""

import pulumi
import pulumi_terrace as terrace

platform = terrace.Platform(
    "platform",
    organisation="acme",
    environment="dev",
    level=terrace.Level.MANUAL,
    region="eu-central-1",
    owner="mlops@acme.example",
    cost_center="mlops",
    size=terrace.Size.SMALL,
    budget={"monthly": 500, "emails": ["mlops@acme.example"]},
    network={"cidr": "10.0.0.0/16", "nat": terrace.Nat.SINGLE},
    workbench={"idle_minutes": 120, "profiles": ["ada"]},
    teams={"ml": {"cost_center": "ml", "budget": 300}},
)

pulumi.export("level", platform.level)
pulumi.export("capabilities", platform.capabilities)
pulumi.export("contractParameter", platform.contract_parameter)
pulumi.export("dataBucket", platform.data_bucket)
