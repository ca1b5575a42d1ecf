"""Write the example files: out-of-fold outputs of real models on five data sets that scikit-learn carries.

    python examples/make_data.py [FOLDER]        (default: examples/data beside this script)

Out-of-fold means that each row was scored by a model that had not seen it, as a test set would be. Seeds are fixed and
one thread computes, so a second run on the same machine writes the same bytes.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.linear_model import BayesianRidge, LogisticRegression, PoissonRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

SEED = 2026
IRIS_COLUMNS = ("virginica", "setosa", "versicolor")  # not in alphabetical order: columns are matched by name
CULTIVARS = ("Barolo", "Grignolino", "Barbera")  # the names of classes 0, 1, 2 in the wine data's own paper

Floats = NDArray[np.float64]


class MLPWithLogits(MLPClassifier):
    """A small neural network that also tells what went into its softmax."""

    def decision_function(self, X: Floats) -> Floats:
        """Return the logits, one row per row of `X`."""
        hidden, output = zip(self.coefs_, self.intercepts_, strict=True)
        return np.maximum(X @ hidden[0] + hidden[1], 0) @ output[0] + output[1]


def out_of_fold(model: BaseEstimator, X: Floats, y: NDArray[np.int64], method: str) -> Floats:
    """Return what `model.method` says of each row when trained on the folds the row is not in."""
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
    return np.asarray(cross_val_predict(model, X, y, cv=folds, method=method))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as text; floats as the shortest decimals that read back to the same double."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_iris(folder: Path) -> None:
    """Write probabilities and labels as two CSV files whose rows and classes stand in different orders."""
    iris = load_iris()
    names = [str(name) for name in iris.target_names]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    probs = out_of_fold(model, iris.data, iris.target, "predict_proba")
    probs = probs[:, [names.index(column) for column in IRIS_COLUMNS]]
    ids = [f"flower-{number:03d}" for number in range(1, len(probs) + 1)]
    rng = np.random.default_rng(SEED)
    preds = ([ids[row], *probs[row].tolist()] for row in rng.permutation(len(ids)))
    labels = ([ids[row], names[iris.target[row]]] for row in rng.permutation(len(ids)))
    write_csv(folder / "preds.csv", ["id", *IRIS_COLUMNS], preds)
    write_csv(folder / "labels.csv", ["id", "species"], labels)
    logs = out_of_fold(model, iris.data, iris.target, "predict_log_proba")
    write_csv(folder / "log_preds.csv", ["id", *names], ([ids[row], *logs[row].tolist()] for row in range(len(ids))))


def write_digits(folder: Path) -> None:
    """Write the logits of two models, the labels, and soft labels from a vote of neighbours, as NPY."""
    digits = load_digits()
    X, y = digits.data / 16, digits.target
    linear = LogisticRegression(max_iter=1000)
    network = MLPWithLogits((32,), max_iter=1000, random_state=SEED)
    votes = KNeighborsClassifier(n_neighbors=8)  # eighths are exact in binary: every row sums to exactly 1
    for name, model in {"a": linear, "b": network}.items():
        logits = out_of_fold(model, X, y, "decision_function")
        np.save(folder / f"digits_{name}.npy", logits.astype(np.float32))
    np.save(folder / "digits_labels.npy", y.astype(np.int64))
    soft = out_of_fold(votes, X, y, "predict_proba")
    np.save(folder / "digits_soft.npy", soft)
    np.save(folder / "votes.npy", np.round(soft * 8).astype(np.uint8))
    write_spectra(folder, digits.data, y)
    write_vectors(folder, network, X, y)


def write_spectra(folder: Path, ink: Floats, y: NDArray[np.int64]) -> None:
    """Write how much ink falls on each of the 64 pixels, a row a digit: the first half of the images, and the rest."""
    half = np.arange(len(y)) < len(y) // 2
    for name, chosen in {"a": half, "b": ~half}.items():
        total = np.array([ink[chosen & (y == digit)].sum(axis=0) for digit in range(10)])
        np.save(folder / f"ink_{name}.npy", (total + 1).astype(np.int32))


def write_vectors(folder: Path, network: MLPWithLogits, X: Floats, y: NDArray[np.int64]) -> None:
    """Write the hidden units of 300 digits and of 300 others, and whether the two of a row are the same digit."""
    network.fit(X, y)
    hidden = np.maximum(X @ network.coefs_[0] + network.intercepts_[0], 0).astype(np.float32)
    np.save(folder / "vectors_a.npy", hidden[:300])
    np.save(folder / "vectors_b.npy", hidden[300:600])
    np.save(folder / "alike.npy", np.where(y[:300] == y[300:600], 1, -1).astype(np.int8))


def write_wine(folder: Path) -> None:
    """Write ids, probabilities and true cultivars as one Parquet table."""
    wine = load_wine()
    model = GaussianNB()
    probs = out_of_fold(model, wine.data, wine.target, "predict_proba")
    columns: dict[str, object] = {"id": [f"wine-{number:03d}" for number in range(1, len(probs) + 1)]}
    columns |= {name: pa.array(probs[:, k]) for k, name in enumerate(CULTIVARS)}
    columns["cultivar"] = pa.DictionaryArray.from_arrays(wine.target.astype(np.int8), list(CULTIVARS))
    pq.write_table(pa.table(columns), folder / "wine.parquet", use_dictionary=["cultivar"], compression="zstd")


def write_tumours(folder: Path) -> None:
    """Write the logit that a tumour is benign, and whether it was: one yes-or-no question a row."""
    data = load_breast_cancer()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    logits = out_of_fold(model, data.data, data.target, "decision_function")
    ids = range(1, len(logits) + 1)
    write_csv(folder / "tumours.csv", ["id", "benign"], zip(ids, logits.tolist(), strict=True))
    write_csv(folder / "tumour_labels.csv", ["id", "benign"], zip(ids, data.target.tolist(), strict=True))


def write_diabetes(folder: Path) -> None:
    """Write a regression: the observed progression, a mean and a variance for each patient, and a rate's logarithm."""
    X, y = load_diabetes(return_X_y=True)
    mean, deviation = np.empty(len(y)), np.empty(len(y))
    for train, test in KFold(5, shuffle=True, random_state=SEED).split(X):
        mean[test], deviation[test] = BayesianRidge().fit(X[train], y[train]).predict(X[test], return_std=True)
    rate = cross_val_predict(PoissonRegressor(max_iter=1000), X, y, cv=KFold(5, shuffle=True, random_state=SEED))
    columns = {"observed": y, "mean": mean, "variance": deviation**2, "lograte": np.log(rate)}
    for name, values in columns.items():
        np.save(folder / f"diabetes_{name}.npy", values[:, None])


def write_worms(folder: Path) -> None:
    """Write how many teeth the worms of a widely copied tutorial have: shares of 0 to 10 teeth."""
    shares = (0.02, 0.03, 0.05, 0.14, 0.16, 0.15, 0.12, 0.08, 0.1, 0.08, 0.07)
    write_csv(folder / "worms.csv", ["teeth", "probability"], enumerate(shares))


def write_kicks(folder: Path) -> None:
    """Write in how many of 200 years of a Prussian cavalry corps so many men died by the kick of a horse."""
    write_csv(folder / "kicks.csv", ["deaths", "count"], enumerate([109, 65, 22, 3, 1]))


# Applicants to graduate schools at Berkeley in 1973: department, and how many men and women were admitted and not.
ADMISSIONS = {
    "A": ((512, 313), (89, 19)), "B": ((353, 207), (17, 8)), "C": ((120, 205), (202, 391)),
    "D": ((138, 279), (131, 244)), "E": ((53, 138), (94, 299)), "F": ((22, 351), (24, 317)),
}  # fmt: skip


def write_admissions(folder: Path) -> None:
    """Write a table of counts: who applied where, and was admitted or not."""
    rows = [
        (department, gender, admitted, applicants)
        for department, genders in ADMISSIONS.items()
        for gender, pair in zip(("man", "woman"), genders, strict=True)
        for admitted, applicants in zip(("yes", "no"), pair, strict=True)
    ]
    write_csv(folder / "admissions.csv", ["department", "gender", "admitted", "applicants"], rows)


def write_wines(folder: Path) -> None:
    """Write what was measured of the wines, beside their cultivar."""
    wine = load_wine()
    names = [name.replace("/", "_of_") for name in wine.feature_names]
    rows = ((CULTIVARS[k], *row) for k, row in zip(wine.target, wine.data.tolist(), strict=True))
    write_csv(folder / "wines.csv", ["cultivar", *names], rows)


def main(folder: Path) -> None:
    """Write every example file into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    writers: list[Callable[[Path], None]] = [
        write_iris, write_digits, write_wine, write_tumours, write_diabetes, write_worms,
        write_kicks, write_admissions, write_wines,
    ]  # fmt: skip
    with threadpool_limits(1):
        for write in writers:
            write(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "data")
