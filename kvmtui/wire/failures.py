"""Errors as they cross the line."""

from __future__ import annotations

from kvmtui import errors
from kvmtui.errors import ConfigError, FilterError, KvmtuiError, LibvirtError, LinkError
from kvmtui.model.host import LinkState
from kvmtui.wire.messages import Failure


def _tree(root: type[KvmtuiError]) -> dict[str, type[KvmtuiError]]:
    classes = {root.__name__: root}
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            classes |= _tree(child)
    return classes


CLASSES = _tree(KvmtuiError)
"""Name of a class in kvmtui.errors -> the class."""


def _link_state(word: str) -> LinkState:
    try:
        return LinkState(word)
    except ValueError:
        return LinkState.LOST


def failure(request_id: int, error: KvmtuiError) -> Failure:
    """Return ``error`` as the answer to request ``request_id``."""
    code = domain = offset = length = 0
    state = ""
    match error:
        case FilterError():
            offset, length = error.offset, error.length
        case LibvirtError():
            code, domain = error.code, error.domain
        case LinkError():
            state = error.state.value
    return Failure(
        id=request_id,
        kind=type(error).__name__,
        text=error.text,
        where=error.where,
        words=error.words,
        remedy=error.remedy,
        offset=offset,
        length=length,
        code=code,
        domain=domain,
        state=state,
    )


def error(sent: Failure) -> KvmtuiError:
    """Return the error that ``sent`` tells of: of the same class, with the same attributes."""
    built: KvmtuiError
    match sent.kind:
        case "ConfigError":
            return ConfigError(sent.where, sent.text.split("\n"))
        case "FilterError":
            return FilterError(sent.text, sent.offset, sent.length, remedy=sent.remedy)
        case "LinkError":
            return LinkError(sent.text, _link_state(sent.state), where=sent.where, words=sent.words, remedy=sent.remedy)
        case "LibvirtError":
            built = LibvirtError(sent.words, sent.code, sent.domain, where=sent.where, remedy=sent.remedy)
            built.text = sent.text
            return built
        case kind:
            made = CLASSES.get(kind, KvmtuiError)
            return made(sent.text, where=sent.where, words=sent.words, remedy=sent.remedy)
