"""The product's CSV against the truth: known counts, and errors that name file and line."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest

from semblante.emotions import EMOTIONS
from semblante.errors import SemblanteError
from semblante.export import AFTER_CLASSES, BEFORE_CLASSES
from semblante_worker.evaluation.results_csv import Compared, compare_results

HEADER = [*BEFORE_CLASSES, *(one.id for one in EMOTIONS), *AFTER_CLASSES]


def ok(path: str, emotion: str, probabilities: list[float], face: int = 0) -> list[str]:
    shares = [f"{one:.4f}" for one in probabilities]
    return [path, str(face), "ok", "", emotion, shares[0], *shares, *[""] * 8, "m@0"]


def bad(path: str, status: str, code: str = "") -> list[str]:
    return [path, "", status, code, *[""] * 17, "m@0"]


def one_hot(number: int) -> list[float]:
    return [0.94 if at == number else 0.01 for at in range(7)]


ROWS = [
    ok("a.jpg", "surprise", one_hot(0)),
    ok("a.jpg", "fear", one_hot(1), face=1),
    ok("b.jpg", "miedo", one_hot(1)),
    ok("'=c.jpg", "fear", [0.3333, 0.3333, 0.3334 - 0.0001, 0.0001, 0, 0, 0]),
    bad("d.jpg", "failed", "corrupt_image"),
    bad("e.jpg", "no_face"),
    ok("f.jpg", "anger", one_hot(5)),
    bad("b.jpg", "failed", "duplicate_path"),
]
TRUTH = "image_path,emotion,note\na.jpg,1,\nb.jpg,anger,x\n=c.jpg,fear,\nd.jpg,fear,\ne.jpg,6,\n"


def compare(
    folder: Path, truth: str = TRUTH, rows: list[list[str]] = ROWS, *, skip: bool = False
) -> Compared:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([HEADER, *rows])
    (folder / "r.csv").write_text(buffer.getvalue(), encoding="utf-8", newline="")
    (folder / "t.csv").write_text(truth, encoding="utf-8", newline="")
    return compare_results(
        folder / "r.csv", folder / "t.csv", lambda _model: None, skip_other_classes=skip
    )


def refusal(folder: Path, **changes: object) -> SemblanteError:
    with pytest.raises(SemblanteError) as caught:
        compare(folder, **changes)  # type: ignore[arg-type]
    return caught.value


def test_the_first_face_counts_and_missing_paths_are_counted(tmp_path: Path) -> None:
    found = compare(tmp_path, TRUTH + "g.jpg,anger,\nh.jpg,anger,\n")
    assert (found.model, found.classes) == ("m@0", EMOTIONS)
    assert (found.only_in_results, found.only_in_truth) == (1, 2)
    measured = found.measured
    assert measured.paths == ("a.jpg", "b.jpg", "=c.jpg")
    assert measured.truth.tolist() == [0, 5, 1]
    assert measured.predicted.tolist() == [0, 1, 1]  # not the first of equal probabilities
    assert measured.failed == {"corrupt_image": 1, "no_face": 1}
    assert measured.failed_truth.tolist() == [1, 5]
    evaluation = measured.evaluate(found.classes)
    assert evaluation.scores.accuracy.value == pytest.approx(2 / 3)
    assert evaluation.scores_with_failed.accuracy.value == pytest.approx(2 / 5)


def test_the_truth_of_a_later_face_is_not_that_of_the_first(tmp_path: Path) -> None:
    truth = "image_path,face_id,emotion\na.jpg,0,1\na.jpg,1,anger\nb.jpg,1,anger\nf.jpg,0,anger\n"
    found = compare(tmp_path, truth)
    assert (len(found.measured.truth), found.only_in_truth) == (2, 0)


def test_the_order_of_rows_does_not_count(tmp_path: Path) -> None:
    rows = [
        bad("b.jpg", "failed", "duplicate_path"),
        ok("a.jpg", "anger", one_hot(5), face=10),
        ok("a.jpg", "fear", one_hot(1), face=2),
        ok("a.jpg", "surprise", one_hot(0)),
        ok("b.jpg", "anger", one_hot(5)),
    ]
    for order in (rows, rows[::-1]):
        measured = compare(tmp_path, rows=order).measured
        labels = dict(zip(measured.paths, measured.predicted.tolist(), strict=True))
        assert (labels, measured.failed) == ({"a.jpg": 0, "b.jpg": 5}, {})


def test_rows_of_two_models_are_refused(tmp_path: Path) -> None:
    rows = [ok("a.jpg", "surprise", one_hot(0)), [*ok("b.jpg", "fear", one_hot(1))[:-1], "n@1"]]
    error = refusal(tmp_path, rows=rows)
    assert error.code == "bad_table"
    assert "r.csv, line 3: the model is n@1, but m@0 before" in error.message


def test_classes_that_the_model_lacks_are_left_out_where_asked(tmp_path: Path) -> None:
    truth = TRUTH + "f.jpg,contempt,\ng.jpg,contempt,\n"
    assert refusal(tmp_path, truth=truth).code == "unknown_class"
    found = compare(tmp_path, truth, skip=True)
    assert (found.other_classes, found.only_in_truth) == (1, 1)
    assert "f.jpg" not in found.measured.paths
    error = refusal(tmp_path, truth="image_path,emotion\na.jpg,contempt\n", skip=True)
    assert (error.code, "of the model's classes" in error.message) == ("nothing_to_measure", True)


def test_all_failed_is_refused(tmp_path: Path) -> None:
    found = compare(tmp_path, rows=[bad("a.jpg", "no_face"), bad("b.jpg", "failed", "too_large")])
    with pytest.raises(SemblanteError, match=r"could be labelled \(no_face: 1, too_large: 1\)"):
        found.measured.evaluate(found.classes)


@pytest.mark.parametrize(
    ("truth", "code", "message"),
    [
        ("image_path;emotion\na.jpg;1\n", "bad_table", "t.csv, line 1: there is no column image_"),
        ("image_path,label\na.jpg,1\n", "bad_table", "no column emotion; there is: image_path, la"),
        ("image_path,emotion\na.jpg,bored\n", "unknown_class", "t.csv, line 2: there is no class"),
        ("image_path,emotion\na.jpg,1\na.jpg,2\n", "bad_table", "line 3: a.jpg has another"),
        ("image_path,emotion\n", "empty_dataset", "t.csv has no row"),
        ("image_path,emotion\nz.jpg,1\n", "nothing_to_measure", "paths must be written as in"),
        ("", "bad_table", "t.csv, line 1: it has no header"),
    ],
)
def test_truth_that_cannot_be_used(tmp_path: Path, truth: str, code: str, message: str) -> None:
    error = refusal(tmp_path, truth=truth)
    assert error.code == code
    assert message in error.message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (bad("a.jpg", "maybe"), "r.csv, line 2: status is 'maybe'"),
        (ok("a.jpg", "fear", [0.5] * 7), "line 2: the probabilities sum to 3.5000, not 1"),
        (ok("a.jpg", "bored", one_hot(0)), "line 2: there is no class 'bored'"),
        (["a.jpg", "0", "ok", *[""] * 19], "line 2: a probability is no number"),
        (ok("a.jpg", "fear", [math.nan, *[0.1] * 6]), "line 2: surprise is no probability: 'nan'"),
        (ok("a.jpg", "fear", [1.5, -0.5, 0, 0, 0, 0, 0]), "surprise is no probability: '1.5000'"),
        (ok("a.jpg", "fear", [1, -0.5, 0.5, 0, 0, 0, 0]), "fear is no probability: '-0.5000'"),
        (["a.jpg", "first", *ok("", "fear", one_hot(1))[2:]], "face_id is no number: 'first'"),
    ],
)
def test_results_that_cannot_be_used(tmp_path: Path, row: list[str], message: str) -> None:
    assert message in refusal(tmp_path, rows=[row]).message


def test_a_csv_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("image,label\n", encoding="utf-8")
    with pytest.raises(SemblanteError, match=r"r\.csv, line 1: there is no column image_path"):
        compare_results(tmp_path / "r.csv", tmp_path / "r.csv", lambda _model: None)
