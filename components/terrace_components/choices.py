"""What an argument may be where there are few values, as enums that every Pulumi language gets.

Arguments that were chosen in another language arrive as plain text and numbers (`package.py` sees to it), so components
compare with plain values. `terrace.maturity` decides which values there are; a test compares.
"""

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """Maturity level of a stack."""

    MANUAL = 0
    """Safe storage, a workbench, a registry and one endpoint; people do the rest."""
    DEVOPS = 1
    """Code is built, tested and released by CI; infrastructure is watched."""
    AUTOMATED_TRAINING = 2
    """A pipeline validates data, trains, evaluates, gates and registers; runs are tracked."""
    AUTOMATED_DEPLOYMENT = 3
    """Approval releases the model, step by step and back. Refused until it can be built."""
    AUTOMATED_OPERATIONS = 4
    """Drift retrains, evidence is kept, copies are elsewhere. Refused until it can be built."""


class Size(StrEnum):
    """How much is built for availability."""

    SMALL = "small"
    """One of everything, for trying things."""
    STANDARD = "standard"
    """Two zones, for what should run."""
    REDUNDANT = "redundant"
    """Three zones and a gateway in each, for what must run."""


class DataClass(StrEnum):
    """How sensitive the data is."""

    PUBLIC = "public"
    """Anybody may see it."""
    INTERNAL = "internal"
    """The organisation may see it."""
    CONFIDENTIAL = "confidential"
    """Only those may see it who are named."""


class Mode(StrEnum):
    """How predictions are served."""

    SERVERLESS = "serverless"
    """Paid by the prediction, started when asked."""
    REALTIME = "realtime"
    """Instances that always run, in the network."""
    BATCH = "batch"
    """No endpoint: what arrives in a bucket is scored by the clock."""


class Nat(StrEnum):
    """Way from the network to the internet."""

    SINGLE = "single"
    """One gateway for every zone."""
    PER_ZONE = "per-zone"
    """A gateway in each zone."""
    NONE = "none"
    """No way out."""


class Auth(StrEnum):
    """How people sign in to the workbench."""

    IAM = "IAM"
    """With roles of the account."""
    SSO = "SSO"
    """With IAM Identity Center."""


class TrackingKind(StrEnum):
    """Where models' runs are tracked."""

    APP = "app"
    """SageMaker's serverless MLflow."""
    SERVER = "server"
    """SageMaker's MLflow tracking server, paid by the hour."""
    MLFLOW = "mlflow"
    """An MLflow of your own."""
    WANDB = "wandb"
    """Weights & Biases."""
    NEPTUNE = "neptune"
    """A Neptune of your own."""


class TrackingSize(StrEnum):
    """Size of a tracking server."""

    SMALL = "small"
    """For a team of up to 25."""
    MEDIUM = "medium"
    """For up to 50."""
    LARGE = "large"
    """For up to 100."""


class PackageSource(StrEnum):
    """Where Python packages come from."""

    CODEARTIFACT = "codeartifact"
    """A repository in the account, which fetches what it lacks and keeps it."""
    INDEX = "index"
    """An index of your own."""
    NAT = "nat"
    """The public index, through the network's gateway."""
