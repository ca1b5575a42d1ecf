"""Files of several arrays: what NumPy and others wrote is read bit for bit, and nothing that a file claims is believed
before it was held against the file."""

from __future__ import annotations

import io
import pickle
import struct
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_formats import CUTS, STORED, Canary, refusal, rows_of, same_bits, write_some_rows

from divtool.errors import InputError
from divtool.formats import npz, zip_directory
from divtool.formats.keys import IntegerKeys, text_keys
from divtool.formats.opening import open_file, open_source
from divtool.formats.source import FLOAT, Container, Selection, Source
from divtool.formats.writing import row_file

SAVERS = {"stored": np.savez, "deflated": np.savez_compressed}
ROWS = 150


@pytest.fixture(params=SAVERS)
def saver(request: pytest.FixtureRequest) -> Any:
    return SAVERS[request.param]


def container(path: str | Path) -> Container:
    found = open_file(str(path))
    assert isinstance(found, Container)
    return found


def all_of(source: Source, **options: Any) -> np.ndarray:
    """Every row of every column, and the check that follows the last row."""
    rows = rows_of(source, Selection(range(source.header.width)), **options)[0]
    source.check_unchanged()
    return rows


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


def npy_bytes(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


NUMBERS = np.random.default_rng(3).standard_normal((ROWS, 3))


class TestNpz:
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", STORED)
    def test_element_types(self, saver: Any, dtype: str, order: Any, tmp_path: Path) -> None:
        array = np.asarray(np.array([[0, 1, 5], [7, 100, 1]]).astype(dtype), order=order)
        saver(tmp_path / "x.npz", first=array, second=np.zeros(2))
        source = container(tmp_path / "x.npz").open("first")
        assert all_of(source).tolist() == array.astype(np.float64).tolist()
        assert source.header.dtype == array.dtype.name

    def test_members(self, saver: Any, tmp_path: Path) -> None:
        arrays = {"logits": np.zeros((4, 3), np.float16), "labels": np.zeros(4, np.int64), "a/b": np.array(["x", "é"])}
        saver(tmp_path / "x.npz", **arrays)
        found = container(tmp_path / "x.npz")
        assert (found.format, found.path) == ("npz", str(tmp_path / "x.npz"))
        said = {each.name: (each.shape, each.dtype) for each in found.members}
        assert said == {"logits": ((4, 3), "float16"), "labels": ((4,), "int64"), "a/b": ((2,), "text")}
        assert found.open("labels").header.path == f"{tmp_path / 'x.npz'}:labels"
        assert rows_of(found.open("a/b"), Selection((), (0,)))[1] == [["x", "é"]]

    def test_one_array_is_a_table_of_its_own(self, saver: Any, tmp_path: Path) -> None:
        saver(tmp_path / "x.npz", NUMBERS)
        assert same_bits(all_of(open_source(str(tmp_path / "x.npz"))), NUMBERS)

    def test_a_choice_is_asked_for(self, saver: Any, tmp_path: Path) -> None:
        saver(tmp_path / "x.npz", p=NUMBERS, q=NUMBERS)
        assert refusal(open_source, str(tmp_path / "x.npz")).hint.endswith("x.npz:p")

    @pytest.mark.parametrize("axis", [0, 1, 2, None])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_any_axis(self, saver: Any, axis: int | None, order: Any, tmp_path: Path) -> None:
        array = np.random.default_rng(1).standard_normal((4, 3, 5)).astype(">f4")
        saver(tmp_path / "x.npz", before=np.ones(7), x=np.asarray(array, order=order))
        source: Any = container(tmp_path / "x.npz").open("x")
        turned = array[..., None] if axis is None else np.moveaxis(array, axis, -1)
        source = pickle.loads(pickle.dumps(source.with_class_axis(axis, "said")))
        assert source.header.arranged == "said"
        assert same_bits(all_of(source, block_bytes=50), turned.reshape(-1, turned.shape[-1]))

    def test_objects_are_refused_and_never_unpickled(self, saver: Any, tmp_path: Path) -> None:
        canary, objects = tmp_path / "canary", np.empty(2, object)
        objects[:] = [Canary(canary), 1]
        saver(tmp_path / "x.npz", objects=objects, logits=NUMBERS)
        found = container(tmp_path / "x.npz")
        error = refusal(found.open, "objects")
        assert error.path == f"{tmp_path / 'x.npz'}:objects"
        assert "pickle" in error.message
        assert error.hint
        assert same_bits(all_of(found.open("logits")), NUMBERS)
        assert not canary.exists()

    def test_files_that_are_no_arrays_are_passed_over(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "x.npz", {"readme.txt": b"hi", "x.npy": npy_bytes(NUMBERS), "folder/": b"", "n": b""})
        assert [each.name for each in container(path).members] == ["x"]

    def test_an_array_without_the_suffix(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "x.npz", {"x": npy_bytes(NUMBERS)})
        assert same_bits(all_of(open_source(path)), NUMBERS)

    def test_several_threads_at_once(self, saver: Any, tmp_path: Path) -> None:
        saver(tmp_path / "x.npz", x=NUMBERS)
        source, ready = open_source(str(tmp_path / "x.npz")), threading.Barrier(4)

        def read(_: int) -> np.ndarray:
            ready.wait()
            return all_of(source, block_bytes=24)

        with ThreadPoolExecutor(4) as pool:
            assert all(same_bits(each, NUMBERS) for each in pool.map(read, range(4)))

    def test_another_process_unpacks_for_itself(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "x.npz", x=NUMBERS)
        source = open_source(str(tmp_path / "x.npz"))
        state = pickle.dumps(source)
        Path(source.path).unlink()  # type: ignore[attr-defined]
        monkeypatch.setattr(npz, "_copies", {})
        assert same_bits(all_of(pickle.loads(state)), NUMBERS)
        np.savez_compressed(tmp_path / "x.npz", x=NUMBERS[1:])
        assert "changed" in refusal(pickle.loads, state).message

    @given(cuts=CUTS, block_bytes=st.integers(1, 5000), name=st.sampled_from(["c", "f"]))
    def test_slices(self, both: list[Container], cuts: list[int], block_bytes: int, name: str) -> None:
        for found in both:
            source = found.open(name)
            located = [source.locate(*pair) for pair in pairwise(cuts)]
            rows = rows_of(source, Selection((2, 0)), extents=located, block_bytes=block_bytes)[0]
            assert same_bits(rows, NUMBERS[cuts[0] : cuts[-1], [2, 0]])

    @pytest.fixture(scope="class")
    @staticmethod
    def both(tmp_path_factory: pytest.TempPathFactory) -> list[Container]:
        folder = tmp_path_factory.mktemp("npz")
        for name, save in SAVERS.items():
            save(folder / f"{name}.npz", c=NUMBERS, f=np.asfortranarray(NUMBERS.astype(">f8")))
        return [container(folder / f"{name}.npz") for name in SAVERS]


def read_damaged(path: Path) -> np.ndarray | None:
    """The array "x" of a file, or None where it is refused as it should be; any other error fails."""
    try:
        return all_of(container(path).open("x"))
    except InputError as error:
        return None if error.path.startswith(str(path)) else np.empty(0)
    except KeyError:
        return None


class TestHostileZips:
    def test_no_flipped_bits_pass(self, saver: Any, tmp_path: Path) -> None:
        """Wherever it is: the file is refused, or what was flipped says nothing of the numbers."""
        path, numbers = tmp_path / "x.npz", np.arange(6.0).reshape(2, 3)
        saver(path, x=numbers)
        whole, refused = path.read_bytes(), 0
        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            if whole[:4] == damaged[:4]:
                got = read_damaged(path)
                refused += got is None
                assert got is None or same_bits(got, numbers)
        assert refused > len(whole) // 3

    def test_no_cut_passes(self, saver: Any, tmp_path: Path) -> None:
        path = tmp_path / "x.npz"
        saver(path, x=NUMBERS)
        whole = path.read_bytes()
        for kept in [*range(4, 200, 7), len(whole) // 2, *range(len(whole) - 120, len(whole))]:
            path.write_bytes(whole[:kept])
            error = refusal(container, path)
            assert (error.path, bool(error.hint)) == (str(path), True)

    def test_a_stored_array_is_checked_after_its_last_row(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", x=NUMBERS, y=NUMBERS)
        whole = bytearray((tmp_path / "x.npz").read_bytes())
        whole[whole.index(NUMBERS.tobytes()) + 99] ^= 1
        (tmp_path / "x.npz").write_bytes(whole)
        found = container(tmp_path / "x.npz")
        all_of(found.open("y"))
        error = refusal(found.open("x").check_unchanged)
        assert error.path.endswith("x.npz:x")
        assert "checksum" in error.message
        assert error.hint

    @pytest.mark.parametrize("promised", [-8, 8, 1 << 40])
    def test_a_size_that_is_not_kept(self, promised: int, tmp_path: Path) -> None:
        """The directory and the header before the data both say another size."""
        data = npy_bytes(NUMBERS)
        path = Path(zipped(tmp_path / "x.npz", {"x.npy": data}, zipfile.ZIP_DEFLATED))
        size = struct.pack("<L", min(len(data) + promised, 0xFFFFFFF0))
        path.write_bytes(path.read_bytes().replace(struct.pack("<L", len(data)), size))
        error = refusal(container(path).open, "x")
        assert error.hint

    def test_a_bomb_in_small(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1 << 17, 8)))
        assert container(tmp_path / "x.npz").open("x").count() == 1 << 17
        monkeypatch.setattr(npz, "_HARMLESS", 1 << 16)
        monkeypatch.setattr(npz, "_copies", {})
        error = refusal(container(tmp_path / "x.npz").open, "x")
        assert "bomb" in error.message
        assert error.path.endswith("x.npz:x")

    def test_a_directory_that_claims_too_much(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", **{f"a{i}": np.zeros(1) for i in range(50)})
        assert len(container(tmp_path / "x.npz").members) == 50
        monkeypatch.setattr(zip_directory, "LARGEST_DIRECTORY", 1 << 10)
        assert "directory claims" in refusal(container, tmp_path / "x.npz").message

    def test_another_way_of_packing(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "x.npz", {"x.npy": npy_bytes(NUMBERS)}, zipfile.ZIP_LZMA)
        assert refusal(open_source, path).hint

    def test_encrypted(self, tmp_path: Path) -> None:
        path = Path(zipped(tmp_path / "x.npz", {"x.npy": npy_bytes(NUMBERS)}))
        damaged = bytearray(path.read_bytes())
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            damaged[damaged.index(mark) + place] |= 1
        path.write_bytes(damaged)
        error = refusal(container, path)
        assert "encrypted" in error.message
        assert error.hint

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_two_arrays_of_one_name(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            for i in range(2):
                archive.writestr("x.npy", npy_bytes(NUMBERS + i))
        assert 'two arrays are named "x"' in refusal(container, tmp_path / "x.npz").message

    def test_entries_that_lie_over_each_other(self, tmp_path: Path) -> None:
        path = Path(zipped(tmp_path / "x.npz", {"x.npy": npy_bytes(NUMBERS), "y.npy": npy_bytes(NUMBERS)}))
        whole = bytearray(path.read_bytes())
        second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
        whole[second + 42 : second + 46] = bytes(4)
        path.write_bytes(whole)
        assert refusal(container, path).hint

    def test_a_file_may_be_larger_than_the_old_zip_allows(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive, archive.open("x.npy", "w", force_zip64=True) as file:
            file.write(npy_bytes(NUMBERS))
        assert same_bits(all_of(open_source(str(tmp_path / "x.npz"))), NUMBERS)


OTHER_ZIPS = {
    "torch": (["archive/data.pkl", "archive/data/0", "archive/version"], "PyTorch", "numpy.save"),
    "excel": (["[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"], "Excel", "CSV"),
    "keras": (["metadata.json", "config.json", "model.weights.h5"], "Keras", "np.save"),
    "pickles": (["model.pkl"], "pickle", "np.save"),
    "tables": (["preds.csv", "labels.csv"], "preds.csv", "unzip"),
    "empty": ([], "empty", "NPZ"),
}


class TestOtherZips:
    @pytest.mark.parametrize(("names", "what", "hint"), OTHER_ZIPS.values(), ids=OTHER_ZIPS)
    def test_are_named_for_what_they_are(self, names: list[str], what: str, hint: str, tmp_path: Path) -> None:
        path = zipped(tmp_path / "x.npz", dict.fromkeys(names, b"\x80\x04K\x01."))
        error = refusal(open_file, path)
        assert error.path == path
        assert what in error.message
        assert hint in error.hint

    def test_an_array_that_is_none(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "x.npz", {"logits.npy": b"not an array"})
        assert refusal(open_file, path).path == path


class TestUntypedNpy:
    def test_bfloat16_as_others_save_it(self, tmp_path: Path) -> None:
        """A cell of two bytes without a type: the upper half of a float32."""
        numbers = np.array([[1.5, -2.0, 0.0078125], [np.inf, -np.inf, 3.0]], np.float32)
        halves = (numbers.view(np.uint32) >> 16).astype(np.uint16)
        np.save(tmp_path / "x.npy", halves.view("V2"))
        source = open_source(str(tmp_path / "x.npy"))
        assert (source.header.dtype, list(source.header.types)) == ("bfloat16", [FLOAT] * 3)
        assert "bfloat16" in source.header.notes[0]
        assert same_bits(all_of(source), numbers)


class TestNpzWriter:
    @pytest.mark.parametrize("single", [True, False])
    def test_numpy_reads_it(self, single: bool, tmp_path: Path) -> None:
        numbers, path = NUMBERS[:, : 1 if single else 3], str(tmp_path / "x.npz")
        with row_file(path, ["row", "id", "values"], ["a", "b", "c"][: numbers.shape[1]], single=single) as writer:
            for start in range(0, ROWS, 40):
                rows = np.arange(start, min(start + 40, ROWS))
                keys = [IntegerKeys(rows), text_keys([f"r{i}" for i in rows]), IntegerKeys(rows + 2**60)]
                writer.write(keys, numbers[start : start + 40])
        with np.load(path) as loaded:
            assert sorted(loaded) == ["row", "values", "values_"]
            assert loaded["row"].tolist() == list(range(ROWS))
            assert loaded["values_"].tolist() == [i + 2**60 for i in range(ROWS)]
            assert same_bits(loaded["values"].reshape(numbers.shape), numbers)
        assert same_bits(all_of(container(path).open("values")), numbers)

    def test_no_rows(self, tmp_path: Path) -> None:
        with row_file(str(tmp_path / "x.npz"), ["row"], ["a", "b"]):
            pass
        assert container(tmp_path / "x.npz").open("values").count() == 0

    @pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
    def test_an_error_among_rows_leaves_what_was_there(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(b"old")
        with pytest.raises(ValueError, match="stop"):
            write_some_rows(path)
        assert ([each.name for each in tmp_path.iterdir()], path.read_bytes()) == ([path.name], b"old")

    def test_a_column_that_turns_out_to_be_text_is_left_out(self, tmp_path: Path) -> None:
        with row_file(str(tmp_path / "x.npz"), ["id"], ["a"]) as writer:
            for key in (IntegerKeys(np.arange(2)), text_keys(["x", "y"]), IntegerKeys(np.arange(2))):
                writer.write([key], np.ones((2, 1)))
        with np.load(tmp_path / "x.npz") as loaded:
            assert {name: array.shape for name, array in loaded.items()} == {"values": (6, 1)}

    def test_same_rows_same_bytes(self, tmp_path: Path) -> None:
        for name in ("x.npz", "y.npz"):
            with row_file(str(tmp_path / name), [], ["a", "b", "c"]) as writer:
                writer.write([], NUMBERS)
        assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()
