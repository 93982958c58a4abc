"""AWS on this machine. This door is light: it imports neither moto nor boto3."""

from terrace.sandbox.client import environment, session
from terrace.sandbox.home import Running, Sandbox, SandboxStatus

__all__ = ["Running", "Sandbox", "SandboxStatus", "environment", "session"]
