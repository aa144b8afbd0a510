"""Driving logs of every kind that is met: what is read, what is skipped and said, what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from driven import write_log

from cnnlab.datasets import DataError, embedded_file
from cnnlab.driving import augmentation, log
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


REAL = Path(os.environ.get("CNNLAB_DATA", "nowhere")) / "udacity_track"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs udacity_track in CNNLAB_DATA")
def test_a_real_log_reads_balances_and_augments():
    drive = log.read(REAL, VIEWS["udacity"])
    assert len(drive) in (675, 676) and not drive.skipped
    generator = np.random.default_rng(0)
    rows = augmentation.balanced(drive.steering, generator)
    assert (drive.steering[rows] == 0).mean() < 0.35 < (drive.steering == 0).mean()
    pictures, steering, _ = augmentation.side_cameras(drive[rows], 0.2)
    assert len(pictures) == 3 * len(rows) == len(steering)
