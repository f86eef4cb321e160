"""A log of changes: whoever asks is told all that changed since, or to read everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.fleet.changes import Changes

_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "put", "drop", "clear"]), st.integers(0, 9)),
        st.tuples(st.just("look"), st.integers(0, 2)),
    ),
    max_size=60,
)


class _Short(Changes[int]):
    SLACK = 0


@given(_steps)
def test_a_reader_that_follows_the_log_knows_what_there_is(steps: list[tuple[str, int]]) -> None:
    log, rows, version = _Short(), dict[int, int](), 0
    readers: list[tuple[int, dict[int, int]]] = [(0, {})] * 3
    for what, number in steps:
        if what == "look":
            revision, known = readers[number]
            keys = log.since(revision)
            if keys is None:
                known = dict(rows)
            else:
                assert len(set(keys)) == len(keys)
                known = {key: value for key, value in known.items() if key not in keys}
                known |= {key: rows[key] for key in keys if key in rows}
            assert known == rows
            readers[number] = (log.revision, known)
            continue
        version += 1
        gone = list(rows) if what == "clear" else [number] if what == "drop" else []
        for key in gone:
            rows.pop(key, None)
            log.mark(key)
        if what == "put":
            rows[number] = version
            log.mark(number)
        log.prune(rows, len(rows))
        assert len(log._latest) <= 2 * len(rows) + _Short.SLACK
