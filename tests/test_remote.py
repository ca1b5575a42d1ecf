"""Addresses: what a store holds is read like a file; a store that does not answer, or lies, is an error in one line."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.fs as stores
import pytest
from test_formats import numbers_of, refusal, rows_of, same_bits

from divtool.errors import InputError, ResourceError, UsageError
from divtool.formats import remote
from divtool.formats.opening import open_file, open_source
from divtool.formats.source import Container, Selection

NUMBERS = np.random.default_rng(2).standard_normal((50, 3))


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for a bucket of any store."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    inside = stores.SubTreeFileSystem(str(folder), stores.LocalFileSystem())
    monkeypatch.setattr(remote, "_connected", lambda name: (inside, name.partition("://")[2].partition("/")[2]))
    return folder


class TestStores:
    @pytest.mark.parametrize("scheme", ["s3", "gs", "abfss", "hf", "S3"])
    def test_an_object(self, scheme: str, bucket: Path) -> None:
        np.save(bucket / "x.npy", NUMBERS)
        source = open_source(f"{scheme}://b/x.npy")
        assert source.header.path == f"{scheme}://b/x.npy"
        (bucket / "x.npy").unlink()
        assert same_bits(rows_of(source, Selection(range(3)))[0], NUMBERS)
        source.check_unchanged()

    def test_a_file_of_several_arrays(self, bucket: Path) -> None:
        np.savez(bucket / "x.npz", p=NUMBERS, q=NUMBERS[1:])
        found = open_file("s3://b/x.npz")
        assert isinstance(found, Container)
        assert found.path == "s3://b/x.npz"
        assert same_bits(rows_of(found.open("q"), Selection(range(3)))[0], NUMBERS[1:])

    def test_a_packed_text_is_unpacked_once(self, bucket: Path) -> None:
        (bucket / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n0.25,0.75\n"))
        (bucket / "y.csv.gz").write_bytes(b"a,b\n0.25,0.75\n")
        assert numbers_of("s3://b/x.csv.gz").tolist() == [[0.25, 0.75]]
        assert numbers_of("s3://b/y.csv.gz").tolist() == [[0.25, 0.75]]

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_folder_is_a_table_in_parts(self, slash: str, bucket: Path) -> None:
        (bucket / "preds" / "fold=2").mkdir(parents=True)
        for number, first in ((10, 30), (2, 15), (1, 0)):
            np.save(bucket / "preds" / "fold=2" / f"part-{number}.npy", NUMBERS[first:][: 15 if first < 30 else 20])
        source = open_source(f"s3://b/preds{slash}")
        assert same_bits(rows_of(source, Selection(range(3)))[0], NUMBERS)

    def test_nothing_there(self, bucket: Path) -> None:
        error = refusal(open_file, "s3://b/gone.npy")
        assert error.path == "s3://b/gone.npy"
        assert "bucket" in error.hint

    def test_an_object_that_is_no_table(self, bucket: Path) -> None:
        (bucket / "x").write_bytes(b"%PDF-1.7\n")
        assert refusal(open_file, "s3://b/x").path == "s3://b/x"

    def test_an_object_that_grows(self, bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        np.save(bucket / "x.npy", NUMBERS)

        def spool(stream: Any, guard: Any) -> str:
            path = true_spool(stream, guard)
            guard.size -= 1
            return path

        true_spool = remote.spool
        monkeypatch.setattr(remote, "spool", spool)
        error = refusal(open_file, "s3://b/x.npy")
        assert "of which" in error.message
        assert error.hint


class TestErrors:
    @pytest.mark.parametrize("name", ["https://example.org/x.npy", "http://example.org/x.csv", "ftp://example.org/x"])
    def test_the_web_is_not_fetched(self, name: str) -> None:
        error = refusal(open_file, name)
        assert error.path == name
        assert error.hint == f"fetch it first: curl -LO '{name}'"

    def test_an_unknown_scheme(self) -> None:
        with pytest.raises(UsageError, match="s4://") as caught:
            open_file("s4://b/x.npy")
        assert "s3://" in caught.value.hint

    @pytest.mark.parametrize(
        ("said", "hint"),
        [
            ("AWS Error ACCESS_DENIED during HeadObject operation: No response body.", "AWS_PROFILE"),
            ("AWS Error NO_SUCH_BUCKET during HeadBucket operation", "bucket"),
            ("two\nlines\x1b[31m of it", "bucket"),
        ],
    )
    def test_what_a_store_says_is_one_line(self, said: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def connected(name: str) -> None:
            raise OSError(said)

        monkeypatch.setattr(remote, "_connected", connected)
        error = refusal(open_file, "s3://b/x.npy")
        assert error.path == "s3://b/x.npy"
        assert hint in error.hint
        assert "\n" not in error.message

    def test_a_store_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class NoStore:
            @staticmethod
            def from_uri(name: str) -> None:
                raise ImportError("fsspec")

        monkeypatch.setattr(stores, "FileSystem", NoStore)
        with pytest.raises(ResourceError, match="huggingface_hub") as caught:
            open_file("hf://datasets/a/b/x.npy")
        assert "pip install" in caught.value.hint


class TestLocalAddresses:
    def test_a_file(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a b.npy", NUMBERS)
        name = f"file://{tmp_path}/a%20b.npy"
        source = open_source(name)
        assert source.header.path == name
        assert same_bits(rows_of(source, Selection(range(3)))[0], NUMBERS)
        np.save(tmp_path / "a b.npy", NUMBERS[1:])
        assert refusal(source.check_unchanged).path == name

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nothing at this address"):
            open_file(f"file://{tmp_path}/gone.npy")

    @pytest.mark.parametrize("name", ["file://", "file://nowhere.npy", "s3://", "file:///\0"])
    def test_half_an_address(self, name: str, bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if name.startswith("file"):
            monkeypatch.undo()
        refusal(open_file, name)

    def test_a_path_that_looks_like_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "s3:").mkdir()
        np.save(tmp_path / "s3:" / "x.npy", NUMBERS)
        monkeypatch.chdir(tmp_path)
        assert same_bits(numbers_of("s3://x.npy"), NUMBERS)
