"""URIs as users write them: what is understood, what is refused, with which remedy."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvmtui.errors import UsageError
from kvmtui.hosts import libvirt_conf
from kvmtui.hosts.uri import HostUri, check_host, check_user, format_uri, parse

SSH = HostUri(driver="qemu", transport="ssh", host="kvm1", scope="system")
UNIX = HostUri(driver="qemu", transport="unix", scope="system")


def ssh(**fields: str | int) -> HostUri:
    return dataclasses.replace(SSH, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("qemu:///system", UNIX),
        ("QEMU:///session", dataclasses.replace(UNIX, scope="session")),
        ("qemu+unix:///system?socket=/run/x%20y.sock", dataclasses.replace(UNIX, socket="/run/x y.sock")),
        ("qemu+unix:///system?mode=direct;socket=/s", dataclasses.replace(UNIX, mode="direct", socket="/s")),
        ("qemu+ssh://kvm1/system", SSH),
        ("qemu+ssh://root@kvm1:2222/system", ssh(user="root", port=2222)),
        ("qemu+ssh://ad%40corp@kvm1/session", ssh(user="ad@corp", scope="session")),
        ("qemu+ssh://[2001:db8::1]:22/system", ssh(host="2001:db8::1", port=22)),
        ("qemu+ssh://[fe80::1%25eth0]/system", ssh(host="fe80::1%eth0")),
        ("qemu+ssh://kvm1/system?keyfile=~/.ssh/k&no_tty=1&no_sanity=1", ssh(keyfile="~/.ssh/k")),
        ("qemu+ssh://kvm1/system?known_hosts=/k&netcat=/bin/nc", ssh(known_hosts="/k", netcat="/bin/nc")),
        ("qemu+ssh://kvm1/system?no_verify=0&known_hosts_verify=normal", SSH),
        ("test:///default", HostUri(driver="test", transport="test", path="default")),
        ("test:///a%20b/fleet.xml", HostUri(driver="test", transport="test", path="/a b/fleet.xml")),
    ],
)  # fmt: skip
def test_understood(text: str, meant: HostUri) -> None:
    """Libvirt's own syntax means here what it means there."""
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "URI"),
        ("kvm1", "qemu+ssh://root@HOST/system"),
        ("qemu+tls://kvm1/system", "TLS"),
        ("qemu://kvm1/system", "TLS"),
        ("qemu+tcp://kvm1/system", "TCP"),
        ("qemu+libssh2://kvm1/system", "SSH itself"),
        ("qemu+libssh://kvm1/system", "SSH itself"),
        ("qemu+ext://kvm1/system?command=x", "external"),
        ("qemu+quic://kvm1/system", "quic"),
        ("xen:///system", "driver"),
        ("lxc+ssh://kvm1/system", "driver"),
        ("test+unix:///default", "test driver"),
        ("test:///", "path"),
        ("qemu+ssh://kvm1", "path"),
        ("qemu+ssh://kvm1/", "path"),
        ("qemu+ssh://kvm1/embed", "path"),
        ("qemu+ssh:///system", "host"),
        ("qemu+unix://kvm1/system", "no host"),
        ("qemu+ssh://root:secret@kvm1/system", "password"),
        ("qemu+ssh://kvm1:0/system", "port"),
        ("qemu+ssh://kvm1:65536/system", "port"),
        ("qemu+ssh://kvm1:/system", "port"),
        ("qemu+ssh://2001:db8::1/system", "brackets"),
        ("qemu+ssh://[kvm1]/system", "brackets"),
        ("qemu+ssh://[::1/system", "brackets"),
        ("qemu+ssh://-oProxyCommand=x/system", "host name"),
        ("qemu+ssh://$(id)/system", "host name"),
        ("qemu+ssh://-l@kvm1/system", "user name"),
        ("qemu+ssh://kvm1/system?no_verify=1", "kvmtui trust"),
        ("qemu+ssh://kvm1/system?known_hosts_verify=ignore", "kvmtui trust"),
        ("qemu+ssh://kvm1/system?known_hosts_verify=auto", "kvmtui trust"),
        ("qemu+ssh://kvm1/system?command=/bin/x", "ProxyCommand"),
        ("qemu+ssh://kvm1/system?socket=libvirt-sock", "absolute"),
        ("qemu+ssh://kvm1/system?socket=/a&socket=/b", "twice"),
        ("qemu+ssh://kvm1/system?netcat=nc%20-e", "program"),
        ("qemu+ssh://kvm1/system?mode=fast", "auto, legacy, direct"),
        ("qemu+ssh://kvm1/system?pkipath=/x", "known here"),
        ("qemu:///system?keyfile=/k", "qemu+ssh"),
        ("qemu+ssh://kvm1/system#x", "fragment"),
        ("qemu+ssh://kvm1/system?socket=/a%00b", "control character"),
        ("qemu+ssh://kvm1/system?socket=/a%ffb", "UTF-8"),
        ("qemu+ssh://kv m1/system", "space"),
        ("qemu+ssh://kvm1/" + "x" * 5_000, "too long"),
    ],
)
def test_refused(text: str, word: str) -> None:
    """What cannot be is refused with its reason and a remedy."""
    with pytest.raises(UsageError) as refusal:
        parse(text)
    assert word in str(refusal.value)
    assert refusal.value.remedy


PIECES = st.lists(
    st.sampled_from(
        ["qemu", "test", "+ssh", "+unix", "://", "/", "root", "@", "kvm1", ":", "22", "[", "]", "::1", "system",
         "session", "?", "&", ";", "=", "socket", "keyfile", "no_verify", "mode", "direct",
         "%20", "%", "%ff", "#", "-", "é", "\n"]
    ),
    max_size=16,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=80), PIECES))
@example("qemu+ssh://[::ffff:1.2.3.4%25]/system")
def test_nothing_else_is_ever_raised(text: str) -> None:
    """Any string at all is either understood, or refused as a usage error; what is understood survives a round trip."""
    try:
        meant = parse(text)
    except UsageError:
        return
    assert parse(format_uri(meant)) == meant
    assert not meant.host or check_host(meant.host)


@given(
    st.builds(
        HostUri,
        driver=st.just("qemu"),
        transport=st.just("ssh"),
        scope=st.sampled_from(["system", "session"]),
        user=st.one_of(st.just(""), st.text(max_size=20).filter(check_user)),
        host=st.one_of(st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True), st.ip_addresses(v=6).map(str)),
        port=st.integers(0, 65_535),
        socket=st.one_of(st.just(""), st.text(max_size=20).filter(str.isprintable).map("/{}".format)),
        keyfile=st.one_of(st.just(""), st.text(max_size=20).filter(str.isprintable).map("~/{}".format)),
        mode=st.sampled_from(["", "auto", "legacy", "direct"]),
        proxy=st.sampled_from(["", "auto", "netcat", "native"]),
    )
)
def test_written_uris_are_read_back(uri: HostUri) -> None:
    """Whatever stands in a host's URI, its text means the same."""
    assert parse(format_uri(uri)) == uri


@pytest.mark.parametrize("name", ["-x", "a b", "a;b", "a'b", "a$b", "a|b", "", "a\n", "x" * 300, "a\\", "::1%;id"])
def test_names_that_a_shell_would_take_apart_are_none(name: str) -> None:
    """Neither a host nor a user can be called what a shell or an option parser would understand differently."""
    assert not check_host(name)
    assert not check_user(name) or name == "::1%;id"


def test_aliases_of_libvirts_client() -> None:
    """uri_aliases is read as libvirt's client reads it, whatever else stands in the file."""
    text = """
    # comment
    uri_default = 'qemu:///system'
    x = 3
    uri_aliases = [ "hail=qemu+ssh://root@hail.example.com/system", # one
      'sleet=qemu+ssh://sleet/system?keyfile=/k',
      "broken", ]
    """
    assert libvirt_conf.parse(text) == {
        "hail": "qemu+ssh://root@hail.example.com/system",
        "sleet": "qemu+ssh://sleet/system?keyfile=/k",
    }


CONF = st.lists(st.sampled_from(["uri_aliases", "=", "[", "]", '"a=b"', ",", "#", "\n", "'", '"""', "1"])).map("".join)


@given(st.one_of(st.text(max_size=80), CONF))
def test_junk_holds_no_aliases(text: str) -> None:
    """Any text is read to its end, or to where it makes no sense."""
    assert all(name and uri for name, uri in libvirt_conf.parse(text).items())
