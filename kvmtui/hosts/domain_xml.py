"""The XML of a domain, taken apart without trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from kvmtui.model.vm import Disk
from kvmtui.text import NAME_MAX, clean

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

XML_MAX = 4 * 1024 * 1024
"""Characters; libvirt's own limit for XML over its line."""
DEVICES_MAX = 1_000
"""Of each kind."""

_PIECE = 65_536
"""Characters that are parsed at once: between two pieces other threads get their turn."""
_SOURCES = ("file", "dev", "name", "volume", "dir", "network", "bridge", "path")


def tree(xml: str) -> Element:
    """Return the root of a document as libvirt writes it.

    Raises ValueError in words if it is larger than XML_MAX, has a DOCTYPE (libvirt writes none) or is not XML.
    """
    if len(xml) > XML_MAX:
        raise ValueError(f"{len(xml)} characters")
    if "<!DOCTYPE" in xml:
        raise ValueError("it has a DOCTYPE")
    parser = ElementTree.XMLParser()  # noqa: S314 - no DOCTYPE, so no entities to expand
    try:
        for start in range(0, len(xml), _PIECE):
            parser.feed(xml[start : start + _PIECE])
        root: Element = parser.close()
    except (ElementTree.ParseError, UnicodeEncodeError) as error:
        raise ValueError(clean(str(error))) from error
    return root


def several(parent: Element | None, tag: str) -> list[Element]:
    """Return the children of that tag, at most DEVICES_MAX."""
    return [] if parent is None else parent.findall(tag)[:DEVICES_MAX]


def get(element: Element | None, *names: str) -> str:
    """Return the first of these attributes that there is, made safe to show."""
    if element is None:
        return ""
    return next((clean(element.attrib[name], NAME_MAX) for name in names if element.get(name)), "")


def words(*words: str) -> str:
    """Return those that are not empty, in one line."""
    return " ".join(word for word in words if word)


def source(device: Element) -> str:
    """Return where a device gets from what it gives, in one line."""
    found = device.find("source")
    if found is None:
        return ""
    name = get(found, *_SOURCES)
    host = found.find("host")
    place = ":".join(filter(None, (get(host, "name"), get(host, "port"))))
    if pool := get(found, "pool"):
        name = f"{pool}/{name}"
    protocol = get(found, "protocol")
    return words(protocol, place, name)


def disk(element: Element) -> Disk:
    """Return what a disk's element says."""
    driver = element.find("driver")
    return Disk(
        target=get(element.find("target"), "dev"),
        device=get(element, "device") or "disk",
        bus=get(element.find("target"), "bus"),
        source=source(element),
        format=get(driver, "type"),
        cache=get(driver, "cache"),
        readonly=element.find("readonly") is not None,
        shareable=element.find("shareable") is not None,
    )
