"""The line behind ``:``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmtui.actions import VERBS
from kvmtui.console.memory import Memory
from kvmtui.console.palette import SHOWN_MAX, rank
from kvmtui.console.present.looks import LOOKS
from kvmtui.console.screens.commands import commands
from kvmtui.wire.messages import ListRows, MakePlan, OpenWindow, Submit
from tests.console.desks import Desk, sitting


def _last(desk: Desk, window: int = 2) -> OpenWindow:
    found: OpenWindow = [request for request in desk.worker.asked(OpenWindow) if request.window == window][-1]
    return found


@given(st.text(max_size=8), st.text(min_size=1, max_size=12))
def test_what_is_in_it_fits_and_what_begins_with_it_fits_best(typed: str, word: str) -> None:
    """A subsequence is found, whatever lies between; a beginning comes before all else."""
    found = rank(typed, word)
    rest = iter(word.casefold())
    assert (found is not None) is all(letter in rest for letter in typed.casefold())
    best = rank(typed, typed + word)
    assert best is not None
    assert best[0] == 0
    assert found is None or best[:1] <= found[:1]


async def test_everything_has_a_word() -> None:
    """Tables, verbs and whatever a key does, but for moving about."""
    async with sitting() as desk:
        found = commands(desk.app.main)
        assert set(found) >= {
            *(name for name, look in LOOKS.items() if not look.within),
            *VERBS,
            "view",
            "columns",
            "theme",
            "quit",
            "help",
            "zoom",
            "mark-all",
        }
        assert all(found[verb].acts for verb in VERBS)


async def test_a_table_is_gone_to_with_its_filter() -> None:
    """As one types the worker counts; enter goes there; the way back leads to what was looked at."""
    async with sitting() as desk:
        await desk.press("slash", *"db", "enter", "1", ":", *"vms host:kvm1 cpu>20")
        assert desk.worker.asked(ListRows)[-1].query.filter == "host:kvm1 cpu>20"
        assert f"{desk.app.main.vms.listing.total}" in desk.sheet
        await desk.press("enter")
        assert desk.app.main.pane == "vms"
        assert _last(desk).query.filter == "host:kvm1 cpu>20"
        await desk.press("backspace")
        assert desk.app.main.pane == "hosts"


async def test_a_wrong_filter_is_told_under_its_word_and_stays() -> None:
    """The list stays as it was, and so does the line."""
    async with sitting() as desk:
        await desk.press(":", *"vms name:web cpux>2", "enter")
        marks = next(line for line in desk.sheet.splitlines() if "^" in line)
        assert marks.index("^") == len(" : ") + len("vms name:web ")
        assert "there is no field" in marks
        assert desk.app.main.vms.listing.filter == ""
        await desk.press("escape")
        assert not desk.sheet


async def test_words_are_completed_and_what_acts_is_never_guessed() -> None:
    """Tab takes the best offer; the beginning of a verb is not enough, that of a table is."""
    async with sitting() as desk:
        await desk.press(":", *"col", "tab", "enter")
        assert "name is always there" in desk.sheet
        await desk.press("escape", ":", *"shutd", "enter")
        assert "which? shutdown" in desk.sheet
        assert not desk.worker.asked(MakePlan)
        await desk.press("escape", ":", *"nosuch", "enter")
        assert "there is no command nosuch" in desk.sheet
        await desk.press("escape", ":", *"stop", "enter")
        assert "there is no command stop · stop is shutdown or off here" in desk.sheet
        await desk.press("escape", ":")
        more = len(set(commands(desk.app.main).values())) - SHOWN_MAX
        assert f"… {more} more" in desk.sheet
        await desk.press("escape", ":", *"vms host:k", "tab")
        assert ": vms host:kvm" in desk.sheet


async def test_a_table_is_found_by_either_of_its_names() -> None:
    """Tasks of the console are jobs of the command line; it is offered once."""
    async with sitting() as desk:
        await desk.press(":", *"jobs")
        assert desk.sheet.count("what was done and is being done") == 1
        await desk.press(*" state:failed", "enter")
        assert desk.line_with("4 tasks ── /state:failed")


async def test_a_verb_is_asked_about_as_from_its_menu() -> None:
    """Of the row, of what is marked, or of a filter; never without the question."""
    async with sitting() as desk:
        await desk.press("slash", *"web-01", "enter", ":", *"shutdown", "enter")
        assert "Shut down web-01 on kvm1" in desk.sheet
        await desk.press("escape", "space", "slash", "ctrl+u", *"web", "enter", "G", ":", *"shutdown", "enter")
        assert "shut down which?" in desk.sheet
        await desk.press("1")
        assert "Shut down web-01 on kvm1" in desk.sheet
        await desk.press("escape", ":", *"shutdown name:web-*", "enter")
        assert desk.worker.asked(MakePlan)[-1].filter == "name:web-*"
        assert not desk.worker.asked(Submit)


async def test_that_a_word_is_too_little_for_an_act_is_said_as_it_is_typed() -> None:
    """What would be enough is offered first."""
    async with sitting() as desk:
        await desk.press(":", *"shutdown db")
        assert "a word without a field is not enough for an act" in desk.sheet
        assert " of 12" not in desk.sheet
        await desk.press("tab", "tab")
        assert desk.worker.asked(ListRows)[-1].query.filter == "name~db"
        assert "2 of 12" in desk.sheet
        await desk.press("escape", ":", *"vms db")
        assert "2 of 12" in desk.sheet
        assert "name~db" not in desk.sheet


async def test_commands_are_recalled() -> None:
    """Up brings the last ones, down leads back to what was typed; each is kept once."""
    async with sitting() as desk:
        for line in ("vms web", "hosts", "vms web"):
            await desk.press(":", *line, "enter")
        assert desk.app.memory.now.history == ("hosts", "vms web")
        await desk.press(":", *"x", "up")
        assert ": vms web" in desk.sheet
        await desk.press("up", "up", "down", "down")
        assert ": x" in desk.sheet


async def test_views_are_saved_shown_and_forgotten() -> None:
    """With filter, order and columns; the title says which is shown as long as it is shown unchanged."""
    memory = Memory()
    async with sitting(memory=memory) as desk:
        await desk.press("slash", *"web", "enter", "o", "c", ":", *"view save mine", "enter")
        assert "view mine" in desk.line_with("2 vms")
        await desk.press("o", "m")
        assert "view mine" not in desk.line_with("2 vms")
        await desk.press(":", *"view triage", "enter")
        assert _last(desk).query.filter == "severity>1"
        await desk.press(":", *"view mine", "enter")
        assert (_last(desk).query.filter, _last(desk).query.sort) == ("web", "cpu_pct")
        assert "view mine" in desk.line_with("2 vms")
        await desk.press(":", *"view drop mine", "enter", ":", *"view mine", "enter")
        assert "there is no view mine" in desk.message
        assert memory.now.views == {}


async def test_what_is_missing_is_asked_for_by_name() -> None:
    """Each says what there is."""
    said = {
        "theme": "which theme? · there are ansi-16",
        "theme nope": "theme nope: there is none of this name · there are ansi-16",
        "view save": "save it under which name?",
        "view drop": "forget which view? · you have saved none",
        "reconnect": "connecting to 2 hosts…",
        "columns nmae,tasg": "there is no column nmae, tasg · did you mean name, tags?",
        "columns -name": "name is always there",
        "columns +tags host": "either +these -those",
        "pause name:nosuch": "✗ pause: there is nothing to do",
    }
    async with sitting() as desk:
        for line, words in said.items():
            await desk.press(":", *line, "enter")
            assert words in desk.message, line
            await desk.press("escape")


async def test_columns_are_chosen_by_name() -> None:
    """These and no others, more or fewer than there are, or the usual ones."""
    async with sitting(size=(160, 40), memory=Memory()) as desk:
        await desk.press("f", ":", *"columns name,host,cpu%", "enter")
        assert desk.app.memory.now.tables["vms"].columns == ("host", "cpu_pct")
        await desk.press(":", *"columns +tags -host", "enter")
        assert desk.app.memory.now.tables["vms"].columns == ("cpu_pct", "tags")
        assert "tags" in _last(desk).query.columns
        await desk.press(":", *"columns +uuid +trouble +version", "enter")
        assert "there is no column version" in desk.message
        await desk.press(":", *"columns usual", "enter")
        assert desk.app.main.vms.listing.chosen == ()


async def test_columns_are_chosen_one_by_one() -> None:
    """Shown at once, in the order chosen; never without any; r brings the usual ones back."""
    async with sitting(size=(160, 40)) as desk:
        await desk.press("f", "|", "space", "enter")
        header = desk.line_with("since")
        assert "host" not in header
        await desk.press("|", "G", "space", *["h"] * 30, "enter")
        chosen = desk.app.main.vms.listing.chosen
        assert chosen[0] == "sampled"
        assert "host" not in chosen
        assert set(chosen) <= set(_last(desk).query.columns)
        assert desk.app.memory.now.tables["vms"].columns == chosen
        await desk.press("|", "r")
        assert desk.app.main.vms.listing.chosen == ()
        assert desk.sheet, "it stays open: what is pressed next is for it"
        await desk.press("enter")
        assert "host" in desk.line_with("since")
