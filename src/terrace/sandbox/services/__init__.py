"""What moto's services lack, added to moto's own backends. One file a service or a kind of gap."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.room import Server


class Services:
    """The room that mends and extends moto. It runs nothing: its state is moto's and goes with it."""

    name = "services"

    def install(self, server: Server) -> None:
        """Install every module of this package. Before the server starts."""
        from terrace.sandbox.services import (
            bucket_policies,
            budgets,
            codeartifact,
            costexplorer,
            iam_simulation,
            kept,
            kept_alerts,
            kept_identity,
            kept_keys,
            kept_network,
            kept_queues,
            kept_storage,
            large_objects,
            sagemaker_registry,
            sagemaker_studio,
            secrets,
        )

        for module in (kept, kept_alerts, kept_identity, kept_keys, kept_network, kept_storage, budgets, costexplorer):
            module.install()
        for module in (
            kept_queues,
            bucket_policies,
            iam_simulation,
            large_objects,
            sagemaker_registry,
            sagemaker_studio,
            secrets,
        ):
            module.install()
        self._codeartifact = codeartifact.CodeArtifact()
        server.services["codeartifact"] = self._codeartifact.service()

    def status(self) -> Any:
        """Return what is accepted and not enforced."""
        from terrace.sandbox.services.bucket_policies import NOT_ENFORCED

        return [NOT_ENFORCED, "identity policies are stored and not enforced"]

    def reset(self) -> None:
        """Forget what is not in moto's backends, which forget by themselves."""
        self._codeartifact.reset()

    def stop(self) -> None:
        """Do nothing."""
