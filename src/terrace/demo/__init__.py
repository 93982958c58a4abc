"""`terrace demo`: the whole story, told by running it."""

from terrace.demo.story import Story

__all__ = ["Story"]
