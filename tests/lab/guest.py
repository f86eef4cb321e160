"""One guest of the lab, as something to start, watch, get stuck."""

from __future__ import annotations

import json
import signal
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab.commands import LabError
from tests.lab.host import Host
from tests.lab.process import Process
from tests.lab.spec import GuestSpec, console_log, domain_xml, tiny_xml

BOOT_TIMEOUT_S = 60.0


class Guest:
    """A guest that is defined on `host`; after a migration set `host` to where it went."""

    def __init__(self, host: Host, name: str, guest_uuid: str) -> None:
        self.host = host
        self.name = name
        self.uuid = guest_uuid

    def __repr__(self) -> str:
        return f"Guest({self.name!r} on {self.host.name})"

    def start(self, *, wait: bool = True) -> Guest:
        """Power it on; with `wait` until it says that it is ready."""
        self.host.virsh("start", self.uuid)
        return self.await_ready() if wait else self

    def await_ready(self, timeout_s: float = BOOT_TIMEOUT_S) -> Guest:
        """Wait until its kernel is up and its agent started. Raises LabError with its console when it is not."""
        self.await_console("guest ready", timeout_s)
        return self

    def await_console(self, text: str, timeout_s: float = 30.0) -> None:
        """Wait until it has written `text` to its serial port since its last start. Raises LabError if it does not."""
        end = time.monotonic() + timeout_s
        while text not in (said := self.console()):
            if time.monotonic() >= end:
                raise LabError(f"{self.name} did not say {text!r} in {timeout_s:g} s: {said[-500:]!r}")
            time.sleep(0.05)

    def console(self) -> str:
        """What it wrote to its serial port since its last start."""
        try:
            return self.host.path(console_log(self.uuid)).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def state(self) -> str:
        """Its state with the reason, as virsh words them: `running (booted)`; empty where it is not known."""
        return self.host.virsh("domstate", self.uuid, "--reason", check=False).strip()

    def await_state(self, state: str, timeout_s: float = 30.0) -> None:
        """Wait until `state()` begins with `state`. Raises LabError if it does not."""
        end = time.monotonic() + timeout_s
        while not (now := self.state()).startswith(state):
            if time.monotonic() >= end:
                raise LabError(f"{self.name} is {now!r} after {timeout_s:g} s, not {state!r}")
            time.sleep(0.05)

    def agent(self, command: str) -> object:
        """Ask the guest's agent; gives what it returned. Raises LabError when no agent answers."""
        answer = self.host.virsh("qemu-agent-command", self.uuid, json.dumps({"execute": command}), "--timeout", "5")
        returned: object = json.loads(answer)["return"]
        return returned

    def destroy(self) -> None:
        """Force it off."""
        self.host.virsh("destroy", self.uuid)

    def remove(self) -> None:
        """Leave nothing of it on its host, whatever state it is in."""
        self.host.virsh("destroy", self.uuid, check=False)
        kinds = ("--managed-save", "--snapshots-metadata", "--checkpoints-metadata")
        self.host.virsh("undefine", self.uuid, *kinds, check=False)

    def qemu(self) -> Process:
        """Its QEMU. Raises LabError when it does not run."""
        for process in self.host.processes("qemu-system-x86"):
            if self.uuid in process.command_line():
                return process
        raise LabError(f"{self.name} does not run on {self.host.name}")

    def stick(self) -> None:
        """Stop its QEMU where it is: libvirt still calls it running, and its monitor answers nothing."""
        self.qemu().signal(signal.SIGSTOP)

    def unstick(self) -> None:
        """Let its QEMU go on."""
        self.qemu().signal(signal.SIGCONT)


def define(host: Host, spec: GuestSpec) -> Guest:
    """Define a guest; it is off."""
    _put(host, "define", [domain_xml(spec)])
    return Guest(host, spec.name, spec.uuid)


def define_xml(host: Host, name: str, guest_uuid: str, xml: str) -> Guest:
    """Define a guest from XML of the caller's own."""
    _put(host, "define", [xml])
    return Guest(host, name, guest_uuid)


def create_tiny(host: Host, count: int, prefix: str = "tiny", *, off: bool = False) -> list[Guest]:
    """Create `count` paused transient guests of 16 MiB: a QEMU each with a monitor, and nothing that runs in it.

    With `off` they are defined instead, and have no QEMU yet.
    """
    names = [f"{prefix}-{number:02d}" for number in range(count)]
    guests = [Guest(host, name, str(uuid.uuid4())) for name in names]
    texts = [tiny_xml(guest.name, guest.uuid) for guest in guests]
    with ThreadPoolExecutor(2) as pool:
        verb = "define" if off else "create --paused"
        list(pool.map(lambda part: _put(host, verb, part), (texts[::2], texts[1::2])))
    return guests


def _put(host: Host, verb: str, texts: list[str]) -> None:
    if not texts:
        return
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        files = [Path(folder) / f"{number}.xml" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        host.virsh("; ".join(f"{verb} {file}" for file in files), timeout_s=60 + 2 * len(texts))
