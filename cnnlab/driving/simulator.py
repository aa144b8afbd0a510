"""The simulator: Gymnasium's CarRacing-v3, its picture drawn when it is asked for, from a camera that can be moved."""

import math

import numpy as np
from gymnasium.envs.box2d import car_racing
from pygame import gfxdraw

HALF_WIDTH = car_racing.TRACK_WIDTH  # of the road, in the simulator's units of length
LONGEST_DRIVE = 1000  # frames, the limit of CarRacing-v3
FRAMES_PER_SECOND = car_racing.FPS


class Simulator(car_racing.CarRacing):
    """CarRacing-v3 as a car to drive: the same tracks, physics and rewards, and the same pixels in a tenth of the time.

    Distances are in the simulator's units: the car is about 5 long, the road 13.3 wide, and a lap some 1,000.

    Attributes:
        frames: steps since the start.
        total: sum of the rewards since the start, the return.
        lap_finished: the lap is complete.
        done: it is, or the car has left the playing field, or the time is up.
    """

    def __init__(self):
        super().__init__()
        self.camera_shift, self._drawn = 0.0, False

    def start(self, seed: int) -> None:
        """Build the track of a seed and put the car on its starting line."""
        self.frames, self.total, self.done, self.lap_finished = 0, 0.0, False, False
        self.reset(seed=seed)
        self.center_line = np.array([(x, y) for _, _, x, y in self.track])

    def drive(self, steering: float, throttle: float, brake: float) -> float:
        """Go on by one frame, a fiftieth of a second.

        Args:
            steering: -1, full left, to 1, full right.
            throttle, brake: 0 to 1.

        Returns:
            The reward of the frame: 1000 / N for each of the track's N tiles touched first, less 0.1.
        """
        limits = ((-1, 1), (0, 1), (0, 1))
        pedals = zip((steering, throttle, brake), limits, strict=True)
        action = np.array([np.clip(value, low, high) for value, (low, high) in pedals], np.float32)
        _, reward, terminated, _, info = self.step(action)
        self.frames += 1
        self.total += reward
        self.lap_finished = bool(info.get("lap_finished", False))
        self.done = terminated or self.frames >= LONGEST_DRIVE
        return float(reward)

    def view(self, shift: float = 0.0) -> np.ndarray:
        """What the camera sees: the observation of CarRacing-v3, with the instruments in its last 12 rows.

        Args:
            shift: how far to the right of its place the car is drawn on the road; negative to the left.

        Returns:
            (96, 96, 3) uint8.
        """
        self.camera_shift, self._drawn = shift, True
        try:
            return np.ascontiguousarray(self._render("state_pixels"))
        finally:
            self.camera_shift, self._drawn = 0.0, False

    @property
    def speed(self) -> float:
        """Speed of the car in units a second."""
        return math.hypot(*self.car.hull.linearVelocity)

    @property
    def position(self) -> np.ndarray:
        """(2,) place of the car."""
        return np.array(self.car.hull.position)

    @property
    def heading(self) -> np.ndarray:
        """(2,) unit vector in which the car points."""
        angle = self.car.hull.angle
        return np.array([-math.sin(angle), math.cos(angle)])

    @property
    def off_center(self) -> float:
        """Distance of the car from the center line, positive to the right; beyond `HALF_WIDTH` it is off the road."""
        x, y = self.position
        return off_center(self.center_line, x, y)

    def _render(self, mode: str):
        # `step` asks for a picture after each frame; drawing takes ten times as long as the physics.
        return super()._render(mode) if self._drawn or mode != "state_pixels" else None

    def _render_road(self, zoom, translation, angle):
        """Draw grass and road as the original does, but all corners are transformed at once, and only what is seen."""
        if not hasattr(self, "_grass"):
            size = car_racing.GRASS_DIM
            corners = [(size, 0), (0, 0), (0, size), (size, size)]
            self._grass = size * np.mgrid[-20:20:2, -20:20:2].reshape(2, -1, 1).transpose(1, 2, 0) + corners
        translation = np.array([translation[0] - self.camera_shift * zoom, translation[1]])
        bounds = car_racing.PLAYFIELD
        field = bounds * np.array([[(1, 1), (1, -1), (-1, -1), (-1, 1)]])
        self._draw_quads(field, [self.bg_color], zoom, translation, angle)
        self._draw_quads(self._grass, [self.grass_color] * len(self._grass), zoom, translation, angle)
        quads = np.array([corners for corners, _ in self.road_poly])
        self._draw_quads(quads, [color for _, color in self.road_poly], zoom, translation, angle)

    def _draw_quads(self, quads, colors, zoom, translation, angle):
        cosine, sine = math.cos(angle), math.sin(angle)
        pixels = quads @ np.array([[cosine, sine], [-sine, cosine]]) * zoom + translation
        low, high = pixels.min(axis=1), pixels.max(axis=1)
        seen = (high >= 0).all(axis=1) & (low <= (car_racing.WINDOW_W, car_racing.WINDOW_H)).all(axis=1)
        for index in np.flatnonzero(seen):
            color = [int(value) for value in colors[index]]
            gfxdraw.aapolygon(self.surf, pixels[index], color)
            gfxdraw.filled_polygon(self.surf, pixels[index], color)


def off_center(center_line: np.ndarray, x: float, y: float) -> float:
    """Distance of a place from a closed line, positive to the right of its direction.

    Args:
        center_line: (N, 2) corners of the line in order.
        x, y: the place.
    """
    starts, ends = center_line, np.roll(center_line, -1, axis=0)
    along, place = ends - starts, np.array([x, y])
    share = ((place - starts) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
    away = place - (starts + share.clip(0, 1)[:, np.newaxis] * along)
    nearest = np.argmin((away**2).sum(axis=1))
    side = along[nearest, 1] * away[nearest, 0] - along[nearest, 0] * away[nearest, 1]
    return float(np.copysign(np.hypot(*away[nearest]), side))
