"""Where an environment's resources are: a real account, or the sandbox on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrace import paths
from terrace.errors import MissingExtraError, SandboxError, TerraceError

if TYPE_CHECKING:
    from terrace.sandbox import Sandbox

Say = Callable[[str], None]


def _silent(_text: str) -> None:
    return None


@dataclass(frozen=True)
class Target:
    """An account and region that AWS clients can be made for.

    Attributes:
        kind: `aws` or `sandbox`.
        account: Account id, 12 digits; made up for an environment that lives in the sandbox.
        region: AWS region.
        url: The sandbox's URL; None on AWS.
        incarnation: Which life of the sandbox this is; it changes when the sandbox was emptied. None on AWS.
        profile: AWS profile whose credentials are used; None takes those at hand.
    """

    kind: str
    account: str
    region: str
    url: str | None = None
    incarnation: str | None = None
    profile: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """Return a boto3 client for this account and region, the same one for the same service."""
        if service not in self._clients:
            self._clients[service] = self._session().client(service)
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make any AWS client work on this target; none are needed on AWS."""
        if self.url is None:
            return {"AWS_REGION": self.region}
        from terrace import sandbox

        return dict(sandbox.environment(self.url, self.account, self.region))

    def _session(self) -> Any:
        if self.url is None:
            import boto3

            return boto3.Session(region_name=self.region, profile_name=self.profile)
        from terrace import sandbox

        return sandbox.session(self.url, self.account, self.region)


def open_target(
    account: str | None,
    account_id: str,
    region: str,
    *,
    start: bool = True,
    say: Say = _silent,
    profile: str | None = None,
) -> Target:
    """Return the target of an environment; start the sandbox when it is the target and does not run.

    Args:
        account: The account id that the settings name, None when they name none and the target is the sandbox.
        account_id: The account id that names and policies use: `account`, or the made-up one of the sandbox.
        region: AWS region.
        start: Start the sandbox where needed. Otherwise a sandbox that does not run is refused.
        say: Told, in a sentence, that the sandbox was started.
        profile: AWS profile whose credentials are used; None takes those at hand. The sandbox needs none.

    Raises:
        TerraceError: The credentials at hand belong to another account, or there are none.
        SandboxError: The sandbox does not run and was not to be started, or cannot be.
    """
    if account is None:
        return _sandbox(account_id, region, start=start, say=say)
    target = Target("aws", account_id, region, profile=profile)
    _compare_account(target)
    return target


def load_sandbox(home: Path) -> Sandbox:
    """Return the sandbox that lives in a folder.

    Raises:
        MissingExtraError: The packages of the extra `sandbox` are not installed.
    """
    missing = [name for name in ("moto", "flask_cors", "regex", "psutil") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"The sandbox needs packages that are not installed: {', '.join(missing)}.",
            "Install them with: pip install 'terrace-mlops[sandbox]'",
        )
    from terrace.sandbox import Sandbox

    return Sandbox(home)


def _sandbox(account: str, region: str, *, start: bool, say: Say) -> Target:
    sandbox = load_sandbox(paths.home())
    running = sandbox.running()
    if running is None:
        if not start:
            raise SandboxError("The sandbox does not run.", "Start it with: terrace sandbox start")
        running = sandbox.start()
        say(f"started the sandbox at {running.url}")
    return Target("sandbox", account, region, running.url, running.incarnation)


def _compare_account(target: Target) -> None:
    """Refuse credentials of another account before anything is written with them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = target.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise TerraceError(
            f"There are no usable AWS credentials for account {target.account}: {error}",
            "Sign in (for example with `aws sso login`), or remove terrace:account to use the sandbox.",
        ) from error
    if found != target.account:
        raise TerraceError(
            f"The AWS credentials at hand are of account {found}, but the settings say {target.account}.",
            "Use credentials of that account; nothing was changed.",
        )
