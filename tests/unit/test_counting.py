"""What libvirt's typed parameters become."""

from __future__ import annotations

from typing import Any

import libvirt
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts import reasons
from kvmtui.hosts.counting import counters
from kvmtui.model.vm import VmState

RUNNING = {"state.state": libvirt.VIR_DOMAIN_RUNNING, "state.reason": libvirt.VIR_DOMAIN_RUNNING_BOOTED}
NUMBER = st.integers(0, 2**63 - 1)
DISK = st.fixed_dictionaries(
    dict.fromkeys(("rd.bytes", "wr.bytes", "rd.reqs", "wr.reqs", "rd.times", "wr.times"), NUMBER),
    optional={"fl.reqs": NUMBER, "fl.times": NUMBER},
)
NIC = st.fixed_dictionaries({"rx.bytes": NUMBER, "tx.bytes": NUMBER})


def params(group: str, items: list[dict[str, int]]) -> dict[str, Any]:
    named = {f"{group}.{n}.{key}": value for n, item in enumerate(items) for key, value in item.items()}
    return {f"{group}.count": len(items), **named, **{f"{group}.{n}.name": "x" for n in range(len(items))}}


@given(st.lists(DISK, max_size=40), st.lists(NIC, max_size=40), st.lists(NUMBER, max_size=300))
def test_disks_nics_and_vcpus_are_summed(
    disks: list[dict[str, int]], nics: list[dict[str, int]], delays: list[int]
) -> None:
    """However many there are; a disk that tells nothing of flushes counts without them."""
    vcpus = {f"vcpu.{n}.delay": delay for n, delay in enumerate(delays)}
    stats = {**RUNNING, **params("block", disks), **params("net", nics), **vcpus, "vcpu.maximum": len(delays)}
    found = counters("u", stats)

    def total(items: list[dict[str, int]], *keys: str) -> int:
        return sum(item.get(key, 0) for item in items for key in keys)

    assert found.read_bytes == total(disks, "rd.bytes")
    assert found.write_bytes == total(disks, "wr.bytes")
    assert found.requests == total(disks, "rd.reqs", "wr.reqs", "fl.reqs")
    assert found.request_ns == total(disks, "rd.times", "wr.times", "fl.times")
    assert found.rx_bytes == total(nics, "rx.bytes")
    assert found.tx_bytes == total(nics, "tx.bytes")
    assert found.delay_ns == (sum(delays) if delays else None)


def test_what_libvirt_does_not_say_is_none() -> None:
    """A busy monitor leaves groups out, or names disks without figures: that is no zero."""
    assert counters("u", RUNNING) == counters(
        "u", {**RUNNING, "block.count": 2, "block.0.name": "vda"} | {"net.count": 1}
    )
    found = counters("u", RUNNING)
    assert (found.state, found.reason) == (VmState.RUNNING, "booted")
    figures = {
        name: getattr(found, name) for name in found.__struct_fields__ if name not in {"uuid", "state", "reason"}
    }
    assert set(figures.values()) == {None}
    silent = counters("u", {**RUNNING, **params("block", [{"rd.bytes": 5, "wr.bytes": 7}, {}])})
    assert (silent.read_bytes, silent.write_bytes) == (5, 7)


def test_memory_is_bytes_and_a_guest_that_never_reported_says_so() -> None:
    """Balloon figures come in KiB; last-update 0 means never."""
    balloon = {"balloon.maximum": 1024, "balloon.available": 1000, "balloon.usable": 500, "balloon.last-update": 0}
    found = counters("u", {**RUNNING, **balloon})
    assert (found.mem_max_bytes, found.mem_available_bytes, found.mem_usable_bytes) == (1 << 20, 1_024_000, 512_000)
    assert found.mem_reported is None


@given(st.dictionaries(st.sampled_from(["block.count", "net.count", "vcpu.maximum"]), st.integers(-5, 2**31)))
def test_absurd_counts_cost_nothing(absurd: dict[str, int]) -> None:
    """A host that claims two billion disks is not believed."""
    assert counters("u", {**RUNNING, **absurd}).state is VmState.RUNNING


def test_every_reason_the_binding_knows_has_words() -> None:
    """A state or reason that libvirt adds shows here, not as a blank in the table; LAST is its end mark."""
    for prefix, state in (
        ("RUNNING", libvirt.VIR_DOMAIN_RUNNING),
        ("PAUSED", libvirt.VIR_DOMAIN_PAUSED),
        ("SHUTOFF", libvirt.VIR_DOMAIN_SHUTOFF),
        ("CRASHED", libvirt.VIR_DOMAIN_CRASHED),
    ):
        names = [name for name in dir(libvirt) if name.startswith(f"VIR_DOMAIN_{prefix}_")]
        for name in names:
            number = getattr(libvirt, name)
            unknown = name.endswith("_UNKNOWN")
            assert (reasons.reason(state, number) == "") is unknown, name
    for number, (kind, details, _) in reasons.LIFECYCLE.items():
        event = next(n for n in dir(libvirt) if n.startswith("VIR_DOMAIN_EVENT_") and n.count("_") == 3
                     and getattr(libvirt, n) == number and not n.startswith("VIR_DOMAIN_EVENT_ID"))  # fmt: skip
        known = [n for n in dir(libvirt) if n.startswith(f"{event}_")]
        assert len(details) >= len(known), kind
    assert reasons.reason(libvirt.VIR_DOMAIN_PAUSED, 9_999) == ""
    assert reasons.lifecycle(9_999, 0) == ("changed", "", None)
