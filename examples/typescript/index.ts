// A platform of level 0: safe storage, a network, a workbench, an image build, a budget.
import * as terrace from "@pulumi/terrace";

const { Level, Nat, Size } = terrace.types.enums;

const platform = new terrace.Platform("platform", {
    organisation: "acme",
    environment: "dev",
    level: Level.MANUAL,
    region: "eu-central-1",
    owner: "mlops@acme.example",
    costCenter: "mlops",
    size: Size.SMALL,
    budget: { monthly: 500, emails: ["mlops@acme.example"] },
    network: { cidr: "10.0.0.0/16", nat: Nat.SINGLE },
    workbench: { idleMinutes: 120, profiles: ["ada"] },
    teams: { ml: { costCenter: "ml", budget: 300 } },
});

export const level = platform.level;
export const capabilities = platform.capabilities;
export const contractParameter = platform.contractParameter;
export const dataBucket = platform.dataBucket;
