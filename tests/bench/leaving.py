"""How soon console, then worker, are gone when eight hosts accept without ever answering."""

from __future__ import annotations

import os
import socket
import time

from tests.bench.figure import Figure
from tests.bench.session import Session

HOSTS = 8


def figures() -> list[Figure]:
    """Measure with eight listeners on loopback that never say a word."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(HOSTS)]
    lines = ["hosts:"]
    for number, listener in enumerate(listeners):
        port = listener.getsockname()[1]
        lines += [f"  - name: hung{number}", f"    uri: qemu+ssh://root@127.0.0.1:{port}/system"]
    with Session([]) as session:
        config = session.home / "config.yaml"
        config.write_text("\n".join(lines) + "\n")
        session.env["KVMTUI_CONFIG"] = str(config)
        with session.console() as terminal:
            terminal.wait_for("hung7", 10)
            terminal.drain(1, 3)
            began = time.monotonic()
            os.write(terminal.fd, b"q")
            while not os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                terminal.drain(0.01, 0.01)
                if time.monotonic() - began > 10:
                    break
            console = time.monotonic() - began
        worker = session.stop()
    for listener in listeners:
        listener.close()
    return [
        Figure("console left with 8 hung hosts", f"{console:.2f} s", "", "≤ 1 s", console <= 1),
        Figure("worker stopped with 8 hung hosts", f"{worker:.2f} s", "", "≤ 1 s", worker <= 1),
    ]
