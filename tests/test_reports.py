"""What a result looks like in every form: literal pages of one small result, made by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from divtool.reports import render
from divtool.reports.markdown import markdown_table
from divtool.reports.safetext import safe
from divtool.reports.table import as_table, number
from divtool.result import InputReport, MeasureResult, Result, WorstRow

PREDS = InputReport(
    path="preds.csv", format="csv", dtype="text", rows=1200, columns=6, roles=("q",), classes=3,
    class_names=("cat", "cow", "dog"), kind="probs", evidence="row sums 1 +- 2e-16", id_column="id",
    excluded=(("id", "names the rows"), ("note", "text"), ("fold", "by its name no class")),
)  # fmt: skip
LABELS = InputReport(
    path="labels.csv", format="csv", dtype="text", rows=1200, columns=2, roles=("labels",), labels="class names",
    label_column="truth", id_column="id",
)  # fmt: skip
CE = MeasureResult(
    measure="ce", title="Cross-entropy", direction=None, value=math.inf, unit="bits", reduction="mean",
    denominator=("sum of weights", 2345.5), n=1195, rows=1200, ignored=5, infinite=2, nan=1, finite_mean=0.1,
    std_error=math.nan, minimum=1e-17, maximum=math.inf,
    quantiles={"p50": 0.25, "p90": 1.0 / 3.0, "p99": math.inf}, quantile_bound=0.001,
    worst=(WorstRow(17, math.inf), WorstRow(40, math.inf)), first_infinite=(17, 40), first_nan=(3,), better="lower",
)  # fmt: skip
RESULT = Result(
    version="0.1.0", command="ce", kernels="c", inputs=(PREDS, LABELS),
    matched=('rows matched by the column "id"', "labels matched by name"), results=(CE,),
    warnings=("3 rows sum to 1 only within the rounding of their decimals",), written=("rows.csv",), rows=1200,
    settings={"label_smoothing": 0.1, "class_weight": {"cat": 2.0, "cow": 1.0, "dog": math.inf}},
)  # fmt: skip

TABLE = """\
q       preds.csv   csv, 1,200 x 3   probabilities (row sums 1 +- 2e-16); classes cat, cow, dog;
                                     left out "note" (text), "fold" (by its name no class)
labels  labels.csv  csv, 1,200 rows  class names in "truth"
matched rows by the column "id"; labels by name

Cross-entropy   inf +- nan bits
mean over 1,195 rows, weights sum to 2345.5; 5 ignored; 2 infinite (first rows 17, 40), finite rows
alone 0.1; 1 NaN (first rows 3); label smoothing 0.1

  min   median       p90   p99   max
1e-17     0.25   0.33333   inf   inf   in row 17
quantiles to within a relative 0.001

worst rows
row  value
 17    inf
 40    inf
"""

TSV = (
    "measure\tvalue\tstd_error\tunit\treduction\tn\tignored\tinfinite\tnan\tfinite_mean\tp50\tp90\tp99\tmax\tmax_row"
    "\tdirection\tdropped\tmissing\tdenominator\tworst_rows\n"
    "ce\tinf\tnan\tbits\tmean\t1195\t5\t2\t1\t0.1\t0.25\t0.3333333333333333\tinf\tinf\t17\t\t0\t0\t2345.5\t17 40\n"
)

MARKDOWN = """\
| measure | value | std_error | unit | reduction | n | ignored | infinite | nan | finite_mean | p50 | p90 | p99 \
| max | max_row | direction | dropped | missing | denominator | worst_rows |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| ce | inf | nan | bits | mean | 1195 | 5 | 2 | 1 | 0.1 | 0.25 | 0.3333333333333333 | inf \
| inf | 17 |  | 0 | 0 | 2345.5 | 17 40 |
"""

LINE = {
    "schema": "divtool/1", "divtool": "0.1.0", "command": "ce", "kernels": "c", "measure": "ce", "label": "ce",
    "parameters": {}, "direction": None, "of": None, "value": "Infinity", "unit": "bits", "reduction": "mean",
    "denominator": {"name": "sum of weights", "value": 2345.5}, "n": 1195, "rows": 1200, "ignored": 5,
    "dropped": 0, "missing": 0, "infinite": 2, "nan": 1,
    "finite_mean": 0.1, "std_error": "NaN", "min": 1e-17, "max": "Infinity",
    "quantiles": {"p50": 0.25, "p90": 0.3333333333333333, "p99": "Infinity"}, "quantile_bound": 0.001,
    "worst": [{"row": 17, "value": "Infinity"}, {"row": 40, "value": "Infinity"}], "first_infinite": [17, 40],
    "first_nan": [3], "candidate": None, "units": "rows",
}  # fmt: skip


class TestSnapshots:
    def test_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        assert as_table(RESULT, digits=7, terminal=False, width=100) == TABLE

    def test_table_of_another_width_holds_the_same_words(self) -> None:
        narrow = as_table(RESULT, digits=7, terminal=False, width=60)
        assert max(map(len, narrow.splitlines())) <= 60
        assert "".join(sorted("".join(narrow.split()))) == "".join(sorted("".join(TABLE.split())))

    def test_tsv(self) -> None:
        assert render(RESULT, "tsv") == TSV

    def test_csv(self) -> None:
        assert render(RESULT, "csv") == TSV.replace("\t", ",")

    def test_markdown(self) -> None:
        assert render(RESULT, "md") == MARKDOWN

    def test_json_lines(self) -> None:
        text = render(RESULT, "jsonl")
        assert text.endswith("}\n")
        assert json.loads(text) == LINE
        assert list(json.loads(text)) == list(LINE)

    def test_json(self) -> None:
        whole = json.loads(render(RESULT, "json"))
        head = {name: LINE[name] for name in ("schema", "divtool", "command", "kernels")}
        assert head | whole["results"][0] == LINE
        assert whole["settings"] == {
            "label_smoothing": 0.1,
            "class_weight": {"cat": 2.0, "cow": 1.0, "dog": "Infinity"},
        }
        assert list(whole["inputs"]) == ["q", "labels"]
        assert "classes" not in whole["inputs"]["labels"]
        assert whole["written"] == ["rows.csv"]
        assert [whole[name] for name in ("candidates", "verdict", "groups", "gates")] == [[], None, [], []]

    @pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "tsv", "md", "html"])
    def test_every_form_ends_with_a_line(self, form: str) -> None:
        text = render(RESULT, form)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert "\x1b" not in text

    def test_no_measure_no_lines(self) -> None:
        empty = replace(RESULT, results=())
        assert (render(empty, "tsv"), render(empty, "md"), render(empty, "jsonl")) == ("", "", "")

    def test_a_direction_names_the_files(self) -> None:
        pair = (replace(PREDS, path="a/p.csv", roles=("p",)), replace(PREDS, path="b/q.csv", roles=("q",)))
        kl = replace(CE, title="Kullback-Leibler divergence", direction="KL(p || q)", value=0.5, std_error=None)
        text = as_table(replace(RESULT, inputs=pair, results=(kl,)), digits=7, terminal=False, width=100)
        assert "\nKullback-Leibler divergence  KL(p.csv || q.csv)   0.5 bits\n" in text

    def test_colour_and_bold_for_a_terminal_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("NO_COLOR", "TERM", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        coloured = as_table(RESULT, digits=7, terminal=True, width=100)
        assert "\x1b[1;36minf\x1b[0m" in coloured
        monkeypatch.setenv("NO_COLOR", "1")
        assert "36m" not in as_table(RESULT, digits=7, terminal=True, width=100)

    def test_bars_in_a_name_do_not_split_a_cell(self) -> None:
        assert markdown_table([["a|b"], ["c"]]) == "| a\\|b |\n|---|\n| c |\n"


class TestSafe:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain, caf\u00e9 \u732b", "plain, caf\u00e9 \u732b"),
            ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
            ("a\nb\tc\rd\x00", r"a\x0ab\x09c\x0dd\x00"),
            ("\x7f\x9b1m", r"\x7f\x9b1m"),
            ("\u202eevil\u2066", r"\u202eevil\u2066"),
            ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
            ("\u2028\u2029", r"\u2028\u2029"),
            ("\x1b]8;;http://x\x07link", r"\x1b]8;;http://x\x07link"),
            ("[bold]b[/bold] :smile:", "[bold]b[/bold] :smile:"),
            ("\ud800", r"\ud800"),
            ("\U000e0041", r"\ue0041"),
        ],
        ids=lambda text: ascii(text)[:20],
    )
    def test_hostile_text(self, text: str, shown: str) -> None:
        assert safe(text) == shown

    @pytest.mark.parametrize("width", range(4, 40))
    def test_cut_to_a_width(self, width: int) -> None:
        cut = safe("abcdefghijklmnopqrstuvwxyz0123456789-and-more", width)
        assert len(cut) == width
        assert cut.startswith("a")
        assert "..." in cut

    def test_the_end_of_a_long_path_is_kept(self) -> None:
        assert safe("folder/" * 60 + "last.npy").endswith("last.npy")

    def test_what_fits_is_left_alone(self) -> None:
        assert safe("x" * 200) == "x" * 200

    def test_escapes_count(self) -> None:
        assert len(safe("\x1b" * 300)) <= 200


class TestNumber:
    @pytest.mark.parametrize(
        ("value", "digits", "shown"),
        [
            (0.15354745571571216, 7, "0.1535475"),
            (2.0, 7, "2"),
            (0.0, 7, "0"),
            (-1.5, 7, "-1.5"),
            (1e-300, 5, "1e-300"),
            (123456789.0, 4, "1.235e+08"),
            (math.inf, 5, "inf"),
            (-math.inf, 5, "-inf"),
            (math.nan, 5, "nan"),
            (9.9999999, 3, "10"),
        ],
    )
    def test_significant_digits(self, value: float, digits: int, shown: str) -> None:
        assert number(value, digits) == shown
