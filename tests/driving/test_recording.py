"""The recorder writes what the Udacity simulator writes, goes on where it was stopped, and mixes nothing."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnlab.datasets import DataError, embedded_file
from cnnlab.driving import log, recording
from cnnlab.driving.pictures import VIEWS
from cnnlab.driving.recording import Recording, archive, record, settings
from cnnlab.driving.simulator import Simulator
from cnnlab.experiments import runner

SPARSE = Recording(every=80)


def contents(folder):
    """Bytes of every file, by its name."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    assert record(folder, [11, 12], SPARSE) == len(
        (folder / "driving_log.csv").read_text(encoding="utf-8").splitlines()
    )
    return folder


def test_the_layout_is_that_of_the_udacity_simulator(straight):
    rows = list(csv.reader((straight / "driving_log.csv").read_text(encoding="utf-8").splitlines()))
    assert all(len(row) == 7 for row in rows) and len(rows) > 12
    for row in rows:
        for camera, name in zip(("center", "left", "right"), row, strict=False):
            assert name.startswith(f"IMG/{camera}_")
            assert Image.open(straight / name).size == (96, 96)
    drive = log.read(straight, VIEWS["carracing"])
    assert len(drive) == len(rows) and not drive.skipped
    assert drive.speed[0] == 0 and drive.speed.max() > 50 and drive.throttle[0] > 0
    # The left camera sees the road further to the right than the right camera does.
    road = [np.argwhere(np.ptp(drive.pictures[5, camera, 40].astype(int), axis=1) < 25).mean() for camera in (1, 2)]
    assert road[0] > road[1] + 5


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_stopped_between_its_files_it_goes_on_to_the_same_recording(straight, tmp_path, monkeypatch, stop):
    """Stopped before the log of the first lap, before its state, and before the log of the second."""
    calls, whole = [], recording.write_whole

    def stopped(path, text):
        calls.append(path)
        if len(calls) == stop:
            raise KeyboardInterrupt
        whole(path, text)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recording, "write_whole", stopped)
        record(tmp_path, [11, 12], SPARSE)
    record(tmp_path, [11, 12], SPARSE)
    assert contents(tmp_path) == contents(straight)


def test_tracks_that_are_there_are_not_driven_again(straight, monkeypatch):
    before = contents(straight)
    monkeypatch.setattr(Simulator, "start", None)
    rows = record(straight, [12, 11], SPARSE)
    assert contents(straight) == before and rows == json.loads(before["recording.json"])["rows"]


def test_another_kind_of_recording_is_refused(straight):
    with pytest.raises(ValueError, match="another kind of recording, different in every, recoveries"):
        record(straight, [13], Recording(every=5, recoveries=0))


def test_two_recorders_do_not_share_a_folder(straight):
    with runner.alone(straight), pytest.raises(ValueError, match="is in use"):
        record(straight, [13], SPARSE)


def test_pushes_bring_recoveries_and_are_not_recorded_themselves(tmp_path, monkeypatch):
    """With pushes the car is further from the line, and what is logged is the expert's steering back."""
    wide = {}
    original = Simulator.drive
    for recoveries in (0, 30):
        distances = []

        def drive(self, *action, distances=distances):
            distances.append(abs(self.off_center))
            if self.frames > 250:
                self.done = True
            return original(self, *action)

        with monkeypatch.context() as patch:
            patch.setattr(Simulator, "drive", drive)
            folder = tmp_path / str(recoveries)
            patch.setattr(Simulator, "done", property(lambda self: self.frames > 250, lambda self, value: None), False)
            record(folder, [1], Recording(every=10, recoveries=recoveries))
        wide[recoveries] = np.mean(distances), log.read(folder, VIEWS["carracing"])
    assert wide[30][0] > 1.1 * wide[0][0]
    assert len(wide[30][1]) < len(wide[0][1])  # frames within a push are left out
    assert np.abs(wide[30][1].steering).max() > np.abs(wide[0][1].steering).max()


def test_at_another_wheel_the_log_is_still_the_experts(tmp_path, monkeypatch):
    asked = []

    def straight_on(picture, speed):
        asked.append((picture.shape, speed))
        return 0.0, 0.3, 0.0

    monkeypatch.setattr(Simulator, "done", property(lambda self: self.frames > 150, lambda self, value: None), False)
    record(tmp_path, [1], Recording(every=10, recoveries=0), straight_on)
    drive = log.read(tmp_path, VIEWS["carracing"])
    assert asked[0] == ((96, 96, 3), 0.0) and len(asked) == 151
    assert np.abs(drive.steering).max() > 0.5  # the expert would have steered; the car went straight on


def test_the_embedded_recording_is_what_its_command_makes(tmp_path):
    """The picture of the first frame of its first track, drawn again; and the archive, packed again."""
    path = embedded_file("driving.zip")
    state = settings(path)
    assert {name: state[name] for name in vars(Recording())} == vars(Recording())
    simulator = Simulator()
    simulator.start(state["seeds"][0])
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path / "unpacked")
    with Image.open(tmp_path / "unpacked" / f"IMG/center_{state['seeds'][0]:05}_0000.jpg") as image:
        assert np.abs(np.asarray(image, int) - simulator.view()).mean() < 4
    assert archive(tmp_path / "unpacked", tmp_path / "again.zip") == 3 * state["rows"] + 2
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_an_archive_holds_the_recording_and_nothing_else(straight, tmp_path):
    """The same bytes whatever the folder is called, and in whatever order and when its files were written."""
    copy = tmp_path / "copy"
    (copy / "IMG" / "folder").mkdir(parents=True)
    for path in sorted(straight.rglob("*"), reverse=True):
        if path.is_file():
            (copy / path.relative_to(straight)).write_bytes(path.read_bytes())
    (copy / "mine.weights.h5").write_bytes(b"of a training")
    count = archive(copy, tmp_path / "copy.zip")
    assert archive(straight, tmp_path / "straight.zip") == count
    assert (tmp_path / "copy.zip").read_bytes() == (tmp_path / "straight.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "copy.zip") as packed:
        names = packed.namelist()
        assert names == sorted(names) and len(names) == count and packed.testzip() is None
        assert {Path(name).name: packed.read(name) for name in names} == contents(straight)
    assert (
        settings(tmp_path / "copy.zip")
        == settings(straight)
        == json.loads((copy / "recording.json").read_text(encoding="utf-8"))
    )
    whole, packed = (log.read(path, VIEWS["carracing"]) for path in (straight, tmp_path / "copy.zip"))
    assert all(np.array_equal(getattr(whole, name), getattr(packed, name)) for name in ("pictures", *log.NUMBERS))


def test_an_archive_needs_a_log_and_its_settings_a_recording(straight, tmp_path):
    with pytest.raises(DataError, match=r"driving_log.csv: expected a driving log, got none"):
        archive(tmp_path, tmp_path / "nothing.zip")
    assert not list(tmp_path.iterdir())
    (tmp_path / "driving_log.csv").write_bytes((straight / "driving_log.csv").read_bytes())
    assert archive(tmp_path, tmp_path / "log.zip") == 1
    with pytest.raises(DataError, match=r"log.zip/recording.json: expected the settings of a recording, got none"):
        settings(tmp_path / "log.zip")
