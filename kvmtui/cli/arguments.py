"""What was typed, turned into a command with its options."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import kvmtui
from kvmtui.cli import exits
from kvmtui.errors import UsageError
from kvmtui.text import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

SHARED = "config in /etc/kvmtui, state in /var/lib/kvmtui, socket /run/kvmtui/sock for members of the group kvmtui"
TIMEOUT_S = 10.0
TIMEOUT_MAX_S = 60.0
_VALUED = frozenset({"--config", "--socket", "-c", "--connect"})
"""Options before the command that take a value."""
_VALUED_DEMO = _VALUED | {"--hosts", "--vms"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"{self.prog} --help")


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    fleet = common.add_argument_group("which fleet")
    fleet.add_argument("-c", "--connect", action="append", default=[], metavar="HOST", help="a host or libvirt URI")
    fleet.add_argument("--config", type=Path, metavar="FILE", help="the config, instead of the one that is found")
    common.add_argument(
        "--socket", type=Path, metavar="PATH", help="where the worker listens, instead of its own place"
    )
    fleet.add_argument("--read-only", action="store_true", help="refuse everything that changes something")
    common.add_argument("--version", action="version", version=f"kvmtui {kvmtui.__version__}")
    return common


def _parser(words: str, about: str, **more: str) -> _Parser:
    return _Parser(
        prog=f"kvmtui {words}".strip(),
        description=about,
        parents=[_common()],
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **more,  # type: ignore[arg-type]
    )


def _seconds(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds") from None
    if not 0 <= value <= TIMEOUT_MAX_S:
        raise argparse.ArgumentTypeError(f"0 to {TIMEOUT_MAX_S:.0f} seconds")
    return value


def count(word: str) -> int:
    """Return a whole number. Raises ArgumentTypeError."""
    if not word.isascii() or not word.isdigit() or len(word) > 9:
        raise argparse.ArgumentTypeError(f"{word!r} is no count")
    return int(word)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    what = f"how long to wait for hosts, 0 to {TIMEOUT_MAX_S:.0f} s (default {TIMEOUT_S:.0f})"
    parser.add_argument("--timeout", type=_seconds, default=TIMEOUT_S, metavar="SECONDS", help=what)


def _ls() -> _Parser:
    usage = (
        "kvmtui ls hosts|vms|jobs|events|findings|audit [FILTER …] [-o table|json|csv] [--columns A,B]\n"
        "                 [--timeout SECONDS]\n"
        "       kvmtui ls steps job:ID [FILTER …]"
    )
    about = "List hosts, VMs, jobs, the steps of one, events that were seen, findings, or the newest of what was done."
    parser = _parser("ls", about, usage=usage, epilog=f"{FILTERS}\n{OF_EVENTS}")
    parser.add_argument("words", nargs="*", metavar="hosts|vms|jobs|steps|events|findings|audit FILTER")
    parser.add_argument("-o", "--output", choices=("table", "json", "csv"), default="table")
    what = "columns of a table or of CSV, by title or by their name in JSON: name,host,cpu%%,trouble"
    parser.add_argument("--columns", metavar="A,B", help=what)
    _add_timeout(parser)
    return parser


def _pair(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{word[:40]!r} is not NAME=VALUE")
    return name, value


def _do() -> _Parser:
    from kvmtui.actions import VERBS
    from kvmtui.cli.how import add_limits, add_order

    lines = []
    for verb in VERBS.values():
        lines.append(f"  {verb.id:<15}{verb.help}")
        lines += [f"{'':<17}--set {each.id}={each.example}: {each.help}" for each in verb.parameters]
    verbs = "\n".join(lines)
    usage = (
        "kvmtui do VERB FILTER … [--set NAME=VALUE] [--yes] [--expect N] [--rw] [--dry-run] [--wait]"
        " [-o table|json|jsonl] [--timeout SECONDS]"
    )
    parser = _parser("do", "Do something to VMs.", usage=usage, epilog=f"verbs:\n{verbs}\n\n{CONFIRMING}\n\n{FILTERS}")
    parser.add_argument("words", nargs="*", metavar="VERB FILTER")
    parser.add_argument("--all", action="store_true", help="every VM, instead of a filter")
    what = "what the verb needs, or may be given, beyond its VMs (below)"
    parser.add_argument("--set", action="append", type=_pair, default=[], dest="given", metavar="NAME=VALUE", help=what)
    parser.add_argument("--yes", action="store_true", help="confirm what touches few VMs and destroys nothing")
    parser.add_argument("--expect", type=count, metavar="N", help="confirm, if exactly N VMs would be touched")
    what = "unlock this command where the config has all begin read-only (guard.start)"
    parser.add_argument("--rw", action="store_true", help=what)
    parser.add_argument("--dry-run", action="store_true", help="show what would be touched, do nothing")
    parser.add_argument("--wait", action="store_true", help="wait for the outcome of each VM")
    add_order(parser)
    add_limits(parser)
    what = "jsonl: with --wait an object for each VM when its outcome is there, then one for all"
    parser.add_argument("-o", "--output", choices=("table", "json", "jsonl"), default="table", help=what)
    _add_timeout(parser)
    return parser


def _job() -> _Parser:
    from kvmtui.cli.how import add_limits

    about = "Pause jobs, let those that wait go on, give them other limits, begin no more of them."
    parser = _parser("job", about, usage="kvmtui job pause|resume|abort|limit ID … [--at-once N] [-o table|json]")
    what = "what is under way finishes; resume goes on with what has not begun, also after a restart of the worker"
    parser.add_argument("act", choices=("pause", "resume", "abort", "limit"), help=what)
    parser.add_argument("ids", nargs="+", metavar="ID", help="of a job: kvmtui ls jobs")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    add_limits(parser)
    return parser


def _check() -> _Parser:
    return _parser("check", "Check the config, and keys and themes of your own: every problem, with its line.")


def _trust() -> _Parser:
    parser = _parser("trust", "Show the SSH key of a host, and of each jump host before it; add it if you say so.")
    parser.add_argument("host", metavar="HOST", help="name of the host in the config")
    what = "add exactly this key, without a question (SHA256:…, as the host's own ssh-keygen -l shows it)"
    parser.add_argument("--fingerprint", action="append", default=[], metavar="SHA256:…", help=what)
    parser.add_argument("--yes", action="store_true", help=argparse.SUPPRESS)
    return parser


def span(word: str) -> float:
    """Return the seconds of a span of time. Raises ArgumentTypeError."""
    seconds = seconds_of(f"{word}s" if word.isdigit() else word)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"{word!r} is no span of time: 30m, 2h, 7d")
    return seconds


def _audit() -> _Parser:
    about = "The record of what was done, by whom, and what came of it; read beside the worker, or without one."
    parser = _parser("audit", about, epilog=CHAIN)
    what = "show: the newest records; verify: whether nothing was changed, removed or moved; export: all, as JSON lines"
    parser.add_argument("act", choices=("show", "verify", "export"), help=what)
    parser.add_argument("--shared", action="store_true", help=f"of a team's worker, for who runs it: {SHARED}")
    for option, words in (("job", "ID"), ("vm", "NAME|UUID"), ("host", "HOST"), ("user", "NAME"), ("verb", "VERB")):
        parser.add_argument(f"--{option}", default="", metavar=words, help=f"show: of this {option}")
    parser.add_argument("--since", type=span, metavar="SPAN", help="show: not older than this: 30m, 2h, 7d")
    parser.add_argument("-n", dest="count", type=count, default=100, metavar="N", help="show: at most N (default 100)")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="show: how")
    parser.add_argument("--head", default="", metavar="SEQ:HASH", help="verify: an end of it that was kept elsewhere")
    what = "verify: a log with the anchors that were sent (- for standard input), whatever else stands in it"
    parser.add_argument("--anchors", default="", metavar="FILE", help=what)
    return parser


def _worker() -> _Parser:
    parser = _parser("worker", "The process in the background that holds the links to the hosts.")
    acts = ("run", "status", "stop", "unit")
    what = "run: stay in the foreground, for a service; unit: print the service for systemd --user"
    parser.add_argument("act", choices=acts, help=what)
    parser.add_argument("--shared", action="store_true", help=f"the one of a team: {SHARED}")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--drain", action="store_true", help="stop: when what is under way has ended; begin nothing new")
    how.add_argument("--force", action="store_true", help="stop: now, whatever is under way, which is listed")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser


def _demo() -> _Parser:
    from kvmtui.config.demo import HOSTS, VMS

    about = """Show an invented fleet, made by libvirt's test driver in this machine's memory. What you do to it lasts
        as long as its worker: a minute after the last console or command it leaves, and the next one begins anew."""
    parser = _parser("demo", about, epilog="A command may follow: kvmtui demo ls vms cpu>80")
    parser.add_argument("--hosts", type=count, default=HOSTS, metavar="N", help=f"hosts (default {HOSTS})")
    parser.add_argument("--vms", type=count, default=VMS, metavar="M", help=f"VMs in all (default {VMS})")
    return parser


def _console() -> _Parser:
    usage = "kvmtui [HOST …]            the console\n       kvmtui COMMAND …         see below"
    parser = _parser("", "The terminal control room for fleets of KVM hosts.", usage=usage, epilog=OVERVIEW)
    parser.add_argument(
        "hosts", nargs="*", metavar="HOST", help="name, user@name, alias or libvirt URI; else the config"
    )
    return parser


COMMANDS: dict[str, tuple[Callable[[], _Parser], str]] = {
    "ls": (_ls, "list hosts, VMs, jobs, events, findings, audit: kvmtui ls vms 'cpu>80' -o json"),
    "do": (_do, "do something to VMs: kvmtui do shutdown tag:web --dry-run"),
    "job": (_job, "pause, resume, limit, abort jobs: kvmtui job resume 3f9a01bc"),
    "check": (_check, "check the config, and keys and themes of your own"),
    "trust": (_trust, "show a host's SSH key, accept it"),
    "audit": (_audit, "show, verify, export: the record of what was done"),
    "worker": (_worker, "run, status, stop, unit: the process in the background"),
    "demo": (_demo, "an invented fleet to play with; a command may follow"),
}
"""Command -> its parser, and its line in the overview."""

_CODES = "\n".join(f"  {code}  {words}" for code, words in exits.MEANING.items())
OVERVIEW = (
    "commands (kvmtui COMMAND --help):\n"
    + "\n".join(f"  {name:<8}{words}" for name, (_, words) in COMMANDS.items())
    + "\n\nwithout a command: the console. A host that is called like a command: kvmtui -- ls\n"
    + f"\nexit codes:\n{_CODES}"
)
FILTERS = """filters: words are ANDed. name:web-* host:kvm1,kvm2 state:running tag:prod name~web
  cpu>80 mem>=90 seen>30s !state:running a or (b c); a word without a field looks in the name"""
OF_EVENTS = (
    """  of events: since<1h kind:paused,crashed host:kvm1 severity>=2; a bare word looks in what happened too"""
)
CONFIRMING = """confirming: --yes where it is asked for with y; --expect N where it touches many VMs, a whole
  host, or destroys something; on a terminal without them: what the question says. Acts want
  words with a field (name:web-01), or --all."""


CHAIN = """exit 0: sound; 1: it is not. A record's hash is SHA-256 over the hash before it (64 zeros before the first),
a newline, and the record as export gives it. That its end was cut off shows only beside an end that was
kept elsewhere: keep what verify prints, or have anchors sent (audit: anchor in the config), each a line:
  kvmtui audit anchor seq=NUMBER hash=HASH at=TIME host=MACHINE journal=DIGEST
DIGEST is the first 16 hex digits of the SHA-256 of the journal's path. verify --anchors holds the record
against those of this machine and journal; 1 also where there is none of them.
Where the oldest records were pruned, the chain begins behind the newest that says so."""


def pick(
    words: Sequence[str],
    allowed: Collection[str],
    what: str,
    example: str,
    *,
    also: Mapping[str, str] = MappingProxyType({}),
    told: Callable[[str], str] = lambda _: "",
) -> tuple[str, list[str]]:
    """Return the first word, which is one of ``allowed``, with the words behind it. Raises UsageError.

    ``also``: what else it is called -> which of them is meant; ``told`` says what a word of other tools is here.
    """
    if not words:
        raise UsageError(f"which {what}?", remedy=f"{example} · one of {', '.join(allowed)}")
    word = also.get(words[0], words[0])
    if word not in allowed:
        from difflib import get_close_matches

        near = get_close_matches(word[:40].lower(), [*allowed, *also], 1)
        remedy = told(word) or (f"did you mean {near[0]}?" if near else f"one of {', '.join(allowed)}")
        raise UsageError(f"no such {what}", where=word[:40], remedy=remedy)
    return word, list(words[1:])


def understand(argv: Sequence[str]) -> Callable[[], int]:
    """Return what is to be run. Raises UsageError; prints help or version and raises SystemExit where asked to."""
    place = _first_word(argv, _VALUED)
    word = argv[place] if place is not None else ""
    if word == "help":
        return functools.partial(_show_help, argv[place + 1 :] if place is not None else ())
    if place is None or word not in COMMANDS:
        options = _console().parse_intermixed_args(list(argv))
        options.demo = None
        if "--" not in argv and options.hosts:
            from kvmtui.cli.suggest import check_hosts

            check_hosts(options.hosts)
        return _command("console", options)
    rest = list(argv[place + 1 :])
    if word != "demo":
        return _of(word, [*argv[:place], *rest], None)
    after = _first_word(rest, _VALUED_DEMO)
    own = [*argv[:place], *rest[:after]]
    options = _demo().parse_args(own)
    if options.config is not None or options.connect:
        raise UsageError("the demo fleet has hosts of its own", remedy="leave out --config and -c")
    options.demo = (options.hosts, options.vms)
    options.hosts = []
    if after is None:
        return _command("console", options)
    command = rest[after]
    if command not in COMMANDS or command == "demo":
        raise UsageError("no such command", where=command, remedy=f"one of {', '.join(COMMANDS)}")
    common = [word for word in ("--read-only",) if options.read_only]
    common += ["--socket", str(options.socket)] if options.socket else []
    return _of(command, [*common, *rest[after + 1 :]], options.demo)


def _first_word(argv: Sequence[str], valued: frozenset[str]) -> int | None:
    """Return the place of the first word that is neither an option nor its value; None behind ``--``."""
    at = 0
    while at < len(argv):
        if argv[at] == "--":
            return None
        if not argv[at].startswith("-") or argv[at] == "-":
            return at
        at += 2 if argv[at] in valued else 1
    return None


def _of(word: str, argv: list[str], demo: tuple[int, int] | None) -> Callable[[], int]:
    options = COMMANDS[word][0]().parse_intermixed_args(argv)
    options.demo = demo
    if demo is not None and (options.config is not None or options.connect):
        raise UsageError("the demo fleet has hosts of its own", remedy="leave out --config and -c")
    return _command(word, options)


def _command(word: str, options: argparse.Namespace) -> Callable[[], int]:
    import importlib

    module = importlib.import_module(f"kvmtui.cli.{word}")
    return functools.partial(module.run, options)


def _show_help(words: Sequence[str]) -> int:
    parser = COMMANDS[words[0]][0]() if words and words[0] in COMMANDS else _console()
    parser.print_help()
    return exits.DONE
