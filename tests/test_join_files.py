"""The temporary files of a join: bounded, exact, whole whatever the disk does, and gone however the run ends."""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import peak_data

import divtool
from divtool.engine.asked import Asked
from divtool.engine.inputs import Slab
from divtool.engine.join import LeaderIds, Reordered, with_rows_in_order
from divtool.engine.local import Serial
from divtool.engine.matching import Tally, tally, targets
from divtool.engine.partitions import Partitions, partitions_for, write_at
from divtool.engine.prepare import prepare
from divtool.engine.records import Buckets, Layout, RecordFile
from divtool.engine.twins import hashed
from divtool.formats.keys import text_keys
from divtool.measures import load_families
from divtool.measures.declare import MEASURES
from divtool.options import Measuring, Reading, Running

RNG = np.random.default_rng(0)


def saved(folder: Path, name: str, ids: list[str], seed: int = 0, column: str = "c") -> str:
    """A table of logits with ids; the numbers of a row depend on its id alone."""
    numbers = {each: np.random.default_rng([seed, place]).normal(size=3) for place, each in enumerate(sorted(ids))}
    frame = pd.DataFrame([numbers[each] for each in ids], columns=[f"{column}{i}" for i in range(3)])
    frame.insert(0, "id", ids)
    frame.to_csv(folder / f"{name}.csv", index=False)
    return str(folder / f"{name}.csv")


def plan_of(*paths: str, threads: int = 1) -> Any:
    load_families()
    return prepare(
        [Asked(MEASURES.get("kl"), {})], paths, reading=Reading(), measuring=Measuring(),
        running=Running(threads=threads), keep_rows=False,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    ids = [f"r{i}" for i in range(200)]
    return saved(tmp_path, "p", ids, 1), saved(tmp_path, "q", RNG.permutation(ids).tolist(), 2)


@pytest.fixture
def spill(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path_factory.mktemp("spill")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


class TestHashes:
    def test_equal_texts_have_equal_hashes(self) -> None:
        texts = ["", "a", "b", "ab", "ba", "é", "x" * 200, "", "x" * 200]
        whole, parts = hashed(text_keys(texts).arrow()), [hashed(text_keys([text]).arrow())[0] for text in texts]
        assert whole.tolist() == parts
        assert hashed(text_keys(["pad", *texts]).part(1, 10).arrow()).tolist() == parts
        assert len(set(parts)) == 7

    @given(texts=st.lists(st.text(max_size=9)), window=st.integers(1, 12))
    def test_any_window(self, texts: list[str], window: int) -> None:
        whole = hashed(text_keys(texts).arrow()).tolist()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("divtool.engine.twins._WINDOW", window)
            assert hashed(text_keys(texts).arrow()).tolist() == whole

    def test_places_count(self) -> None:
        """Also those that are 64 characters apart."""
        texts = ["a" + "x" * 63 + "b", "b" + "x" * 63 + "a"]
        assert len(set(hashed(text_keys(texts).arrow()).tolist())) == 2


class TestPartitions:
    @given(
        ids=st.lists(st.text(max_size=30), unique=True, max_size=30),
        count=st.integers(1, 9), block=st.integers(1, 200), cut=st.integers(0, 30),
    )  # fmt: skip
    def test_what_goes_in_comes_out(
        self, tmp_path_factory: pytest.TempPathFactory, ids: list[str], count: int, block: int, cut: int
    ) -> None:
        parts = Partitions(str(tmp_path_factory.mktemp("parts")), "x", count)
        payload = np.array([(i, 2.5 * i) for i in range(len(ids))], dtype=[("a", np.int64), ("b", np.float64)])
        keys = text_keys(ids).arrow()
        for rows in (np.arange(cut, len(ids)), np.arange(min(cut, len(ids)))):
            parts.append(keys.take(rows), rows, payload[rows])
        found = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("divtool.engine.partitions.BLOCK_BYTES", block)
            for partition in range(count):
                first = 0
                for texts, rows in parts.blocks(partition):
                    records = np.empty(rows.size, payload.dtype)
                    parts.payload(partition, first, records)
                    assert records["a"].tolist() == rows.tolist()
                    assert rows.size == 1 or sum(map(len, map(str.encode, texts.to_pylist()))) + 16 * rows.size <= block
                    found += zip(rows.tolist(), texts.to_pylist(), strict=True)
                    first += rows.size
                parts.forget(partition)
        assert sorted(found) == list(enumerate(ids))
        assert os.listdir(parts.folder) == []

    def test_how_many(self) -> None:
        assert partitions_for(0, 0) == partitions_for(1000, 10) == 1
        assert partitions_for(200_000 * 1000, 1000) > 90
        assert partitions_for(1 << 50, 1 << 40) == 1024


class TestMatching:
    """One partition of several blocks against plain Python."""

    IDS = st.lists(st.sampled_from("abcdefghij"), max_size=12)

    @given(first=IDS, second=IDS, block=st.integers(1, 80))
    def test_against_the_definition(
        self, tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[str], block: int
    ) -> None:
        folder, sides = str(tmp_path_factory.mktemp("match")), []
        for name, ids in (("leader", first), ("follower", second)):
            sides.append(Partitions(folder, name, 1))
            backwards = np.arange(len(ids))[::-1]
            sides[-1].append(text_keys([ids[i] for i in backwards]).arrow(), backwards)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("divtool.engine.partitions.BLOCK_BYTES", block)
            found = tally(*sides, 0)
            pairs = [
                pair for _, rows, at in targets(*sides, 0) for pair in zip(rows.tolist(), at.tolist(), strict=True)
            ]
        lists = (first, second)
        twins = [next((i for i, each in enumerate(ids) if each in ids[:i]), None) for ids in lists]
        lost = [
            next((i for i, each in enumerate(ids) if each not in other), None) for ids, other in (lists, lists[::-1])
        ]
        common = sum(each in second for each in first)
        assert found == Tally((len(first), len(second)), common, tuple(twins), tuple(lost))
        assert sorted(row for row, _ in pairs) == list(range(len(second)))
        assert all(second[row] == first[at] if at >= 0 else second[row] not in first for row, at in pairs)


class TestRecords:
    def test_every_field_of_a_slab_survives(self) -> None:
        """Whatever is added to slabs must be added to records."""
        flags = np.array([True, False, True])
        slab = Slab(
            4, 3, RNG.normal(size=(3, 2)).astype(np.float32), np.array([2, 0, -1]), None, flags, ~flags, flags[::-1],
            RNG.random(3),
        )  # fmt: skip
        layout = Layout.of(slab)
        back = layout.slab(4, layout.records(slab))
        for each in fields(Slab):
            wanted, found = getattr(slab, each.name), getattr(back, each.name)
            assert np.array_equal(wanted, found) if isinstance(wanted, np.ndarray) else wanted == found

    def test_wide_rows_and_narrow_buckets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("divtool.engine.records.BUCKET_BYTES", 3 << 20)
        matrix, order = RNG.normal(size=(7, 150_000)), RNG.permutation(7)
        slab = Slab(0, 7, matrix, None, None)
        target = RecordFile(str(tmp_path / "rows"), Layout.of(slab), 9)
        records = target.layout.records(slab)
        records["row"] = order
        with Buckets(target) as buckets:
            assert len(buckets) == 5
            buckets.scatter(records[:3])
            buckets.scatter(records[3:])
            for bucket in range(len(buckets)):
                buckets.settle(bucket)
        found = target.layout.slab(0, target.read(0, 9))
        assert np.array_equal(found.matrix[order], matrix)
        assert found.missing.tolist() == [False] * 7 + [True] * 2
        assert np.isnan(found.matrix[7:]).all()

    def test_narrower_numbers_are_refused(self) -> None:
        layout = Layout(1, np.dtype(np.float32), False)
        with pytest.raises(TypeError):
            layout.records(Slab(0, 1, np.array([[0.1]]), None, None))

    def test_a_disk_that_takes_little_at_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.pwrite
        monkeypatch.setattr("os.pwrite", lambda file, data, offset: real(file, data[:3], offset))
        with open(tmp_path / "x", "w+b", buffering=0) as file:
            write_at(file, np.arange(5.0), 8)
        assert np.fromfile(tmp_path / "x").tolist() == [0.0, *np.arange(5.0)]


class TestEndings:
    """Whatever happens, no temporary file stays."""

    def test_a_run(self, files: tuple[str, str], spill: Path) -> None:
        divtool.kl(*files, threads=3)
        assert list(spill.iterdir()) == []

    @pytest.mark.parametrize("threads", [1, 3])
    @pytest.mark.parametrize(
        "where", ["partitions.Partitions.append", "matching.targets", "records.write_at", "records.read_at"]
    )
    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_an_error_of_the_system(
        self, files: tuple[str, str], spill: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException,
        threads: int,
    ) -> None:  # fmt: skip
        def fail(*_: Any) -> None:
            raise error

        monkeypatch.setattr(f"divtool.engine.{where}", fail)
        with pytest.raises(type(error)):
            divtool.kl(*files, threads=threads)
        assert list(spill.iterdir()) == []

    def test_a_second_file_that_does_not_fit(self, tmp_path: Path, files: tuple[str, str], spill: Path) -> None:
        """What was made for the first is removed at once, while the error is still in hand."""
        other = saved(tmp_path, "r", [f"r{i}" for i in range(1, 201)])
        with pytest.raises(divtool.InputError) as caught:
            divtool.compute("js-members", *files, other)
        assert list(spill.iterdir()) == []
        assert caught.value.row in (0, 199)


class TestPickles:
    def test_it_crosses_process_borders_as_names(self, files: tuple[str, str], spill: Path, tmp_path: Path) -> None:
        plan = plan_of(*files)
        made = with_rows_in_order(plan).inputs[1]
        assert isinstance(made, Reordered)
        data = pickle.dumps(made)
        assert len(data) < 20_000
        copy = pickle.loads(data)
        own = next(made.slabs(made.locate(0, 200), 1 << 20)).matrix
        del copy
        (tmp_path / "pickled").write_bytes(data)
        script = (
            "import json, pickle, sys\n"
            "made = pickle.load(open(sys.argv[1], 'rb'))\n"
            "slabs = list(made.slabs(made.locate(0, 200), 500))\n"
            "print(json.dumps([slab.matrix.tolist() for slab in slabs]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "pickled")], capture_output=True, text=True, check=True,
            timeout=60,
        )  # fmt: skip
        pieces = json.loads(done.stdout)
        assert len(pieces) > 1
        assert np.array_equal(np.concatenate(pieces), own)
        assert len(list(spill.iterdir())) == 1  # the copies have gone, and the file is still there
        made.close()
        assert list(spill.iterdir()) == []

    def test_rows_are_named_by_their_own_place(self, files: tuple[str, str]) -> None:
        leader, follower = plan_of(*files).inputs
        ids = LeaderIds(leader, [follower], Serial(), 1)
        made = Reordered(follower, ids)
        ids.close()
        order = [pd.read_csv(path)["id"].tolist() for path in files]
        for row in (0, 57, 199):
            assert made.place_of(row).row == order[1].index(order[0][row])
            assert made.place_of(row).line == order[1].index(order[0][row]) + 2


class TestBounds:
    @pytest.mark.parametrize("threads", [1, 2])
    def test_huge_ids(self, tmp_path: Path, threads: int) -> None:
        """Longer than a bucket, a window and a block."""
        ids = [f"{i}-" + "ab"[i % 2] * 200_000 + f"-{i % 7}" for i in range(40)]
        paths = [saved(tmp_path, "p", ids, 1), saved(tmp_path, "q", RNG.permutation(ids).tolist(), 2)]
        plain = saved(tmp_path, "plain", ids, 2)
        assert divtool.kl(*paths, threads=threads).value == divtool.kl(paths[0], plain, threads=threads).value

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured as Linux does it")
    def test_memory_does_not_grow_with_the_files(self, tmp_path: Path) -> None:
        peaks = []
        for name, copies in (("short", 1), ("long", 5)):
            paths = [tmp_path / f"{name}-{side}.csv" for side in "pq"]
            for path, order in zip(paths, (range(120_000), range(120_000)[::-1]), strict=True):
                with open(path, "w") as file:
                    file.write("id,c0,c1,c2\n")
                    for copy in range(copies):
                        file.writelines(f"a-rather-long-id-{copy}-{i:060d},0.5,{i}.25,-1.5\n" for i in order)
            peaks.append(peak_data(["kl", *paths, "-q", "-j", "2", "--given", "logits"]))
        assert os.path.getsize(paths[0]) > 50 << 20
        assert peaks[1] < peaks[0] + (48 << 20)
