"""Ports on loopback: free ones, remembered, so that an address stays the same from run to run."""

import secrets
import socket
from typing import Final

from drawdown.localstack.directory import Directory

LOOPBACK: Final = "127.0.0.1"
# Below the ports that systems lend to clients: a client that keeps trying to reach a dead server on one of those may be
# lent that very port, connect to itself, and keep the server from coming back.
_OURS: Final = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: connections that were just closed are no reason to refuse the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free() -> int:
    """A port that nobody listens on now."""
    while not is_free(port := _OURS.start + secrets.randbelow(len(_OURS))):
        pass
    return port


def remembered(directory: Directory, name: str, *, wanted: int | None = None) -> int:
    """The port of that server: `wanted`, else the one of the last run, else any; another one where it is taken."""
    known = directory.read("ports.json")
    taken = {port for other, port in known.items() if other != name}
    port = wanted or known.get(name) or free()
    while port in taken or not is_free(port):
        port = free()
    if port != wanted:
        directory.write("ports.json", {**known, name: port})
    return int(port)
