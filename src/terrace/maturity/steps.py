"""Names of steps that mean something outside of their pipeline: to alarms, and to whoever reads a run."""

UNPUBLISHED = "Unpublished"
"""The one step of a pipeline that no project has published its own definition to yet; it does nothing."""
REFUSED = "Refused"
"""The step with which a project's gate ends a run whose model is not good enough."""
