"""Views take their turns, however long one of them takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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


class Endless(Told):
    """One that has something new each time it is done."""

    def __init__(self, slices: int, clock: list[float]) -> None:
        super().__init__("endless", slices, clock)
        self._slices = slices

    def fetch(self) -> Note | More | None:
        found = super().fetch()
        if self.left == 0:
            self.left = self._slices
        return found


def _texts(views: Views, turns: int) -> list[str]:
    """Return what each turn brought, "" for nothing."""
    told = []
    for _ in range(turns):
        found = views.fetch(lambda: views.cost_s)
        assert found is None or isinstance(found, Note)
        told.append(found.text if found else "")
    return told


def test_a_long_list_lets_a_short_one_pass() -> None:
    clock = [0.0]
    views = Views(lambda: clock[0])
    long: View = Told("long", 5, clock)
    short: View = Told("short", 1, clock)
    views.follow(1, long)
    assert views.fetch(lambda: views.cost_s) is None
    views.follow(2, short)
    assert _texts(views, 5) == ["short", "", "", "", "long"]
    assert views.fetch(lambda: views.cost_s) is None


def test_one_that_took_long_rests_for_all_of_it() -> None:
    clock = [0.0]
    views = Views(lambda: clock[0])
    views.follow(1, Told("long", 5, clock))
    assert _texts(views, 5)[-1] == "long"
    views.stir(frozenset({"vms"}))
    due = views.due()
    assert due is not None
    assert abs(due - (clock[0] + 5 * 0.01 * 4)) < 1e-9


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_all_together_take_a_quarter_of_the_loop_at_most(slices: list[int]) -> None:
    """However many there are, and however long each takes: and no longer a rest than that wants."""
    clock, busy, told = [0.0], 0.0, 0
    clients = [Views(lambda: clock[0]) for _ in slices]
    for client, count in zip(clients, slices, strict=True):
        client.follow(1, Endless(count, clock))

    def cost() -> float:
        return sum(client.cost_s for client in clients)

    work = sum(slices) * 0.01
    for round_ in range(20):
        for client in clients:
            while True:
                client.stir(frozenset({"vms"}))
                due = client.due()
                assert due is not None
                clock[0] = max(clock[0], due)
                before = clock[0]
                answer = client.fetch(cost)
                busy += clock[0] - before
                if answer is not None:
                    told += 1
                    client.stir(frozenset({"vms"}))
                    rest = (client.due() or 0.0) - clock[0]
                    if round_:  # from then on all costs are known
                        assert abs(rest - max(0.1, 4 * work)) < 1e-6
                    break
    assert told == 20 * len(slices)
    assert busy <= clock[0] / 4 + 2 * work + 1e-6
