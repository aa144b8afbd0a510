"""Closed-loop drives, and the command line that records, trains and evaluates."""

import hashlib
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from driven import write_log

from cnnlab.driving import evaluation, policy
from cnnlab.driving.__main__ import main


def test_a_driver_who_does_not_steer_leaves_the_road_where_it_bends():
    drive = evaluation.drive(3, lambda picture, speed: (0.0, 0.2, 0.0), frames=250)
    assert drive.frames == 250 and not drive.finished and 0 < drive.tiles < 0.5
    assert drive.off_road > 0.2 and len(drive.left) >= 1 and drive.off_center > 1
    assert drive.path.shape == (250, 2) and len(drive.center_line) > 200
    place = drive.left[0]
    assert np.hypot(*(drive.path - place).T).min() == 0
    summary = drive.summary()
    assert json.loads(json.dumps(summary)) == summary and summary["left_road"][0] == pytest.approx(place, abs=0.06)
    figure, axis = plt.subplots()
    evaluation.plot_drive(axis, drive, "straight on")
    assert axis.get_legend_handles_labels()[1] == ["road", "car", "left the road", "start"]
    plt.close(figure)


def test_the_spread_of_returns():
    drives = list(evaluation.evaluate(None, [1, 2], frames=30))
    totals = [drive.total for drive in drives]
    assert [drive.seed for drive in drives] == [1, 2]
    spread = evaluation.spread(drives)
    assert spread["mean"] == pytest.approx(np.mean(totals), abs=0.05) and spread["tracks"] == 2
    assert spread["lowest"] <= spread["mean"] <= spread["highest"] and spread["finished"] == 0


def test_dagger_finishes_an_unseen_track():
    drive = evaluation.drive(31, policy.Cruise(policy.load("dagger")))
    assert drive.finished and drive.total > 880 and drive.tiles > 0.98


def test_cloning_stays_on_the_road():
    drive = evaluation.drive(31, policy.Cruise(policy.load("cloning")), frames=300)
    assert drive.total > 250 and drive.off_road == 0


def test_one_line_of_json_a_track(capsys, monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")
    assert main(["evaluate", "expert", "--seeds", "4", "5", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seed"] for line in lines] == [4, 5] and all(line["return"] > 890 for line in lines)
    assert all(line["finished"] and line["tiles"] == 1 for line in lines)


def test_a_table_for_people_and_a_short_look_in_smoke(capsys, monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")
    assert main(["evaluate", "expert", "--seeds", "4"]) == 0
    track, spread = capsys.readouterr().out.splitlines()
    assert "track      4: return" in track and "in 300 frames, stayed on the road" in track
    assert spread.startswith("tracks 1 mean ") and spread.endswith("finished 0")


def test_record_and_train_from_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")
    log = tmp_path / "log"
    assert main(["record", "--out", str(log), "--seeds", "6", "--every", "50", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows > 8
    command = ["train", "--log", str(log), "--out", str(tmp_path / "out"), "--name", "mine", "--json"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["rows"] == rows and result["epochs"] == 1 and result["network"] == "drivenet"
    packed = tmp_path / "log.zip"
    assert main(["archive", str(log), "--out", str(packed), "--json"]) == 0
    archived = json.loads(capsys.readouterr().out)
    assert archived["files"] == 3 * rows + 2 and archived["archive"] == str(packed)
    assert archived["sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert main(["train", "--log", str(packed), *command[3:]]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["rows"], again["logs"], again["loss"]) == (rows, ["log"], pytest.approx(result["loss"], rel=1e-3))
    assert main(["evaluate", str(tmp_path / "out" / "mine.json"), "--seeds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nothing.json", "--seeds", "1"], "expected the record of a trained driver"),
        (["train", "--log", "nowhere", "--out", "out"], "expected a driving log, got none"),
        (["archive", "nowhere", "--out", "nowhere.zip"], "expected a driving log, got none"),
        (["serve", "cloning", "--speed", "0"], "speed must be a positive number"),
        (["serve", "cloning", "--port", "99999"], "port must be from 0 to 65535"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["evaluate", "expert", "--seeds", "-1"], ["evaluate", "expert"], ["fly"]])
def test_wrong_usage_is_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m cnnlab.driving" in capsys.readouterr().err


def test_training_on_a_log_that_is_broken_throughout(tmp_path, capsys):
    folder = write_log(tmp_path)
    for path in (folder / "IMG").iterdir():
        path.write_bytes(b"")
    assert main(["train", "--log", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "none of 4 rows can be used; row 1: picture center_0.jpg is broken" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
