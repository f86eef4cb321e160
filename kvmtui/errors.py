"""The exception tree of kvmtui.

::

    KvmtuiError
    ├── UsageError                what was typed cannot be done as typed          exit 2
    │   ├── ConfigError           the config; carries every problem at once
    │   └── FilterError           a filter; carries the offset of the word at fault
    ├── RefusedError              the gate, a stale plan or an unconfirmed act    exit 3
    ├── NotRecordedError          the journal could not be written, so nothing was begun
    ├── WorkerError               no worker, one of another version, or one that hung up
    └── HostError                 one host; carries its name
        ├── LinkError             no way to the host; carries the state its link is in now
        ├── LibvirtError          libvirt answered with an error; carries code, domain, words
        └── OutcomeUnknownError   a deadline or a lost link during a call that changes something

Every one of them says what happened, where, libvirt's own words if there are any, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.model.host import LinkState


class KvmtuiError(Exception):
    """Base of everything raised on purpose.

    Attributes:
        text: what happened, one line.
        where: host, file or word it happened at, or "".
        words: the words of libvirt, ssh or the system, or "".
        remedy: what to do about it, or "".
    """

    def __init__(self, text: str, *, where: str = "", words: str = "", remedy: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.where = where
        self.words = words
        self.remedy = remedy

    def __str__(self) -> str:
        line = f"{self.where}: {self.text}" if self.where else self.text
        if self.words:
            line += f' · "{self.words}"'
        if self.remedy:
            line += f" · {self.remedy}"
        return line


class UsageError(KvmtuiError):
    """What was typed cannot be done as typed."""


class ConfigError(UsageError):
    """A config with problems: all of them, each a line of text that names its place and its remedy."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems), where=path)
        self.problems = tuple(problems)


class FilterError(UsageError):
    """A filter that means nothing. ``offset`` and ``length`` are characters into the filter's text."""

    def __init__(self, text: str, offset: int, length: int, remedy: str = "") -> None:
        super().__init__(text, remedy=remedy)
        self.offset = offset
        self.length = length


class RefusedError(KvmtuiError):
    """The act may not happen: role, read-only, host level, a plan that is stale or a question not answered."""


class NotRecordedError(KvmtuiError):
    """The journal could not be written; what could not be recorded was not begun."""


class WorkerError(KvmtuiError):
    """There is no worker to talk to, it is of another version, or it hung up."""


class HostError(KvmtuiError):
    """Something about one host; ``where`` is its name."""


class LinkError(HostError):
    """There is no way to the host now. ``state`` is the link state the console shows."""

    def __init__(self, text: str, state: LinkState, *, where: str = "", words: str = "", remedy: str = "") -> None:
        super().__init__(text, where=where, words=words, remedy=remedy)
        self.state = state


class LibvirtError(HostError):
    """libvirt answered with an error. ``code`` and ``domain`` are its VIR_ERR_* and VIR_FROM_* numbers."""

    def __init__(self, words: str, code: int, domain: int, *, where: str = "", remedy: str = "") -> None:
        super().__init__(f"libvirt error {code}", where=where, words=words, remedy=remedy)
        self.code = code
        self.domain = domain


class OutcomeUnknownError(HostError):
    """The call had left and no answer came: it may or may not have happened. Look again; never retry."""
