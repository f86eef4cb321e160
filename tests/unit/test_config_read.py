"""What a config may say, how it is told what it may not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvmtui.config import Config, HostConfig, Limits, Periods, load
from kvmtui.config.made import quoted
from kvmtui.config.read import read
from kvmtui.errors import ConfigError
from kvmtui.yamltree.nodes import PROBLEMS_MAX

ROOT = Path(__file__).parent.parent.parent
HOST = "hosts:\n  - name: kvm1\n    uri: qemu:///system\n"


def problems(text: str | bytes, folder: Path = Path("/")) -> tuple[str, ...]:
    """The problems of a config that has some."""
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigError) as caught:
        read(raw, folder / "config.yaml")
    return caught.value.problems


def the_problem(text: str | bytes, folder: Path = Path("/")) -> str:
    (problem,) = problems(text, folder)
    return problem


def entry(line: str) -> str:
    """A config of one host with one more line, which is line 4."""
    return f"{HOST}    {line}\n"


def test_the_example_is_right_and_names_every_key() -> None:
    """config.example.yaml loads, and every key that a config may have stands in it."""
    example_file = ROOT / "config.example.yaml"
    assert load(example_file).name == "prod"
    said = set(re.findall(r"^[ -]*(\w+):", example_file.read_text(), re.MULTILINE))
    kinds: tuple[type[msgspec.Struct], ...] = (HostConfig, Limits, Periods, Config)
    keys = {name for kind in kinds for name in kind.__struct_fields__} | {"defaults", "start"}
    assert keys - {"path", "digest"} <= said


def test_what_is_not_said_has_its_default() -> None:
    config = read(HOST.encode(), Path("/x/fleet.yaml"))
    assert config == Config(
        name="fleet",
        hosts=(HostConfig(name="kvm1", uri="qemu:///system"),),
        path="/x/fleet.yaml",
        digest=config.digest,
    )
    assert read(HOST.encode() + b"# more\n", Path("/x/fleet.yaml")).digest != config.digest


def test_a_host_s_own_value_replaces_the_default(tmp_path: Path) -> None:
    """The same keys under defaults, where uri is a pattern; relative files start from the config's folder."""
    (tmp_path / "key").write_text("k")
    text = f"""{HOST}    tags: [a]
  - {{name: kvm2}}
defaults: {{uri: 'qemu+ssh://root@{{name}}/system', tags: [b, c], guard: careful, identity_file: key, jump: none}}
"""
    first, second = read(text.encode(), tmp_path / "c.yaml").hosts
    assert (first.uri, first.tags, first.guard) == ("qemu:///system", ("a",), "careful")
    assert (second.uri, second.tags, second.jump) == ("qemu+ssh://root@kvm2/system", ("b", "c"), "none")
    assert second.identity_file == str(tmp_path / "key")


@pytest.mark.parametrize(
    ("text", "line", "words", "remedy"),
    [
        (entry("tag: [a]"), 4, 'unknown key "tag"', "did you mean tags?"),
        (entry("zzz: 1"), 4, 'unknown key "zzz"', "keys here: name, uri,"),
        (entry("uri: qemu:///session"), 4, '"uri" stands on line 3 already', "keep one"),
        (
            f"{HOST}  - {{name: kvm1, uri: 'test:///default'}}",
            4,
            "host kvm1 stands on line 2 already",
            "name of its own",
        ),
        (f"{HOST}  - {{name: kvm2}}", 4, "host kvm2 has no uri", "qemu+ssh://root@kvm2/system"),
        (f"{HOST}  - {{uri: 'qemu:///system'}}", 4, "hosts[1] has no name", "add name:"),
        (f"{HOST}  - kvm2", 4, '"kvm2" where name and uri are wanted', "- name: NAME"),
        (f"{HOST}  - {{name: no, uri: 'qemu:///system'}}", 4, "no is false in YAML", 'quote it: "no"'),
        (
            f"{HOST}  - {{name: 22:22, uri: 'qemu:///system'}}",
            4,
            "22:22 is the number 1342 in YAML",
            'quote it: "22:22"',
        ),
        (f"{HOST}  - {{name: 010, uri: 'qemu:///system'}}", 4, "010 is the number 8 in YAML", 'quote it: "010"'),
        (f"{HOST}  - {{name: 2024-01-01, uri: 'qemu:///system'}}", 4, "is a date in YAML", "quote it"),
        (f"{HOST}  - {{name: 'a b', uri: 'qemu:///system'}}", 4, '"a b" cannot be a name', "letters, digits"),
        (f"{HOST}  - {{name: 'kvm\u202e', uri: 'qemu:///system'}}", 4, "cannot be a name", "letters, digits"),
        (f"{HOST}  - {{name: {'x' * 10_000}, uri: 'qemu:///system'}}", 4, "cannot be a name", "at most 63"),
        (f"{HOST}  - {{name: b, uri: 'qemu+tls://b/system'}}", 4, "TLS", "qemu+ssh://"),
        (f"{HOST}  - {{name: b, uri: 'qemu+ssh://b/system?no_verify=1'}}", 4, "no_verify", "kvmtui trust"),
        (f"{HOST}  - {{name: b, uri: [a]}}", 4, "a list where one text is wanted", "uri: TEXT"),
        (f"{HOST}  - {{name: b, uri: }}", 4, "uri is empty", "give a value"),
        (entry("identity_file: /nowhere/id"), 4, "/nowhere/id: No such file", "there is no /nowhere/id"),
        (entry("identity_file: ~nobody.at.all/id"), 4, "~nobody.at.all/id", "readable"),
        (entry("known_hosts: /dev/null"), 4, "not a file", "name a file"),
        (entry("jump: -oProxyCommand=x"), 4, "names no host to go through", "[user@]host[:port]"),
        (entry("tags: web"), 4, '"web" where a list is wanted', "tags: [ONE, TWO]"),
        (entry("tags: [yes]"), 4, "yes is true in YAML", 'quote it: "yes"'),
        (entry("tags: ['a b']"), 4, '"a b" cannot be a tag', "letters, digits"),
        (entry("guard: carefull"), 4, '"carefull" is no choice', "normal, careful, locked"),
        (entry("access: on"), 4, '"on" is no choice', "rw, ro"),
        (f"{HOST}defaults: {{name: x}}", 4, "a name is each host's own", "remove it"),
        (f"{HOST}guard: careful", 4, "where a block of keys is wanted", "indent its keys"),
        (f"{HOST}guard: {{start: readonly}}", 4, '"readonly" is no choice', "read-write, read-only"),
        (f"{HOST}audit: {{keep: 400}}", 4, '"400" is not a span of time from 7d to 36500d', "400d"),
        (f"{HOST}audit: {{keep: 1d}}", 4, '"1d" is not a span', "unit behind it"),
        (f"{HOST}audit: {{anchor_every: 0s}}", 4, "is not a span of time from 1s to 1d", "30s"),
        (f"{HOST}audit: {{anchor: dev/log}}", 4, '"dev/log" is no place', "/dev/log"),
        (f"{HOST}audit: {{anchors: /dev/log}}", 4, 'unknown key "anchors"', "did you mean anchor?"),
        (f"{HOST}guard: {{roles: []}}", 4, "an empty list where a list of roles is wanted", "- role: operator"),
        (f"{HOST}guard: {{roles: [ada]}}", 4, '"ada" where a role is wanted', "- role: operator"),
        (f"{HOST}guard: {{roles: [{{users: [ada]}}]}}", 4, "guard: roles[0] has no role", "viewer, operator, admin"),
        (f"{HOST}guard: {{roles: [{{role: admin}}]}}", 4, "guard: roles[0] is nobody's", "add users: [NAME]"),
        (f"{HOST}guard: {{roles: [{{role: root, users: [ada]}}]}}", 4, '"root" is no choice', "viewer, operator"),
        (f"{HOST}guard: {{roles: [{{role: admin, users: []}}]}}", 4, "users is empty", "remove the line"),
        (f"{HOST}guard: {{roles: [{{role: admin, users: [a], tags: }}]}}", 4, "tags is empty", "remove the line"),
        (f"{HOST}guard: {{roles: [{{role: admin, users: [a], tags: [a b]}}]}}", 4, "cannot be a tag", "letters"),
        (f"{HOST}guard: {{roles: [{{role: admin, users: [a], hosts: [kvm9]}}]}}", 4, 'no host "kvm9"', "under hosts:"),
        (f"{HOST}guard: {{roles: [{{role: admin, user: [a]}}]}}", 4, 'unknown key "user"', "did you mean users?"),
        (f"{HOST}limits: {{per_host: 0}}", 4, "0 is not a whole number from 1 to 8", "whole number"),
        (f"{HOST}limits: {{per_host: 1.5}}", 4, "1.5 is not a whole number", "whole number"),
        (f"{HOST}periods: {{state_s: 1:30}}", 4, "YAML takes it for the number 90", "plain digits"),
        (f"{HOST}periods: {{state_s: 2s}}", 4, '"2s" is not a number', "no unit"),
        (f"{HOST}periods: {{state_s: .nan}}", 4, '".nan" is not a number', "plain digits"),
        (f"{HOST}vm_tags: {{db: 'name~['}}", 4, "unterminated character set", "regular expression"),
        (f"{HOST}vm_tags: {{db: '^db'}}", 4, '"^db" is no rule', "name~^db-"),
        (f"{HOST}vm_tags: {{db: 'uuid~x'}}", 4, "is no rule", "host~"),
        (f"{HOST}demo: yes", 4, '"yes" where true or false is wanted', "without quotes"),
        (f"{HOST}demo: true", 2, "host kvm1 is real", "remove demo"),
        (f"{HOST}name: 1", 4, "1 is the number 1 in YAML", "quote it"),
        (f"{HOST}---\n{HOST}", 4, "a second document", "one document"),
        (f"{HOST}x: &a 1\ny: *a", 4, "anchors are not read", "write each value out"),
        (f"{HOST}  \tx", 4, "not YAML", "indentation"),
        ("hosts:\n\t- name: a", 2, "not YAML", "spaces, not tabs"),
        (f"{HOST}name: a: b", 4, "not YAML", "quote values"),
        (f"{HOST}? [a]\n: b", 4, "a key must be a word", "KEY: VALUE"),
        (f"{HOST}name: !!python/object:os.system x", 4, "YAML tags are not read", "remove the tag"),
        (f"{HOST}name: \x1b]52;c;x", 4, "control character U+001B", "remove it"),
        (HOST.encode() + b"name: \xff", 4, "byte 0xff is not UTF-8", "save the file as UTF-8"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_a_remedy(text: str | bytes, line: int, words: str, remedy: str) -> None:
    told = [problem for problem in problems(text) if problem.startswith(f"line {line}: ") and words in problem]
    assert len(told) == 1, problems(text)
    assert remedy in told[0].partition(" · ")[2]


def test_a_file_that_holds_nothing() -> None:
    assert "the file is empty" in the_problem("")
    assert "the file is empty" in the_problem("# nothing\n")
    assert the_problem("name: x\n").startswith("no hosts")
    assert "where keys are wanted" in the_problem("- a\n")
    assert "the list is empty" in the_problem("hosts: []\n")


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    told = problems(f"nam: x\n{HOST}    guard: x\n  - name: no\n    uri: qemu+tcp://h/system\ndemo: 3\n")
    assert [problem.partition(":")[0] for problem in told] == ["line 1", "line 5", "line 6", "line 7", "line 8"]


def test_an_entry_is_told_by_its_place_in_the_list_as_it_is_written() -> None:
    """Entries before it that are none count: the number must lead to it."""
    told = problems(f"{HOST}  - kvm2\n  - \n  - {{uri: 'qemu:///system'}}\n")
    assert [problem.split(" ")[2].rstrip(":") for problem in told] == ["hosts[1]", "hosts[2]", "hosts[3]"]


def test_of_very_many_problems_some_are_told_and_the_rest_counted() -> None:
    told = problems("hosts:\n" + "  - {nam: a}\n" * 1_000)
    assert len(told) == PROBLEMS_MAX + 1
    assert told[-1] == f"… and {3_000 - PROBLEMS_MAX} problems more"


def test_a_secret_in_a_uri_is_not_repeated() -> None:
    told = the_problem(f"{HOST}  - {{name: b, uri: 'qemu+ssh://root:hunter2@b/system'}}")
    assert "password" in told
    assert "hunter2" not in told


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="not a file"):
        load(tmp_path)


def test_ten_megabytes_of_junk_are_not_read(tmp_path: Path) -> None:
    """The size alone says that this is no config."""
    junk = tmp_path / "junk.yaml"
    with junk.open("wb") as file:
        file.truncate(10_000_000)
    with pytest.raises(ConfigError, match="10,000,000 bytes; at most 1,000,000"):
        load(junk)


def test_a_pipe_blocks_nothing(tmp_path: Path) -> None:
    """Neither as the config nor as a file that it names."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="not a file"):
        load(tmp_path / "pipe")
    assert "not a file" in the_problem(entry("identity_file: pipe"), tmp_path)


def test_the_public_half_of_a_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "id.pub").write_text("ssh-ed25519 AAAA")
    assert "public half" in the_problem(entry("identity_file: id.pub"), tmp_path)


def test_an_alias_bomb_is_refused_where_it_begins() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True))
    told = problems(bomb + HOST)
    assert any("anchors are not read" in problem for problem in told)


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[a: ", "!!str ["])
def test_depth_is_counted_not_followed(opening: str) -> None:
    """Fifty thousand levels end after a few, without recursion."""
    assert problems(HOST + "x: " + opening * 50_000)


WORDS = st.sampled_from(
    ["hosts", "name", "uri", "defaults", "tags", "guard", "no", "010", "22:22", "~", "<<", "qemu:///system", "*a", "&a",
     "{", "}", "[", "]", ":", ",", "\n", "  ", "? ", "- ", "!!int", "'", '"', "|", ">", "#", "\t", "---", "\0", "é"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@example(b"\xef\xbb\xbf" + HOST.encode())
def test_any_bytes_are_a_config_or_a_config_error(raw: bytes) -> None:
    _read_anything(raw)


@given(st.lists(WORDS, max_size=40))
def test_anything_like_a_config_is_one_or_a_config_error(words: list[str]) -> None:
    _read_anything("".join(words).encode())
    _read_anything((HOST + "".join(words)).encode())


def _read_anything(raw: bytes) -> None:
    told: tuple[str, ...] = ()
    try:
        assert read(raw, Path("/x/config.yaml")).hosts
    except ConfigError as error:
        told = error.problems
    assert len(told) <= PROBLEMS_MAX + 1
    assert all(problem.isprintable() and len(problem) < 1_000 for problem in told)


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9][\w.+/=@-]{0,62}", fullmatch=True)
HOSTS = st.builds(
    HostConfig,
    name=NAMES,
    uri=st.sampled_from(["qemu:///system", "qemu+ssh://root@h:22/system", "test:///default"]),
    jump=st.sampled_from(["", "none", "a", "root@a:22,b,[::1]:2222"]),
    tags=st.lists(TAGS, unique=True, max_size=4).map(tuple),
    guard=st.sampled_from(["normal", "careful", "locked"]),
    access=st.sampled_from(["rw", "ro"]),
)


@given(st.lists(HOSTS, min_size=1, max_size=5, unique_by=lambda host: host.name))
def test_what_is_written_quoted_is_read_as_it_was(hosts: list[HostConfig]) -> None:
    """Names like no, 1e3 or 22 pass, once they stand in quotes."""
    lines = ["hosts:"]
    for host in hosts:
        lines += [f"  - name: {quoted(host.name)}", f"    uri: {quoted(host.uri)}", f"    jump: {quoted(host.jump)}"]
        lines += [f"    tags: [{', '.join(map(quoted, host.tags))}]", f"    guard: {host.guard}"]
        lines += [f"    access: {host.access}"]
    assert list(read("\n".join(lines).encode(), Path("/c.yaml")).hosts) == hosts
