"""The socket on which the worker listens."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

from kvmtui.errors import WorkerError
from kvmtui.paths import check_socket, make_private, make_shared

if TYPE_CHECKING:
    from pathlib import Path

BACKLOG = 512
_PROBE_S = 0.5


class Listener:
    """A listening Unix socket at a path, which can be made again when somebody removed it.

    Its mode is 0600; with a group 0660, and the group's.
    """

    def __init__(self, path: Path, group: int | None = None) -> None:
        """Listen at ``path``, for this user, or for the members of ``group`` (its number) too.

        Raises WorkerError: too long, not ours to use, or somebody answers there already.
        """
        self.path = path
        self.group = group
        check_socket(path)
        self._make_folder()
        self._check_free()
        self.socket = self._bind()
        self._inode = self._inode_there()

    @property
    def is_reachable(self) -> bool:
        """Whether the path still leads to this socket."""
        return self._inode is not None and self._inode_there() == self._inode

    def renew(self) -> socket.socket:
        """Listen at the path again; return the old socket, whose waiting clients are still to be taken.

        Raises WorkerError if the place is not ours any more.
        """
        self._make_folder()
        self._check_free()
        old, self.socket = self.socket, self._bind()
        self._inode = self._inode_there()
        return old

    def close(self) -> None:
        """Stop listening, and remove the path if it is still ours."""
        if self.is_reachable:
            self.path.unlink(missing_ok=True)
        self._inode = None
        self.socket.close()

    def _make_folder(self) -> None:
        if self.group is None:
            make_private(self.path.parent)
        else:
            make_shared(self.path.parent)

    def _inode_there(self) -> tuple[int, int] | None:
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino)

    def _check_free(self) -> None:
        try:
            mode = self.path.lstat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise WorkerError("cannot listen there", where=str(self.path), words=error.strerror or "") from error
        if not stat.S_ISSOCK(mode):
            raise WorkerError("is a file, not a socket", where=str(self.path), remedy="move it away, or use --socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE_S)
            try:
                probe.connect(str(self.path))
            except (ConnectionRefusedError, FileNotFoundError):
                return
            except OSError as error:
                raise WorkerError("cannot listen there", where=str(self.path), words=error.strerror or "") from error
        raise WorkerError(
            "another process answers on this socket",
            where=str(self.path),
            remedy="one worker needs one socket: choose another with --socket",
        )

    def _bind(self) -> socket.socket:
        """Bind beside the path and rename: a client finds the old socket or a listening one, never neither."""
        beside = self.path.with_name(self.path.name + "~")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        before = os.umask(0o177)
        try:
            beside.unlink(missing_ok=True)
            listening.bind(str(beside))
            if self.group is not None:
                os.chown(beside, -1, self.group)
                beside.chmod(0o660)
            listening.listen(BACKLOG)
            beside.replace(self.path)
        except OSError as error:
            listening.close()
            raise WorkerError("cannot listen there", where=str(self.path), words=error.strerror or "") from error
        finally:
            os.umask(before)
        return listening
