"""End what libvirt is busy with."""

from __future__ import annotations

from kvmtui.actions.verb import Lane, Verb
from kvmtui.model.seen import Fact
from kvmtui.model.vm import ACTIVE

ABORT = Verb(
    id="abort-job",
    title="abort its job",
    key="x",
    help="End libvirt's job on it: migration, save, backup, …",
    call="abortJob",
    applies=ACTIVE,
    shows=lambda seen, _: seen.job == "",
    fact=Fact.JOB,
    so_already="already without a job: libvirt is busy with nothing on it",
    lane=Lane.CONTROL,
    asks=True,
    minds_jobs=False,
    virsh="domjobabort",
    also=("abort", "cancel", "abort-migration"),
)
