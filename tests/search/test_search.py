"""Searches on few digits: what they keep, resume and report; the clock is set by the tests, none waits for it."""

import json
import time

import keras
import numpy as np
import pytest

from cnnlab import arithmetic, experiments, search
from cnnlab.search import searching
from cnnlab.search.oracle import Oracle
from cnnlab.search.trial import Trial, train

FAST = {"epochs": 1, "verbose": False}


@pytest.fixture(scope="module")
def example(digits):
    images, labels = digits
    images = images[..., np.newaxis]
    held_out = images[250:], labels[250:]
    return Trial(1, {}, "small", images[:250], labels[:250], held_out, 10, 3, 3, 25, 0, deadline=time.time() + 1e6)


@pytest.fixture(scope="module")
def found(digits, tmp_path_factory):
    """A search of two trials and a last training."""
    return search.search(*digits, minutes=600, max_trials=2, directory=tmp_path_factory.mktemp("found"), **FAST)


def test_a_search_gives_a_row_a_trial_and_the_best_network(found, digits):
    assert [row["kind"] for row in found.rows] == ["trial", "trial", "final"]
    assert [row["number"] for row in found.rows] == [1, 2, 3]
    assert found.best["accuracy"] == max(row["accuracy"] for row in found.rows)
    assert found.settings["ended"].startswith("2 trials done") and 0 < found.settings["elapsed"] < 36_000
    profile = arithmetic.profile(found.model())
    assert found.best["parameters"] == profile.trainable_params and found.best["multiply_adds"] == profile.macs
    assert found.best["multiply_adds"] > found.best["parameters"] > 1000
    assert [path.name for path in found.directory.glob("*.keras*")] == [f"{found.best['key']}.keras"]
    assert experiments.read(found.directory) == found.rows
    table = str(found)
    assert f"{found.best['parameters']:,}" in table and table.count("< best") == 1


def test_the_best_network_has_the_accuracy_that_its_row_says(found, digits):
    x, y, classes = searching.checks.data(*digits)
    _, _, (images, labels) = searching._split(x, y, found.settings["validation"], found.settings["seed"])
    guesses = found.model().predict(images, verbose=0).argmax(axis=1)
    assert np.isclose((guesses == labels).mean(), found.best["accuracy"], atol=1e-4)
    assert classes == 10 and len(images) == 30


def test_figures_and_json(found, tmp_path):
    plot, drawn = found.plot(), found.draw()
    assert plot.axes[0].get_xscale() == "log" and len(plot.axes[0].lines) == 2
    assert sum(text.get_text() in {"1", "2"} for text in plot.axes[0].texts) == 2
    assert len(drawn.axes[0].texts) >= 4
    assert json.loads(json.dumps(found.to_dict()))["best"] == found.best["key"]


def test_asked_again_a_search_that_is_done_does_nothing(found, digits, monkeypatch):
    monkeypatch.setattr(searching, "train", lambda trial: pytest.fail("trained"))
    again = search.search(*digits, minutes=600, max_trials=2, directory=found.directory, **FAST)
    assert again.rows == found.rows


def test_more_trials_continue_it_and_time_counts_over_all(found, digits, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in found.directory.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    more = search.search(*digits, minutes=600, max_trials=3, directory=folder, final=0.0, **FAST)
    assert more.rows[:3] == found.rows and [row["number"] for row in more.rows] == [1, 2, 3, 4]
    assert more.rows[3]["elapsed"] > found.settings["elapsed"]
    networks = [json.dumps(row["values"], sort_keys=True) for row in more.rows if row["kind"] == "trial"]
    assert len(set(networks)) == 3  # no network is tried twice


def test_a_budget_that_is_used_up_begins_nothing_more(found, digits, tmp_path, monkeypatch):
    clock = searching._Clock
    monkeypatch.setattr(clock, "elapsed", lambda self: 10_000.0 if called else 1.0)
    called = []
    monkeypatch.setattr(searching, "train", lambda trial: called.append(trial) or train(trial))
    ended = search.search(*digits, minutes=1, directory=tmp_path, **FAST)
    assert len(called) == len(ended.rows) == 1  # the last training does not begin, either
    assert ended.settings["ended"] == "time for trials used up"


def test_a_deadline_ends_the_training_and_the_network_counts(example):
    record, network = train(Trial(**vars(example) | {"deadline": time.time() - 1}))
    assert record["cut"] and record["epochs"] == 1 and len(network) > 1000
    assert record["accuracy"] == record["accuracies"][0]


def test_a_trial_that_is_in_time_trains_all_its_epochs(example):
    record, _ = train(example)
    assert not record["cut"] and record["epochs"] == 3
    assert record["accuracy"] == max(record["accuracies"])


@pytest.mark.parametrize("optimizer, lowered", [("adam", True), ("adam_weight_decay", False)])  # the second: a schedule
def test_a_network_that_is_trained_on_gets_a_lower_rate_when_nothing_is_gained(
    example, tmp_path, monkeypatch, optimizer, lowered
):
    values = {"conv_block_1/filters_0_0": 8, "optimizer": optimizer}
    _, network = train(Trial(**vars(example) | {"space": "vanilla", "values": values, "epochs": 1}))
    (tmp_path / "first.keras").write_bytes(network)
    weights = tuple(keras.models.load_model(tmp_path / "first.keras", compile=False).get_weights())
    seen = []
    monkeypatch.setattr(
        keras.callbacks.ReduceLROnPlateau,
        "on_epoch_end",
        lambda self, epoch, logs: seen.append(logs["val_accuracy"]),
    )
    on = {"space": "vanilla", "values": values, "weights": weights, "epochs": 2}
    record, _ = train(Trial(**vars(example) | on))
    assert [round(value, 5) for value in seen] == (record["accuracies"] if lowered else [])


def test_the_last_training_ends_when_it_gains_no_more(found):
    final = found.rows[-1]
    assert final["epochs"] == len(final["accuracies"]) and not final["cut"]
    assert final["epochs"] - 1 - np.argmax(final["accuracies"]) == searching.LAST_PATIENCE
    assert found.settings["ended"] == "2 trials done, the last training gained no more"


def test_the_clock_adds_earlier_attempts():
    clock = searching._Clock(budget=10_000, before=3000, start=time.monotonic() - 500)
    assert 3500 <= clock.elapsed() < 4000 and 6000 < clock.left() <= 6500
    assert 1000 < clock.left(0.5) <= 1500
    assert 6000 < clock.deadline() - time.time() <= 6500


def test_networks_that_fail_are_rows_and_three_in_a_row_end_the_search(digits, tmp_path, monkeypatch):
    def fail(trial):
        raise MemoryError("no room")

    monkeypatch.setattr(searching, "train", fail)
    with pytest.raises(search.SearchError, match="3 networks in a row could not be trained; the last: MemoryError"):
        search.search(*digits, minutes=1, directory=tmp_path, **FAST)
    report = search.report(tmp_path)
    assert [row["status"] for row in report.rows] == ["failed"] * 3
    assert "failed: MemoryError: no room" in str(report)
    with pytest.raises(search.SearchError, match="no finished trial"):
        report.model()


def test_a_network_without_its_line_is_removed_and_a_cut_line_set_aside(found, digits, tmp_path, capsys):
    for path in found.directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "trial009.keras").write_bytes(b"nothing")
    (tmp_path / "trial010.keras.partial").write_bytes(b"nothing")
    lines = (tmp_path / "results.jsonl").read_bytes()
    (tmp_path / "results.jsonl").write_bytes(lines + b'{"key": "tri')
    more = search.search(*digits, minutes=600, max_trials=2, directory=tmp_path, final=0.0, **FAST)
    assert more.rows == found.rows and (tmp_path / "results.damaged").exists()
    assert len(list(tmp_path.glob("*.keras*"))) == 1


def test_the_oracle_proposes_the_same_after_a_stop(example, found):
    trials = [row for row in found.rows if row["kind"] == "trial"]
    proposals = []
    for _ in range(2):
        oracle = Oracle(example)
        for row in trials:
            oracle.remember(row)
        proposals.append(oracle.propose(3))
    assert proposals[0] == proposals[1]
    assert oracle._network(proposals[0]) not in {oracle._network(row["values"]) for row in trials}


@pytest.mark.parametrize("space", ["residual", "all"])
def test_no_space_offers_pretrained_weights(example, space):
    oracle = Oracle(Trial(**vars(example) | {"space": space}))
    kinds = {"all": ["resnet", "xception", "efficient", "vanilla"]}.get(space, [None])
    for kind in kinds:
        values = oracle.oracle.get_space()
        if kind:
            (name,) = [choice.name for choice in values.space if choice.name.endswith("block_type")]
            values.values[name] = kind
        oracle._declare(values)
    names = [choice.name for choice in oracle.oracle.get_space().space]
    assert len(names) > 3 and not any("pretrained" in name for name in names)
