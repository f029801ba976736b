# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files of configuration: read whole, and replaced whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile

from .errors import AS_ROOT, NotPermitted

# The name of every directory that holds files of this collection alone.
_OWN_DIRECTORY = "lvs-cluster"


def read_bytes(path: str) -> bytes | None:
    """Return the file's content, or None when there is no such file."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise not_permitted("read", path, error) from None


def write_atomic(path: str, content: bytes, mode: int = 0o644) -> None:
    """Replace the file in one step: who reads it, or a host that crashes, sees the old content or the new, never half.

    Missing parent directories are made with mode 0755.
    """
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=directory)
    except PermissionError as error:
        raise not_permitted("written", path, error) from None
    try:
        with os.fdopen(handle, "wb") as target:
            os.fchmod(target.fileno(), mode)
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove(path: str) -> None:
    """Remove a file or symbolic link, and a directory of ours with the last of its files; one that is gone is fine."""
    directory = os.path.dirname(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if os.path.basename(directory) == _OWN_DIRECTORY:
            with contextlib.suppress(OSError):  # something else is in it
                os.rmdir(directory)
    except PermissionError as error:
        raise not_permitted("removed", path, error) from None


def not_permitted(verb: str, path: str, error: OSError) -> NotPermitted:
    """Return the error of a file that cannot be read, written or removed (`verb`) without more permissions."""
    return NotPermitted(path, None, f"cannot be {verb}: {os.strerror(errno.EACCES)}", AS_ROOT, error.errno or 0)
