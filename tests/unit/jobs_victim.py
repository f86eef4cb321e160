"""A process that journals as fast as it can, made to be killed."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from kvmtui.guard.client import this_process
from kvmtui.jobs.journal import Journal
from kvmtui.jobs.live import LiveJob
from kvmtui.jobs.rows import Order
from kvmtui.model.job import Step, StepState, Target
from kvmtui.model.vm import VmState

STEPS = 5_000
AT_ONCE = 8


async def main(path: Path, ident: str) -> None:
    """Submit a job, and begin and end its steps, eight at a time."""
    journal = Journal(path, time.time)
    order = Order(ident, "shutdown", "plan", this_process())
    targets = [Target("kvm1", str(number), f"vm-{number}", VmState.RUNNING) for number in range(STEPS)]
    steps = [Step(number=number, host="kvm1", uuid=str(number), name=f"vm-{number}") for number in range(STEPS)]
    job = LiveJob(order, targets, steps, time.time())
    await journal.submit(order, job.standing(time.time()), targets, steps)
    print("submitted", flush=True)
    numbers = iter(range(STEPS))

    async def one_after_the_other() -> None:
        for number in numbers:
            begun = replace(job.steps[number], state=StepState.BEGUN, began=time.time())
            await journal.begin(order, begun)
            print("begun", number, flush=True)
            ended = replace(begun, state=StepState.DONE, text="shut down done", ended=time.time())
            job.set(ended)
            journal.end(order, ended, job.standing(time.time()))

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
