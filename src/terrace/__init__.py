"""Terrace: an AWS MLOps stack sized to a maturity level, and the model repositories that live on it."""

__version__ = "0.1.0"
