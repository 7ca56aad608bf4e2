"""Whether a port of this machine can be listened on, asked before anything is started that will want it."""

import errno
import socket

from oof_pipelines.settings import SettingsError

HOST = "127.0.0.1"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def check_port(setting: str, port: int) -> None:
    """Raise `SettingsError`, one line that begins with `setting`, where `port` is taken or not for us to have."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still winding up is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = "is taken by another program"
            elif error.errno == errno.EACCES:
                reason = "is for the system's own programs; take one from 1024 on"
            else:
                reason = f"cannot be listened on ({error.strerror})"
            raise SettingsError(f"{setting}: port {port} {reason}") from None
