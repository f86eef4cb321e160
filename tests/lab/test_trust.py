"""``kvmtui trust`` on hosts that show another key than the known one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.product import Product, until


@pytest.fixture
def product(lab: Cluster) -> Iterator[Product]:
    """A worker over all hosts; what it was told to trust is forgotten in the end."""
    made = Product(lab)
    try:
        yield made
    finally:
        made.stop()
        (Path(lab.seat.environment()["XDG_STATE_HOME"]) / "kvmtui" / "known_hosts").unlink(missing_ok=True)


def fingerprint(key: str) -> str:
    """The fingerprint of "TYPE BASE64", as ssh-keygen -l shows it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def test_only_the_key_that_was_named_is_added(lab: Cluster, product: Product) -> None:
    """Nobody to ask: refused. Another fingerprint: refused. The right one: added, and the host comes up by itself."""
    lab.host(1).rekey()
    until(lambda: product.host(1)["link"] == "needs you", 30)
    right = fingerprint(lab.host(1).public_key())
    asked = product.run("trust", "kvm1")
    assert (asked.returncode, right in asked.stdout, "nobody can be asked" in asked.stderr) == (3, True, True)
    assert "CHANGED" in asked.stdout
    other = product.run("trust", "kvm1", "--fingerprint", fingerprint(lab.host(2).public_key()))
    assert (other.returncode, f"it shows {right}" in other.stderr) == (3, True)
    assert product.host(1)["link"] == "needs you"
    named = product.run("trust", "kvm1", "--fingerprint", right)
    assert named.returncode == 0, named.stderr
    until(lambda: product.host(1)["link"] == "up", 30)


def test_a_key_that_is_known_asks_nothing(lab: Cluster, product: Product) -> None:
    done = product.run("trust", "kvm2")
    assert (done.returncode, fingerprint(lab.host(2).public_key()) in done.stdout) == (0, True)
    assert product.run("trust", "kvm9").returncode == 2


def test_a_host_of_no_config_can_be_trusted_too(lab: Cluster, product: Product) -> None:
    """What is added counts for every config of the user: the key of a host that was only typed as well."""
    lab.host(3).rekey()
    key = fingerprint(lab.host(3).public_key())
    done = lab.seat.kvmtui("trust", "root@kvm3", "--fingerprint", key)
    assert done.returncode == 0, done.stderr
    assert lab.seat.kvmtui("-c", "root@kvm3", "worker", "stop", "--force").returncode == 0
    until(lambda: product.host(3)["link"] == "up", 30)
