"""What became of a step, in words."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kvmtui import text
from kvmtui.actions import VERBS
from kvmtui.model.job import ALREADY, Step, StepState
from kvmtui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.actions import Verb
    from kvmtui.errors import KvmtuiError, LibvirtError
    from kvmtui.model.seen import Seen

_GLYPHS = {StepState.DONE: "✓", StepState.FAILED: "✗", StepState.UNKNOWN: "?", StepState.SKIPPED: "–"}


def done(verb: Verb, step: Step, state: VmState | None, at: float, how: str = "") -> Step:
    """The step's effect was seen; ``how``, if there is more to say of it."""
    seen = f", {state.value}" if state is not None else ""
    return _ended(step, StepState.DONE, f"{verb.title} done{seen}{f' · {how}' if how else ''}", at)


def not_done(verb: Verb, step: Step, there: str, cause: str, at: float, remedy: str = "") -> Step:
    """The step had no effect; ``there`` is what was seen then ("still running"), or ""."""
    seen = f", {there}" if there else ""
    return _ended(step, StepState.FAILED, f"{verb.title} NOT done{seen} · why: {cause}", at, remedy=remedy)


def in_part(verb: Verb, step: Step, undone: Sequence[str], at: float) -> Step:
    """The step's effect was seen, and libvirt refused some of it."""
    return _ended(step, StepState.FAILED, f"{verb.title} done in part only · why: {'; '.join(undone)}", at)


def refused(verb: Verb, step: Step, there: str, error: LibvirtError, at: float) -> Step:
    """The answer of libvirt was no."""
    seen = f", {there}" if there else ""
    told = f"{verb.title} NOT done{seen} · why: libvirt refused it, error {error.code}"
    return _ended(step, StepState.FAILED, told, at, words=error.words, remedy=error.remedy)


def not_sent(verb: Verb, step: Step, error: KvmtuiError, at: float) -> Step:
    """The call never left."""
    return _ended(step, StepState.FAILED, f"{verb.title} NOT begun · why: {why(error)}", at, remedy=error.remedy)


def unknown(step: Step, cause: str, at: float, then: str = "") -> Step:
    """It may or may not have happened; ``then`` is what is done about it, if not another look."""
    remedy = then or f"do NOT repeat it: looked at again by itself when {step.host} answers"
    return _ended(step, StepState.UNKNOWN, f"UNKNOWN since {clock(at)}: {cause}", at, remedy=remedy)


def why(error: KvmtuiError) -> str:
    """What went wrong on the way to libvirt, with the words of whoever said it."""
    return f'{error.text}: "{error.words}"' if error.words else error.text


def skipped(step: Step, cause: str, at: float) -> Step:
    """It was not begun on purpose."""
    return _ended(step, StepState.SKIPPED, cause, at)


def changed(verb: Verb, planned: VmState, state: VmState) -> str:
    """Why a VM that is not as it was planned is left alone."""
    if state in verb.already:
        return f"{ALREADY}{state.value}"
    return f"left alone: was {planned.value} when it was planned, is {state.value}"


def is_trouble(step: Step) -> bool:
    """Whether a human should look: failed, unknown, or skipped for another reason than that it was so already."""
    if step.state is StepState.SKIPPED:
        return not step.text.startswith(ALREADY)
    return step.state in {StepState.FAILED, StepState.UNKNOWN}


def there(state: VmState, before: VmState) -> str:
    """What a look found after an act that did not do it."""
    return f"still {state.value}" if state is before else f"{state.value} now"


def busy(job: str) -> str:
    """What libvirt is doing with a VM on somebody else's behalf."""
    return f"libvirt is busy with it: {job}"


def patience(verb: Verb, seen: Seen) -> str:
    """Why it is not waited for any longer, with what a last look tells of the reason."""
    parts = [f"{verb.ignored or 'nothing was seen of it'} for {verb.patience_s:.0f} s"]
    if verb.ignored and seen.agent is not None:
        parts.append("though its agent is connected" if seen.agent else "no agent")
    if seen.job:
        parts.append(busy(seen.job))
    return ", ".join(parts)


def next_step(verb: Verb) -> str:
    """What is offered when a guest did not react, or ""."""
    if not verb.next_step:
        return ""
    other = VERBS[verb.next_step]
    return f"wait more, it may yet obey; {other.key} {other.title} if it must be now"


def line(step: Step) -> str:
    """Return a step in one line: ✗ web-14 kvm2: shut down NOT done, still running · why: … · libvirt: "…" · next: …."""
    glyph = _GLYPHS.get(step.state)
    return f"{glyph + ' ' if glyph else ''}{step.name} {step.host}: {outcome(step)}"


def outcome(step: Step) -> str:
    """Return what became of a step: shut down NOT done, still running · why: … · libvirt: "…" · next: …."""
    parts = [step.text or step.state.value]
    if step.words:
        parts.append(f'libvirt: "{step.words}"')
    if step.remedy:
        parts.append(f"next: {step.remedy}")
    return " · ".join(parts)


def clock(at: float) -> str:
    """Return the time of day, which says its zone: "03:12:31Z"."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%H:%M:%SZ")


def _ended(step: Step, state: StepState, told: str, at: float, *, words: str = "", remedy: str = "") -> Step:
    return replace(
        step, state=state, text=text.clean(told), words=text.clean(words), remedy=text.clean(remedy), ended=at
    )
