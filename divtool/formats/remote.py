"""Addresses of object stores: what stands there is copied into temporary files, and read like any other file."""

from __future__ import annotations

import os
import shutil
from typing import Any, NoReturn

from divtool.errors import InputError, ResourceError, UsageError
from divtool.formats.opening import Found, open_local
from divtool.formats.scratch import temporary_folder
from divtool.formats.source import Ways
from divtool.formats.spool import Guard, spool

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hf", "file")
_MISSING = "a bucket that is missing, or in another region or at another endpoint, reads like a missing object"
_CREDENTIALS = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, say who you are",
    "gs": "gcloud auth application-default login says who you are",
    "gcs": "gcloud auth application-default login says who you are",
    "abfs": "az login, or AZURE_STORAGE_KEY, says who you are",
    "abfss": "az login, or AZURE_STORAGE_KEY, says who you are",
    "hf": "HF_TOKEN says who you are",
}
_DENIED = ("access_denied", "access denied", "forbidden", "unauthorized", "credential", "permission", "401", "403")


def open_remote(name: str, ways: Ways) -> Found:
    """Open what stands at an address; ``name`` is how messages call it. A folder is one table in parts.

    Raises :class:`UsageError` for an address of an unknown kind, :class:`InputError` for one with nothing behind it.
    """
    scheme = name.partition("://")[0].lower()
    if os.path.exists(name):
        # Someone's folder may be called "s3:".
        return open_local(name, name, ways)
    _check_scheme(scheme, name)
    try:
        store, path = _connected(name)
        info = store.get_file_info(path)
    except (OSError, ValueError) as error:
        _refuse(error, scheme, name)
    if info.type.name == "Directory":
        return _open_folder(store, path, name, ways)
    if info.type.name == "NotFound":
        raise InputError("there is nothing at this address", path=name, hint=_MISSING if scheme != "file" else "")
    if scheme == "file":
        return open_local(path, name, ways)
    return open_local(_fetched(store, info, name), name, ways)


def _check_scheme(scheme: str, name: str) -> None:
    if scheme in ("http", "https", "ftp"):
        raise InputError(
            "is an address of the web, which divtool does not fetch",
            path=name,
            hint=f"fetch it first: curl -LO '{name}'",
        )
    if scheme not in SCHEMES:
        raise UsageError(
            f'{name}: "{scheme}://" is no address that divtool reads',
            hint=f"known: {', '.join(f'{each}://' for each in SCHEMES)}",
        )


def _connected(name: str) -> tuple[Any, str]:
    """The store of an address, and the path in it."""
    from pyarrow.fs import FileSystem

    try:
        store, path = FileSystem.from_uri(name)
    except ImportError:
        raise ResourceError(f"{name}: huggingface_hub is needed for it", hint="pip install huggingface_hub") from None
    return store, path


def _refuse(error: Exception, scheme: str, name: str) -> NoReturn:
    """What a store says of itself, in one line."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    denied = any(word in said.lower() for word in _DENIED)
    hint = _CREDENTIALS.get(scheme, "") if denied else _MISSING
    raise InputError(f"cannot be read: {said}", path=name, hint=hint if scheme != "file" else "") from None


def _fetched(store: Any, info: Any, name: str) -> str:
    """An object as a temporary file, whole."""
    guard = Guard(name)
    try:
        # Left as it is: what packed it is told by its first bytes, not by its name.
        with store.open_input_stream(info.path, compression=None) as stream:
            copy = spool(stream, guard)
    except (OSError, ValueError) as error:
        _refuse(error, name.partition("://")[0].lower(), name)
    if info.size is not None and guard.size != info.size:
        os.unlink(copy)
        raise InputError(
            f"has {info.size:,} bytes, of which {guard.size:,} came",
            path=name,
            hint="was it written meanwhile? run again",
        )
    return copy


def _open_folder(store: Any, path: str, name: str, ways: Ways) -> Found:
    """A folder of objects, copied file by file under their own names."""
    from pyarrow.fs import FileSelector

    from divtool.formats.parts import open_parts

    if name.lower().startswith("file:"):
        return open_parts(path, ways)
    try:
        every = store.get_file_info(FileSelector(path, recursive=True))
    except (OSError, ValueError) as error:
        _refuse(error, name.partition("://")[0].lower(), name)
    copies = temporary_folder()
    # Called like the folder itself, so that messages about its files can be read.
    folder = os.path.join(copies, os.path.basename(path.rstrip("/")) or "table")
    root = path.rstrip("/") + "/"
    os.mkdir(folder)
    for each in every:
        inner = each.path.removeprefix(root)
        target = os.path.join(folder, inner)
        if each.type.name == "File" and os.path.normpath(target).startswith(folder + os.sep):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.move(_fetched(store, each, f"{name.rstrip('/')}/{inner}"), target)
    return open_parts(folder, ways)
