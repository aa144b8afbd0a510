"""The recorder: the expert drives, and what the Udacity simulator would write is written."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from cnnlab import archives
from cnnlab.datasets import DataError
from cnnlab.driving.expert import Expert
from cnnlab.driving.log import CAMERAS, NAME, opened
from cnnlab.driving.simulator import HALF_WIDTH, LONGEST_DRIVE, Simulator
from cnnlab.files import write_whole

STATE = "recording.json"
Driver = Callable[[np.ndarray, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Recording:
    """What is recorded.

    Attributes:
        every: a row every so many frames; 50 frames are a second.
        camera_shift: how far to the side the left and the right camera stand, in the simulator's units.
        recoveries: frames between two pushes off the line, on average; 0 for none.
        push: largest steering of a push, either way; it is not recorded, the way back is.
        push_frames: how long one lasts.
        quality: of the JPEG files.
        frames: the most to drive on a track.
        give_up: distance off center, in half widths of the road, at which a drive ends; None to go on.
    """

    every: int = 6
    camera_shift: float = 3.0
    recoveries: int = 70
    push: float = 0.4
    push_frames: int = 8
    quality: int = 80
    frames: int = LONGEST_DRIVE
    give_up: float | None = None


def record(folder: Path, seeds: Sequence[int], recording: Recording | None = None, driver: Driver | None = None) -> int:
    """Drive a lap on the track of each seed and write the log and its pictures; go on where an earlier run was stopped.

    The steering and the pedals in the log are the expert's, whoever drives.

    Args:
        folder: gets `driving_log.csv`, `IMG` and `recording.json`; made if it is not there.
        seeds: one a track. Those that the folder holds already are not driven again.
        recording: how; None for the defaults.
        driver: who drives, from picture and speed to steering, throttle and brake; None for the expert.

    Returns:
        Rows in the log.

    Raises:
        ValueError: the folder holds another kind of recording, or another process records into it.
        OSError: the folder cannot be written.
    """
    from cnnlab.experiments import runner

    recording = recording or Recording()
    (folder / "IMG").mkdir(parents=True, exist_ok=True)
    with runner.alone(folder):
        done, rows = _driven(folder, recording)
        simulator = Simulator()
        missing = [seed for seed in seeds if seed not in done]
        for seed in tqdm(missing, desc="tracks", unit="track", disable=None):
            rows += _lap(simulator, seed, folder, recording, driver)
            done.append(seed)
            # The list of seeds is what counts, and it is written last: a lap that was cut off is driven again.
            write_whole(folder / NAME, "\n".join(rows) + "\n")
            state = {"seeds": done, "rows": len(rows), **asdict(recording)}
            write_whole(folder / STATE, json.dumps(state, indent=1) + "\n")
    return len(rows)


def archive(folder: Path, path: Path) -> int:
    """Pack a recording into one zip archive, which `cnnlab.driving.log.read` takes as it takes the folder.

    The same recording gives the same bytes. The log and `IMG` are packed, and `recording.json` where it is there.

    Args:
        folder: holds `driving_log.csv` and `IMG`.
        path: of the archive, in a folder that exists.

    Returns:
        The number of files packed.

    Raises:
        DataError: the folder holds no log.
        OSError: a file cannot be read, or the archive cannot be written.
    """
    if not (folder / NAME).is_file():
        raise DataError(f"{folder / NAME}: expected a driving log, got none")
    files = [folder / NAME, folder / STATE, *(folder / "IMG").glob("*")]
    names = [file.relative_to(folder).as_posix() for file in files if file.is_file()]
    archives.pack(folder, names, path)
    return len(names)


def settings(folder: Path) -> dict:
    """How a recording was made: the fields of its `Recording`, its `seeds`, and the number of `rows`.

    Args:
        folder: of the recording, or a zip archive of it.

    Raises:
        DataError: there is no log, or no `recording.json` beside it, or the archive cannot be used.
    """
    with opened(folder) as path:
        file = path.parent / STATE
        if not file.is_file():
            raise DataError(f"{file}: expected the settings of a recording, got none")
        return json.loads(archives.content(file))


def _driven(folder: Path, recording: Recording) -> tuple[list[int], list[str]]:
    """Seeds of the laps that are whole, and their rows of the log."""
    path = folder / STATE
    if not path.exists():
        return [], []
    state = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(name for name, value in asdict(recording).items() if state[name] != value)
    if differing:
        raise ValueError(
            f"{folder} holds another kind of recording, different in {', '.join(differing)}. Name another folder."
        )
    return state["seeds"], (folder / NAME).read_text(encoding="utf-8").splitlines()[: state["rows"]]


def _lap(simulator: Simulator, seed: int, folder: Path, recording: Recording, driver: Driver | None) -> list[str]:
    """Drive one lap and write its pictures.

    Returns:
        The rows of the log.
    """
    generator = np.random.default_rng(seed)
    expert, rows, pushed, push = Expert(), [], 0, 0.0
    shifts = dict(zip(CAMERAS, (0.0, -recording.camera_shift, recording.camera_shift), strict=True))
    simulator.start(seed)
    limit = math.inf if recording.give_up is None else recording.give_up * HALF_WIDTH
    while not simulator.done and simulator.frames < recording.frames and abs(simulator.off_center) <= limit:
        right = steering, throttle, brake = expert.act(simulator)
        if driver is not None:
            steering, throttle, brake = driver(simulator.view(), simulator.speed)
        if not pushed and recording.recoveries and generator.random() < 1 / recording.recoveries:
            pushed, push = recording.push_frames, generator.uniform(-recording.push, recording.push)
        if not pushed and simulator.frames % recording.every == 0:
            names = {camera: f"IMG/{camera}_{seed:05}_{simulator.frames:04}.jpg" for camera in CAMERAS}
            for camera, shift in shifts.items():
                picture = Image.fromarray(simulator.view(shift))
                picture.save(folder / names[camera], quality=recording.quality, optimize=True)
            numbers = (*right, simulator.speed)
            rows.append(",".join([*names.values(), *(f"{number:.4f}" for number in numbers)]))
        if pushed:
            pushed -= 1
            steering += push
        simulator.drive(steering, throttle, brake)
    return rows
