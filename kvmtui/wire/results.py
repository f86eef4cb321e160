"""Answers turned into values, or into the errors they tell of."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kvmtui.errors import WorkerError
from kvmtui.wire.failures import error
from kvmtui.wire.messages import RESULTS, Failure, Reply, Request

Result = TypeVar("Result")


class HungUpError(WorkerError):
    """The worker ended the connection; what was asked may or may not have been done."""


_decoders: dict[type[Request[Any]], msgspec.json.Decoder[Any]] = {}


def result_of(request: Request[Result], answer: Reply | Failure) -> Result:
    """Return what ``answer`` says to ``request``. Raises the error of a Failure, WorkerError for nonsense."""
    if isinstance(answer, Failure):
        raise error(answer)
    kind = type(request)
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(RESULTS[kind])
    try:
        result: Result = _decoders[kind].decode(answer.result)
    except (msgspec.MsgspecError, UnicodeDecodeError) as nonsense:
        raise WorkerError(
            "the worker's answer makes no sense to this program",
            words=str(nonsense),
            remedy="are both of one version? kvmtui worker status",
        ) from nonsense
    return result


def no_answer(request: Request[Any], waited_s: float) -> WorkerError:
    """Return the error for a worker that did not answer within ``waited_s``."""
    name = type(request).__name__.lower()
    return WorkerError(
        f"the worker did not answer ({name}) for {waited_s:.0f} s",
        remedy="kvmtui worker stop --force ends it; its log may say why",
    )


def hung_up() -> HungUpError:
    """Return the error for a worker that ended the connection."""
    return HungUpError("the worker hung up", remedy="start again; its log says why")
