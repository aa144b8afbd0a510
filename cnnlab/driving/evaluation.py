"""Closed-loop evaluation: what counts is where the car gets, not how well the network imitates pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from cnnlab.driving.expert import Expert
from cnnlab.driving.recording import Driver
from cnnlab.driving.simulator import HALF_WIDTH, LONGEST_DRIVE, Simulator


@dataclass(frozen=True)
class Drive:
    """One drive on one track.

    Attributes:
        seed: of the track.
        total: the return.
        frames: how many it took.
        tiles: share of the track's tiles that were touched.
        finished: whether the lap was completed.
        off_road: share of the frames with the car's middle off the road.
        off_center: mean distance from the center line, in half widths of the road.
        path: (frames, 2) places of the car.
        left: (times, 2) places where its middle left the road.
        center_line: (N, 2) corners of the track's center line.
    """

    seed: int
    total: float
    frames: int
    tiles: float
    finished: bool
    off_road: float
    off_center: float
    path: np.ndarray = field(repr=False, compare=False)
    left: np.ndarray = field(repr=False, compare=False)
    center_line: np.ndarray = field(repr=False, compare=False)

    def summary(self) -> dict:
        """The numbers, ready for JSON."""
        return {
            "seed": self.seed,
            "return": round(self.total, 1),
            "frames": self.frames,
            "tiles": round(self.tiles, 4),
            "finished": self.finished,
            "off_road": round(self.off_road, 4),
            "off_center": round(self.off_center, 4),
            "left_road": [[round(float(x), 1), round(float(y), 1)] for x, y in self.left],
        }


def drive(
    seed: int,
    driver: Driver | None = None,
    frames: int = LONGEST_DRIVE,
    watch: Callable[[Simulator], None] | None = None,
    simulator: Simulator | None = None,
) -> Drive:
    """Drive on a track until the lap is finished, the car leaves the playing field, or the time is up.

    Args:
        seed: of the track.
        driver: from picture and speed to steering, throttle and brake; None for the expert.
        frames: the most to drive, for a short look.
        watch: called before each frame, to keep pictures, say.
        simulator: to use again; None for a new one.

    Returns:
        What happened.
    """
    simulator = simulator or Simulator()
    expert, path, distances = Expert(), [], []
    simulator.start(seed)
    while not simulator.done and simulator.frames < frames:
        path.append(simulator.position)
        distances.append(simulator.off_center)
        if watch is not None:
            watch(simulator)
        action = driver(simulator.view(), simulator.speed) if driver else expert.act(simulator)
        simulator.drive(*action)
    path, off = np.array(path), np.abs(distances) > HALF_WIDTH
    return Drive(
        seed,
        total=simulator.total,
        frames=simulator.frames,
        tiles=simulator.tile_visited_count / len(simulator.track),
        finished=simulator.lap_finished,
        off_road=float(off.mean()),
        off_center=float(np.abs(distances).mean() / HALF_WIDTH),
        path=path,
        left=path[1:][off[1:] & ~off[:-1]],
        center_line=simulator.center_line,
    )


def evaluate(driver: Driver | None, seeds: Sequence[int], frames: int = LONGEST_DRIVE) -> Iterator[Drive]:
    """Drive on the track of each seed; each drive comes when it is finished.

    Args:
        driver, frames: as for `drive`.
        seeds: one a track.
    """
    simulator = Simulator()
    for seed in seeds:
        yield drive(seed, driver, frames, simulator=simulator)


def spread(drives: Sequence[Drive]) -> dict[str, float]:
    """Mean, standard deviation, lowest and highest return of some drives, and how many finished their lap."""
    totals = np.array([drive.total for drive in drives])
    return {
        "tracks": len(totals),
        "mean": round(float(totals.mean()), 1),
        "deviation": round(float(totals.std()), 1),
        "lowest": round(float(totals.min()), 1),
        "highest": round(float(totals.max()), 1),
        "finished": sum(drive.finished for drive in drives),
    }


def plot_drive(axis, drive: Drive, title: str = "") -> None:
    """Draw a track, the car's path on it, and where the car left the road.

    Args:
        axis: the matplotlib axis to draw on.
        drive: of `drive`.
        title: text above.
    """
    loop = np.vstack([drive.center_line, drive.center_line[:1]])
    low, high = loop.min(axis=0) - 20, loop.max(axis=0) + 20
    axis.plot(*loop.T, color="0.8", linewidth=5, label="road")
    axis.plot(*drive.path.T, color="C0", linewidth=1, label="car")
    if len(drive.left):
        axis.plot(*drive.left.T, "x", color="C3", markersize=7, markeredgewidth=2, label="left the road")
    axis.plot(*drive.path[0], "k^", markersize=6, label="start")
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", title=title)
    axis.set(xlabel="x", ylabel="y")
    axis.grid(False)
