"""The bus between the rooms of the sandbox."""

from __future__ import annotations

import logging

import pytest

from terrace.sandbox.bus import Bus, Happening


def test_happenings_are_passed_on_in_order_though_a_listener_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A listener's mistake is logged, and neither the others nor the next happening miss anything."""
    bus, heard = Bus(), []

    def fails(happening: Happening) -> None:
        raise RuntimeError("a mistake")

    bus.subscribe(fails)
    bus.subscribe(lambda happening: heard.append(happening.detail["n"]))
    with caplog.at_level(logging.ERROR):
        for n in range(100):
            bus.publish(Happening("111122223333", "eu-central-1", "aws.sagemaker", "Something", {"n": n}))
        assert bus.settle()
    assert heard == list(range(100))
    assert "a mistake" in caplog.text
