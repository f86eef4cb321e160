"""Calls that change a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

import libvirt

from kvmtui.hosts import removal

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmtui.hosts.binding import Conn, Domain


class Told(NamedTuple):
    """What is to be said of a call, beyond that it came back."""

    refused: str = ""
    """Why it was not made, or ""."""
    left_undone: tuple[str, ...] = ()
    """What of it libvirt refused, with its words, while the rest is done."""


class Act:
    """One call about one domain: a method of it, or where that is not enough, a deed of ours."""

    def __init__(self, uuid: str, method: str, args: tuple[int | str, ...]) -> None:
        self.uuid = uuid
        self.method = method
        self.args = args
        self.left = False
        """Set right before the call that changes something is made: from then on it may have happened."""

    def __call__(self, conn: Conn) -> Told:
        """Do it."""
        domain = conn.lookupByUUIDString(self.uuid)
        deed = _DEEDS.get(self.method)
        if deed is not None:
            return deed(conn, domain, tuple(map(str, self.args)), self._leave)
        method = getattr(domain, self.method)
        self._leave()
        method(*self.args)
        return Told()

    def _leave(self) -> None:
        self.left = True


def _snapshot(_: Conn, domain: Domain, args: tuple[str, ...], leave: Callable[[], None]) -> Told:
    (name,) = args
    leave()
    domain.snapshotCreateXML(f"<domainsnapshot><name>{escape(name)}</name></domainsnapshot>", 0)
    return Told()


def _delete(conn: Conn, domain: Domain, args: tuple[str, ...], leave: Callable[[], None]) -> Told:
    """Undefine it, then delete the disks that are named: nothing at all where one of these must not be."""
    named, forget = args
    if domain.isActive():
        return Told("it is on")
    uuid = domain.UUIDString()
    try:
        doomed = removal.Doomed(conn, domain, tuple(filter(None, named.split(","))))
        flags = removal.flags(domain, forget.split(","))
    except ValueError as error:
        return Told(str(error))
    leave()
    domain.undefineFlags(flags)
    if _is_there(conn, uuid):  # somebody has started it in that instant
        return Told(left_undone=("it is on, and gone when it stops", *doomed.kept("not touched: it is in use")))
    return Told(left_undone=doomed.delete(conn))


def _is_there(conn: Conn, uuid: str) -> bool:
    try:
        conn.lookupByUUIDString(uuid)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return False
    return True


_DEEDS: dict[str, Callable[[Conn, Domain, tuple[str, ...], Callable[[], None]], Told]] = {
    "snapshotCreateXML": _snapshot,
    "undefineFlags": _delete,
}
"""Method -> what is done instead of calling it with the arguments as they are."""
