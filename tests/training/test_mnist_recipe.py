"""The benchmark's table: means, ratios to the unit of the same seed, verdicts; and its file of finished runs."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import _records, mnist_recipe

ROOT = Path(__file__).parents[2]


def record(setting: str, seed: int, accuracy: float, seconds: float, parameters: int = 100) -> dict:
    recipe = asdict(mnist_recipe.SETTINGS[setting])
    return {
        **{"setting": setting, "seed": seed, "accuracy": accuracy, "seconds": seconds, "parameters": parameters},
        "cpu_seconds": (0.8 if setting == "unit" else 1.0) * seconds,
        "recipe": recipe,
    }


def verdicts(*records: dict) -> dict:
    units = [record("unit", 0, 0.990, 100.0), record("unit", 1, 0.992, 200.0)]
    return {row["setting"]: row for row in mnist_recipe.summarize([*units, *records])}


def test_ratios_are_to_the_unit_of_the_same_seed():
    row = verdicts(record("fast", 0, 0.991, 10.0), record("fast", 1, 0.993, 10.0))["fast"]
    assert row["ratio"] == pytest.approx((10 / 100 + 10 / 200) / 2)
    assert row["cpu_ratio"] == pytest.approx((10 / 80 + 10 / 160) / 2)
    assert row["accuracy"] == pytest.approx(0.992)
    assert row["accuracy_spread"] == pytest.approx(0.002 / 2**0.5)
    assert row["target_accuracy"] == pytest.approx(0.991)
    assert row["met"]


@pytest.mark.parametrize(
    ("accuracy", "seconds", "parameters", "met"),
    [(0.9965, 26, 150_000, True), (0.9963, 26, 150_000, False), (0.9965, 27, 100, False), (0.9965, 26, 150_001, False)],
)
def test_a_target_is_met_by_accuracy_time_and_size_together(accuracy, seconds, parameters, met):
    assert verdicts(record("small", 0, accuracy, seconds, parameters))["small"]["met"] == met


def test_file_keeps_finished_runs_and_passes_over_those_of_another_recipe(tmp_path):
    path = tmp_path / "results" / "runs.jsonl"
    assert mnist_recipe.read(path) == []
    kept, other = record("fast", 0, 0.99, 10.0), record("fast", 1, 0.99, 10.0)
    other["recipe"]["epochs"] += 1
    _records.write(path, [kept, other])
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == [kept, other]
    assert mnist_recipe.read(path) == [kept]


@pytest.mark.parametrize("name", ["small", "full"])
def test_networks_keep_to_their_limits(name):
    from cnnlab.models.digits import average, digit_net

    networks = [digit_net(name=f"member{number}") for number in range(mnist_recipe.SETTINGS[name].members)]
    assert average(networks).count_params() <= mnist_recipe.TARGETS[name].parameters
    assert mnist_recipe.listing().count_params() == 1_625_866


def test_without_data_it_says_what_to_set(tmp_path):
    command = [sys.executable, "-m", "benchmarks.mnist_recipe"]
    environment = os.environ | {"CNNLAB_DATA": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "CNNLAB_DATA" in result.stderr
    assert "Traceback" not in result.stderr
