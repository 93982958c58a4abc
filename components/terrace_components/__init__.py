"""Terrace components for Pulumi."""
