"""What is known of each connection of a gRPC server, until the connection is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import psutil

INTERVAL = 2.0
"""Seconds between two looks at which connections are still open, while anything is known of one."""

T = TypeVar("T")


class Peers(Generic[T]):
    """One thing for each peer, forgotten when it has hung up.

    gRPC tells a server of the end of calls, and of no connection's. Which are open is seen from this process's sockets,
    by a thread that lives as long as anything is kept.
    """

    def __init__(self) -> None:
        self._known: dict[str, T] = {}
        self._lock = threading.Lock()
        self._looks = False

    def __len__(self) -> int:
        return len(self._known)

    def get(self, peer: str) -> T | None:
        """Return what is kept for a peer, as gRPC names it: `ipv4:127.0.0.1:54321`."""
        return self._known.get(peer)

    def keep(self, peer: str, what: T) -> None:
        """Keep something for a peer, in the place of what was kept."""
        with self._lock:
            self._known[peer] = what
            self._look()

    def setdefault(self, peer: str, make: Callable[[], T]) -> T:
        """Return what is kept for a peer; make it if there is nothing."""
        with self._lock:
            if peer not in self._known:
                self._known[peer] = make()
                self._look()
            return self._known[peer]

    def _look(self) -> None:
        if not self._looks:
            self._looks = True
            threading.Thread(target=self._forget, name="peers", daemon=True).start()

    def _forget(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(INTERVAL)
            with self._lock:
                open_ports = _open()
                for peer in [peer for peer in self._known if _port(peer) not in open_ports]:
                    del self._known[peer]
                if not self._known:
                    self._looks = False
                    return


def _open() -> set[str]:
    """Return the remote ports of this process's open connections."""
    connections = psutil.Process().net_connections("tcp")
    return {str(one.raddr.port) for one in connections if one.raddr and one.status == psutil.CONN_ESTABLISHED}


def _port(peer: str) -> str:
    return peer.rpartition(":")[2]
