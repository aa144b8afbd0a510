"""Driving logs of every kind that is met: what is read, what is skipped and said, what is refused."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from driven import write_log

from cnnlab.datasets import DataError, embedded_file
from cnnlab.driving import augmentation, log, training
from cnnlab.driving.pictures import VIEWS, View

VIEW = VIEWS["carracing"]


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize(
    "prefix", ["", "IMG/", "C:\\Users\\Some One\\drive\\IMG\\", "/home/someone/my drive/IMG/", " IMG/", "D:/a\\b/"]
)
def test_paths_of_any_machine_with_and_without_header(tmp_path, prefix, header):
    drive = log.read(write_log(tmp_path, prefix=prefix, header=header), VIEW)
    assert drive.pictures.shape == (4, 3, 84, 96, 3) and drive.pictures.dtype == np.uint8
    assert np.allclose(drive.steering, [0, -0.1, 0.2, -0.3]) and np.allclose(drive.speed, [10, 11, 12, 13])
    assert np.allclose(drive.throttle, 0.5) and not drive.brake.any() and not drive.skipped


def test_the_path_of_the_log_itself_spaces_after_commas_and_a_byte_order_mark(tmp_path):
    write_log(tmp_path, separator=", ", header=True)
    path = tmp_path / "driving_log.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert len(log.read(path, VIEW)) == 4


def test_what_cannot_be_used_is_skipped_and_reported(tmp_path):
    write_log(tmp_path, rows=8)
    (tmp_path / "IMG" / "left_1.jpg").unlink()
    whole = (tmp_path / "IMG" / "center_2.jpg").read_bytes()
    (tmp_path / "IMG" / "center_2.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "IMG" / "right_3.jpg").write_bytes(b"no picture")
    lines = (tmp_path / "driving_log.csv").read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].replace("0.40", "left")
    lines[5] = lines[5].replace("-0.50", "nan")
    lines[6] = ",".join(lines[6].split(",")[:5])
    (tmp_path / "driving_log.csv").write_text("\n".join(lines) + "\ncenter_0.jpg,left", encoding="utf-8")
    drive = log.read(tmp_path, VIEW)
    assert drive.steering.tolist() == pytest.approx([0, -0.7])
    expected = [
        "row 2: picture left_1.jpg is missing",
        "row 3: picture center_2.jpg is broken",
        "row 4: picture right_3.jpg is broken",
        "row 5: steering must be a number, got 'left'",
        "row 6: steering must be from -1 to 1, got nan",
        "row 7: expected 7 columns, got 5",
        "row 9: expected 7 columns, got 2",
    ]
    assert len(drive.skipped) == len(expected)
    assert all(got.startswith(text) for got, text in zip(drive.skipped, expected, strict=True))
    assert "2 rows, 7 skipped" in drive.describe()


def test_a_picture_of_another_size_is_skipped(tmp_path):
    write_log(tmp_path, size=(160, 320))
    with pytest.raises(DataError, match=r"none of 4 rows.*needs the shape \(96, 96, 3\); received \(160, 320, 3\)"):
        log.read(tmp_path, VIEW)
    assert log.read(tmp_path, VIEWS["udacity"]).pictures.shape == (4, 3, 66, 200, 3)


@pytest.mark.parametrize("text", ["", "\n \n", "center,left,right,steering,throttle,brake,speed\n"])
def test_an_empty_log_is_refused(tmp_path, text):
    (tmp_path / "driving_log.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="the log is empty"):
        log.read(tmp_path, VIEW)
    with pytest.raises(DataError, match="expected a driving log, got none"):
        log.read(tmp_path / "nowhere", VIEW)


def test_rows_of_a_log_are_a_log(tmp_path):
    drive = log.read(write_log(tmp_path), VIEW)
    part = drive[1:3]
    assert len(part) == 2 and np.array_equal(part.pictures, drive.pictures[1:3]) and part.speed.tolist() == [11, 12]
    assert len(drive[drive.steering > 0]) == 1


def test_a_view_crops_and_reduces():
    picture = np.arange(8 * 4 * 3, dtype=np.uint8).reshape(8, 4, 3)
    assert np.array_equal(View((8, 4), 2, 6, (4, 4))(picture), picture[2:6])
    assert np.allclose(View((8, 4), 0, 8, (1, 1))(picture)[0, 0], picture.mean(axis=(0, 1)), atol=1)
    with pytest.raises(ValueError, match=r"`picture` needs the shape \(8, 4, 3\); received \(4, 8, 3\)"):
        View((8, 4), 2, 6, (4, 4))(picture.reshape(4, 8, 3))


def test_the_embedded_recording_is_whole_and_small():
    path = embedded_file("driving.zip")
    drive = log.read(path, VIEW)
    assert len(drive) > 1400 and not drive.skipped
    assert path.stat().st_size < 8e6
    assert drive.speed.max() > 60 and (drive.steering > 0).mean() > 0.2 and (drive.steering < 0).mean() > 0.2


def relabel(folder, change):
    """Write the log of `write_log` again, each row as `change` makes it of the pictures and the numbers."""
    path = folder / "driving_log.csv"
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(change(row[:3], row[3:]) for row in rows) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_with_another_separator(tmp_path, separator):
    def change(pictures, numbers):
        return separator.join(pictures + [number.replace(".", ",") for number in numbers])

    drive = log.read(relabel(write_log(tmp_path), change), VIEW)
    assert np.allclose(drive.steering, [0, -0.1, 0.2, -0.3]) and np.allclose(drive.throttle, 0.5)


def test_decimal_commas_where_commas_separate_too(tmp_path):
    """As the Udacity simulator writes on a German or a Polish system: a whole number has no comma in it."""
    rows = [("0", "0,5", "0", "12,18054"), ("-0,1", "0", "0", "7,901279E-06"), ("0,25", "0", "0,5", "30"), ("0,1",) * 4]
    texts = iter([",".join(row) for row in rows] + ["0,0,0,7,9", "0,0,0,30", "0,x,0,30,1", "0,5"])
    drive = log.read(relabel(write_log(tmp_path, rows=8), lambda pictures, _: ",".join([*pictures, next(texts)])), VIEW)
    assert drive.steering.tolist() == pytest.approx([0, -0.1, 0.25, 0.1, 0])
    assert drive.throttle.tolist() == pytest.approx([0.5, 0, 0, 0.1, 0])
    assert drive.brake.tolist() == pytest.approx([0, 0, 0.5, 0.1, 0])
    assert drive.speed.tolist() == pytest.approx([12.18054, 7.901279e-06, 30, 0.1, 30])
    assert drive.skipped == (
        "row 5: the commas of 0,0,0,7,9 can be read in 2 ways",
        "row 7: the commas of 0,x,0,30,1 can be read in no ways",
        "row 8: expected 7 columns, got 5",
    )


def test_columns_that_follow_are_ignored(tmp_path):
    drive = log.read(relabel(write_log(tmp_path), lambda p, n: ",".join([*p, *n, "3", "17", "lap"])), VIEW)
    assert drive.speed.tolist() == [10, 11, 12, 13] and not drive.skipped
    whole = relabel(write_log(tmp_path), lambda p, n: ",".join([*p, "0", "1", "0", "9", "3"]))
    assert log.read(whole, VIEW).speed.tolist() == [9] * 4  # of one length: no comma there stands before decimals


def test_a_header_names_columns_in_any_order(tmp_path):
    lines = iter(["time,Steering,Center,Speed,Lap"])

    def change(pictures, numbers):
        return (next(lines, "") + "\n" + f"8:15,{numbers[0]},{pictures[0]},{numbers[3]},1").strip()

    drive = log.read(relabel(write_log(tmp_path), change), VIEW)
    assert np.allclose(drive.steering, [0, -0.1, 0.2, -0.3]) and np.allclose(drive.speed, [10, 11, 12, 13])
    assert not drive.throttle.any() and drive.pictures.shape == (4, 1, 84, 96, 3)
    (tmp_path / "driving_log.csv").write_text("center,angle\na.jpg,0\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected a column steering, got center, angle"):
        log.read(tmp_path, VIEW)


def test_a_header_of_another_recorder(tmp_path):
    lines = iter(["Center_Image,Left_Image,Right_Image,steering_angle,throttle,brake,speed"])
    drive = log.read(
        relabel(write_log(tmp_path), lambda p, n: (next(lines, "") + "\n" + ",".join([*p, *n])).strip()), VIEW
    )
    assert drive.pictures.shape == (4, 3, 84, 96, 3) and np.allclose(drive.steering, [0, -0.1, 0.2, -0.3])


def test_a_center_camera_alone_is_trained_on(tmp_path):
    drive = log.read(relabel(write_log(tmp_path), lambda pictures, numbers: ",".join([pictures[0], *numbers])), VIEW)
    assert drive.pictures.shape == (4, 1, 84, 96, 3) and np.allclose(drive.steering, [0, -0.1, 0.2, -0.3])
    assert drive.describe().endswith("; center camera alone")
    rows, cameras, steering = augmentation.side_cameras(drive, 0.25)
    assert rows.tolist() == [0, 1, 2, 3] and not cameras.any() and np.array_equal(steering, drive.steering)
    batches = training.Batches(drive, training.Cloning(batch_size=4, brightness=0, straight=1))
    assert batches[0][0].shape == (4, 84, 96, 3)


def test_another_recipe_is_named_for_pictures_of_another_simulator(tmp_path):
    with pytest.raises(DataError, match=r"The view 'udacity' takes it: `--recipe udacity`"):
        log.read(write_log(tmp_path, size=(160, 320)), VIEW)


def test_pictures_are_used_like_an_array_and_lie_on_disk(tmp_path):
    stored = log.read(write_log(tmp_path, rows=6), VIEW).pictures
    array = np.array(stored)
    assert array.shape == stored.shape == (6, 3, 84, 96, 3) and len(stored) == 6 and stored.dtype == np.uint8
    mask = np.array([True, False, True, True, False, False])
    for index in (2, -1, slice(1, 4), [4, 0], mask, (3, 1), (slice(None, None, 2), 0), ([1, 5], [2, 0]), (mask, 1, 5)):
        assert np.array_equal(stored[index], array[index])
    part = stored.of(mask).of(slice(1, None))
    path = stored._path
    del stored
    gc.collect()
    assert np.array_equal(part, array[[2, 3]])  # the file stays as long as anything reads it
    del part
    gc.collect()
    assert not path.exists() and not path.parent.exists()


MEMORY = """
import resource, sys
from cnnlab.driving import log, training
from cnnlab.driving.pictures import VIEWS
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
drive = log.read(sys.argv[1], VIEWS["udacity"])
batches = training.Batches(drive, training.RECIPES["udacity"])
for index in range(len(batches)):
    batches[index]
print(len(drive), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_log(tmp_path):
    """800 rows have 95 MB of pictures in view; read and gone through in batches, they take a fraction of that."""
    write_log(tmp_path, rows=2, size=(160, 320))
    relabel(tmp_path, lambda pictures, numbers: "\n".join([",".join([*pictures, *numbers])] * 400))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path], capture_output=True, text=True, encoding="utf-8", check=True
    )
    rows, kilobytes = map(int, done.stdout.split()[-2:])
    assert rows == 800 and kilobytes < 45_000


REAL = Path(os.environ.get("CNNLAB_DATA", "nowhere")) / "udacity_track"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs udacity_track in CNNLAB_DATA")
def test_a_real_log_reads_balances_and_augments():
    drive = log.read(REAL, VIEWS["udacity"])
    assert len(drive) in (675, 676) and not drive.skipped
    generator = np.random.default_rng(0)
    rows = augmentation.balanced(drive.steering, generator)
    assert (drive.steering[rows] == 0).mean() < 0.35 < (drive.steering == 0).mean()
    _, cameras, steering = augmentation.side_cameras(drive[rows], 0.2)
    assert len(cameras) == 3 * len(rows) == len(steering)
