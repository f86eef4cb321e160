"""Views take their turns, however long one of them takes."""

from __future__ import annotations

from kvmtui.wire.messages import Note
from kvmtui.wire.views import More, View, Views


class Told:
    """A view that needs a few slices of work, each of which takes its time."""

    topics = frozenset({"vms"})
    period_s = 0.1

    def __init__(self, name: str, slices: int, clock: list[float]) -> None:
        self.name = name
        self.left = slices
        self._clock = clock

    def fetch(self) -> Note | More | None:
        self._clock[0] += 0.01
        self.left -= 1
        return More.MORE if self.left else Note(text=self.name)


def _texts(views: Views, turns: int) -> list[str]:
    """Return what each turn brought, "" for nothing."""
    told = []
    for _ in range(turns):
        found = views.fetch(2)
        assert found is None or isinstance(found, Note)
        told.append(found.text if found else "")
    return told


def test_a_long_list_lets_a_short_one_pass() -> None:
    clock = [0.0]
    views = Views(lambda: clock[0])
    long: View = Told("long", 5, clock)
    short: View = Told("short", 1, clock)
    views.follow(1, long)
    assert views.fetch(2) is None
    views.follow(2, short)
    assert _texts(views, 5) == ["short", "", "", "", "long"]
    assert views.fetch(2) is None


def test_one_that_took_long_rests_for_all_of_it() -> None:
    clock = [0.0]
    views = Views(lambda: clock[0])
    views.follow(1, Told("long", 5, clock))
    assert _texts(views, 5)[-1] == "long"
    views.stir(frozenset({"vms"}))
    due = views.due()
    assert due is not None
    assert due >= clock[0] + 5 * 0.01 * 4 * 2 - 1e-9
