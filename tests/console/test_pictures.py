"""The pictures in the README."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.console.pictures import FOLDER, SHOTS, take


async def test_the_pictures_are_of_this_console() -> None:
    """What is stored is what would be taken now; `make pictures` takes them anew."""
    taken = await take()
    stale = [name for name, picture in taken.items() if (FOLDER / f"{name}.svg").read_text(encoding="utf-8") != picture]
    assert not stale, f"the console looks otherwise in {', '.join(stale)}: run make pictures, look at them, commit them"
    assert {path.stem for path in FOLDER.iterdir()} == set(taken)


def test_the_pictures_load_nothing() -> None:
    """Each is XML by itself: no font, style or image from elsewhere."""
    for shot in SHOTS:
        text = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert text.count("http") == 1
        assert not any(word in text for word in ("url(", "href", "@import", "@font-face", "<script", "<image"))
