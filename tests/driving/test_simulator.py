"""The simulator is CarRacing-v3, and the expert drives it."""

import gymnasium
import numpy as np
import pytest

from cnnlab.driving import evaluation
from cnnlab.driving.expert import BRAKE_LIMIT, THROTTLE_LIMIT, pedals, road_ahead, wanted_speed
from cnnlab.driving.simulator import HALF_WIDTH, Simulator, off_center


def test_tracks_physics_rewards_and_pixels_are_those_of_the_original():
    original, ours = gymnasium.make("CarRacing-v3"), Simulator()
    seen, _ = original.reset(seed=3)
    ours.start(3)
    assert np.abs(ours.view().astype(int) - seen).max() < 200  # at first all of the track is in sight, very small
    generator = np.random.default_rng(0)
    for frame in range(60):
        action = np.array([generator.uniform(-0.3, 0.3), generator.uniform(0, 0.6), 0], np.float32)
        seen, reward, *_ = original.step(action)
        assert ours.drive(*action) == reward
        if frame % 20 == 19:
            differing = np.abs(ours.view().astype(int) - seen).max(axis=-1) > 3
            assert differing.mean() < 0.002  # an edge may fall to the other side of a pixel's middle
    assert ours.total > 0 and ours.frames == 60
    assert np.allclose(ours.car.hull.position, original.unwrapped.car.hull.position)


def test_looking_changes_nothing():
    places = []
    for look in (False, True):
        simulator = Simulator()
        simulator.start(5)
        for _ in range(40):
            if look:
                simulator.view(3.0)
            simulator.drive(0.1, 0.5, 0.0)
        places.append(simulator.position)
    assert np.array_equal(*places)


def test_a_camera_to_the_right_sees_the_road_further_left():
    simulator = Simulator()
    simulator.start(0)
    for _ in range(60):
        simulator.drive(0.0, 0.2, 0.0)
    middles = []
    for shift in (-3.0, 0.0, 3.0):
        row = simulator.view(shift)[40].astype(int)
        road = np.flatnonzero(np.ptp(row, axis=1) < 12)  # gray, among green
        middles.append(road.mean())
    assert middles[0] > middles[1] + 3 and middles[1] > middles[2] + 3
    # The car stays where it is: red, at three quarters of the height.
    cars = [np.argwhere(simulator.view(shift)[60:80, :, 0] > 180).mean(axis=0) for shift in (-3.0, 3.0)]
    assert np.allclose(*cars, atol=0.5)


def test_actions_beyond_the_limits_are_cut():
    simulators = [Simulator(), Simulator()]
    for simulator, factor in zip(simulators, (1, 100), strict=True):
        simulator.start(1)
        for _ in range(20):
            simulator.drive(-1.0 * factor, 1.0 * factor, -0.0)
    assert np.array_equal(simulators[0].position, simulators[1].position)


@pytest.mark.parametrize(("place", "expected"), [((1, 5), 1), ((-2, 5), -2), ((0.5, 9), 0.5), ((0, 3), 0)])
def test_distance_from_the_center_line_is_positive_to_the_right(place, expected):
    line = np.array([(0, 0), (0, 10), (-30, 10), (-30, 0)])  # upward first
    assert off_center(line, *place) == pytest.approx(expected)


def test_pedals_bring_a_speed_to_the_wanted_one_and_tell_it():
    assert pedals(60, 55) == (0.25, 0.0) and pedals(50, 55) == (0.0, 0.25)
    assert pedals(100, 0) == (THROTTLE_LIMIT, 0.0) and pedals(0, 100) == (0.0, BRAKE_LIMIT)
    for wanted in (40.0, 55.0, 64.0):
        assert wanted_speed(55.0, *pedals(wanted, 55.0)) == pytest.approx(wanted)


def test_the_road_ahead_begins_beside_the_car_and_leads_forward():
    simulator = Simulator()
    simulator.start(2)
    path, curvature = road_ahead(simulator, 20)
    assert path.shape == (20, 2) and curvature.shape == (20,)
    assert np.hypot(*path[0]) < 2 and path[-1, 1] > 12
    assert np.allclose(np.hypot(*np.diff(path, axis=0).T), 1, atol=0.05)
    assert (curvature >= 0).all() and curvature.max() < 0.2


def test_the_expert_solves_tracks():
    drives = list(evaluation.evaluate(None, range(4)))
    assert all(drive.finished and drive.tiles == 1 and drive.total > 890 for drive in drives)
    assert all(drive.off_road == 0 and not len(drive.left) for drive in drives)
    assert evaluation.spread(drives)["mean"] >= 900


def test_the_expert_comes_back_from_where_it_was_put():
    """Half a second of wrong steering, then the expert: it is back on the road, and goes on collecting tiles."""
    simulator, distances = Simulator(), []

    def watch(simulator):
        distances.append(abs(simulator.off_center))

    from cnnlab.driving.expert import Expert

    expert = Expert()
    simulator.start(7)
    while simulator.frames < 600:
        watch(simulator)
        steering, throttle, brake = expert.act(simulator)
        simulator.drive(0.25 if 150 <= simulator.frames < 175 else steering, throttle, brake)
    assert max(distances[150:200]) > HALF_WIDTH / 2
    assert np.mean(distances[500:]) < HALF_WIDTH / 3
