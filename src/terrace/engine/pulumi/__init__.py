"""Pulumi's own engine, driven through its Automation API: any backend, any secrets provider, either target.

`terrace.engine.pulumi.engine` has it; this door imports nothing, so that asking where Pulumi is costs nothing.
"""
