"""The expert, who stands in for a human: it knows the track's center line and follows it by pure pursuit."""

import math
from dataclasses import dataclass

import numpy as np

from cnnlab.driving.simulator import Simulator

WHEELBASE = 3.24  # between the axles, in the simulator's units
LARGEST_ANGLE = 0.4  # of the front wheels in radians, at steering 1
CHORD = 6  # units before and behind a place, between whose directions its curvature is measured

THROTTLE_LIMIT = 0.5  # more spins the rear wheels
BRAKE_LIMIT = 0.8  # from 0.9 on the wheels lock
BAND = 20.0  # units a second off the wanted speed that would call for a whole pedal


@dataclass(frozen=True)
class Expert:
    """How the expert drives: steering and speed follow from the road in front of the car, as the picture shows it.

    Attributes:
        horizon: how far ahead it looks, no further than the picture reaches.
        lookahead: distance of the point that it steers for.
        top_speed: on a straight, in units a second.
        grip: acceleration across that it trusts the tires with.
        braking: deceleration that it plans with.
        margin: distance before a bend at which it wants to be slow enough.
        lost: angle to the point steered for from which it has lost the road; it then creeps.
        creep: speed when it has.

    Source: Coulter, "Implementation of the pure pursuit path tracking algorithm", 1992.
    """

    horizon: int = 35
    lookahead: float = 15.0
    top_speed: float = 90.0
    grip: float = 250.0
    braking: float = 80.0
    margin: float = 3.0
    lost: float = 0.9
    creep: float = 20.0

    def decide(self, simulator: Simulator) -> tuple[float, float]:
        """What the expert wants where the car stands.

        Returns:
            Steering, -1 to 1, and the speed to have, in units a second.
        """
        path, curvature = road_ahead(simulator, self.horizon)
        reached = np.flatnonzero(np.hypot(*path.T) >= self.lookahead)
        right, forward = path[reached[0] if len(reached) else -1]
        angle = math.atan2(right, forward)
        bends = self.grip / np.maximum(curvature, 1e-4)  # squares of the speeds at which they can be driven
        approach = 2 * self.braking * np.maximum(np.arange(len(path)) - self.margin, 0)
        speed = min(self.top_speed, math.sqrt((bends + approach).min()))
        if abs(angle) > self.lost:
            return math.copysign(1.0, right), min(speed, self.creep)
        arc = 2 * right / (right**2 + forward**2)  # curvature of the circle to that point
        return float(np.clip(math.atan(WHEELBASE * arc) / LARGEST_ANGLE, -1, 1)), speed

    def act(self, simulator: Simulator) -> tuple[float, float, float]:
        """Steering, throttle and brake where the car stands."""
        steering, wanted = self.decide(simulator)
        return steering, *pedals(wanted, simulator.speed)


def pedals(wanted: float, speed: float) -> tuple[float, float]:
    """Throttle and brake, 0 to 1, that bring a speed to the one that is wanted."""
    push = (wanted - speed) / BAND
    return min(max(push, 0.0), THROTTLE_LIMIT), min(max(-push, 0.0), BRAKE_LIMIT)


def wanted_speed(speed, throttle, brake):
    """The speed that a driver was heading for, by what the pedals say: `pedals` the other way round, up to its limits.

    Args:
        speed, throttle, brake: numbers or arrays alike, as a driving log holds them.
    """
    return speed + BAND * (throttle - brake)


def road_ahead(simulator: Simulator, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """The center line from beside the car on, one point a unit of length.

    Args:
        simulator: started.
        horizon: number of points.

    Returns:
        (horizon, 2) places as the car sees them, to the right and forward; (horizon,) curvatures there.
    """
    line, curvature = _resampled(simulator)
    place = simulator.position
    nearest = np.argmin(((line - place) ** 2).sum(axis=1))
    following = (nearest + np.arange(horizon)) % len(line)
    forward = simulator.heading
    right = np.array([forward[1], -forward[0]])
    return (line[following] - place) @ np.column_stack([right, forward]), curvature[following]


def _resampled(simulator: Simulator) -> tuple[np.ndarray, np.ndarray]:
    """The center line with a corner every unit of length, and its curvatures; kept until the track changes."""
    kept = getattr(simulator, "_resampled_line", None)
    if kept is None or kept[0] is not simulator.center_line:
        corners = np.vstack([simulator.center_line, simulator.center_line[:1]])
        length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        at = np.arange(int(length[-1])) * length[-1] / int(length[-1])
        line = np.column_stack([np.interp(at, length, axis) for axis in corners.T])
        before, after = line - np.roll(line, CHORD, axis=0), np.roll(line, -CHORD, axis=0) - line
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        turn = np.abs(np.arctan2(cross, (before * after).sum(axis=1)))
        kept = simulator._resampled_line = (simulator.center_line, line, turn / CHORD)
    return kept[1:]
