"""The provider behind both engines in the sandbox: one handler a resource type, one file a service."""
