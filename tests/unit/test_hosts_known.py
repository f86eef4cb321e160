"""known_hosts files: what is known of a host, by OpenSSH's own rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmtui.hosts.host_keys import KnownHosts, Verdict, matches, parse
from kvmtui.hosts.ssh_config import Target

KEY = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
OTHER = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
ECDSA = asyncssh.generate_private_key("ecdsa-sha2-nistp256").convert_to_public()


def line(name: str, key: asyncssh.SSHKey = KEY) -> str:
    return f"{name} {key.export_public_key('openssh').decode().strip()} a comment\n"


def target(host: str = "kvm1", port: int = 22, **fields: object) -> Target:
    return Target(alias=host, host=host, port=port, user="root", **fields)  # type: ignore[arg-type]


def verdict(tmp_path: Path, text: str, asked: Target, key: asyncssh.SSHKey = KEY) -> Verdict:
    file = tmp_path / "known_hosts"
    file.write_text(text)
    return KnownHosts(file).find(asked).judge(key)[0]


def hashed(tmp_path: Path, name: str) -> str:
    """A line as `ssh-keygen -H` hashes it."""
    file = tmp_path / "to_hash"
    file.write_text(line(name))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True, timeout=10)
    return file.read_text()


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("", target(), Verdict.UNKNOWN),
        (line("kvm1"), target(), Verdict.KNOWN),
        (line("kvm1"), target("KVM1"), Verdict.KNOWN),
        (line("kvm2,kvm1,10.0.0.1"), target(), Verdict.KNOWN),
        (line("kvm*"), target(), Verdict.KNOWN),
        (line("kvm?,!kvm1"), target(), Verdict.UNKNOWN),
        (line("kvm1.example.com"), target(), Verdict.UNKNOWN),
        (line("kvm1", OTHER), target(), Verdict.CHANGED),
        (line("kvm1", ECDSA), target(), Verdict.CHANGED),
        (line("kvm1", OTHER) + line("kvm1"), target(), Verdict.KNOWN),
        (line("@revoked kvm1") + line("kvm1"), target(), Verdict.REVOKED),
        (line("@cert-authority kvm1"), target(), Verdict.UNKNOWN),
        (line("[kvm1]:2222"), target(port=2222), Verdict.KNOWN),
        (line("[kvm1]:2222"), target(), Verdict.UNKNOWN),
        (line("kvm1"), target(port=2222), Verdict.KNOWN),
        (line("kvm1", OTHER), target(port=2222), Verdict.UNKNOWN),
        (line("kvm1") + line("[kvm1]:2222", OTHER), target(port=2222), Verdict.CHANGED),
        (line("alias"), target(port=2222, host_key_alias="alias"), Verdict.KNOWN),
        (line("kvm1"), target(host_key_alias="alias"), Verdict.UNKNOWN),
        ("kvm1 ssh-ed25519 notakey\n" + line("kvm1"), target(), Verdict.KNOWN),
        ("# " + line("kvm1"), target(), Verdict.UNKNOWN),
        (line("@strange kvm1"), target(), Verdict.UNKNOWN),
    ],
)
def test_verdicts(tmp_path: Path, text: str, asked: Target, expected: Verdict) -> None:
    """Known, unknown, changed or revoked, as ssh itself would say."""
    assert verdict(tmp_path, text, asked) is expected


@pytest.mark.parametrize(("name", "port"), [("kvm1", 22), ("kvm1", 2222), ("2001:db8::1", 22)])
def test_hashed_names(tmp_path: Path, name: str, port: int) -> None:
    """A name that ssh-keygen has hashed is found, and no other one."""
    asked = target(name, port)
    text = hashed(tmp_path, asked.known_as)
    assert "kvm1" not in text
    assert verdict(tmp_path, text, asked) is Verdict.KNOWN
    assert verdict(tmp_path, text, target("kvm2", port)) is Verdict.UNKNOWN


def test_all_files_count_and_none_switches_anything_off(tmp_path: Path) -> None:
    """Our own file, the user's, the machine's; a file named for the host is read instead of the user's."""
    own, user, machine, named = (tmp_path / name for name in ("own", "user", "machine", "named"))
    for file, name in ((own, "a"), (user, "b"), (machine, "c"), (named, "d")):
        file.write_text(line(name))
    known = KnownHosts(own)

    def found(name: str, configured: str = "") -> bool:
        users = (str(user), "/dev/null", "none")
        asked = target(name, user_known_hosts=users, global_known_hosts=(str(machine),))
        return bool(known.find(asked, configured).keys)

    assert [found(name) for name in "abcd"] == [True, True, True, False]
    assert [found(name, str(named)) for name in "abcd"] == [True, False, True, True]


def test_a_shown_key_can_be_trusted(tmp_path: Path) -> None:
    """It is written to our own file, private to us, in place of that host's old keys; ssh reads it too."""
    own = tmp_path / "deep" / "known_hosts"
    known = KnownHosts(own)
    asked = target("kvm1", 2222)
    with pytest.raises(KeyError):
        known.trust("kvm1", 2222, KEY.get_fingerprint())
    for key in (OTHER, KEY):
        known.show(asked, key)
        known.trust("kvm1", 2222, key.get_fingerprint())
        assert known.find(asked).judge(key)[0] is Verdict.KNOWN
    assert known.find(asked).judge(OTHER) == (Verdict.CHANGED, f"{own}:1")
    assert (own.stat().st_mode & 0o777, own.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = subprocess.run(["ssh-keygen", "-F", "[kvm1]:2222", "-f", own], capture_output=True, timeout=10, check=True)
    assert KEY.export_public_key("openssh").split()[1] in found.stdout
    other = target("kvm2")
    known.show(other, OTHER)
    known.trust("kvm2", 22, OTHER.get_fingerprint())
    assert known.find(asked).judge(KEY)[0] is Verdict.KNOWN


NEAR_MISSES = st.lists(
    st.sampled_from(["|1|", "|", "YWJj", "=", "*", "!", ",", "kvm1", "@revoked", " ", "ssh-rsa", "\n"])
)


@given(st.one_of(st.text(max_size=200), NEAR_MISSES.map("".join)), st.text(max_size=20))
def test_junk_is_passed_over(text: str, name: str) -> None:
    """Whatever stands in a file, reading it and looking a name up never fails."""
    for entry in parse(text, "f"):
        matches(entry.patterns, name)
        entry.key()
