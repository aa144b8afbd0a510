"""The Udacity simulator's protocol, spoken by a client of that version; nothing that it sends stops the server."""

import base64
import io
import json
import queue
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import socketio
import websocket
from PIL import Image

from cnnlab.datasets import embedded_file
from cnnlab.driving.pictures import VIEWS
from cnnlab.driving.server import Chauffeur

# A policy that steers by the mean of what it is shown, so that answers tell which picture they are for.
SERVER = """
import numpy as np
from cnnlab.driving import server
from cnnlab.driving.pictures import VIEWS

class ByBrightness:
    view = VIEWS["udacity"]
    def __call__(self, picture):
        return np.array([self.view(picture).mean() / 255])

server.serve(ByBrightness(), "127.0.0.1", 0, speed=12.0, as_json=True)
"""


def encoded(value: int, size=(160, 320)) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(buffer, "jpeg")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture(scope="module")
def port():
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield json.loads(process.stdout.readline())["port"]
        assert process.poll() is None  # alive after all that the tests have sent
        process.kill()


class Simulator:
    """A client of Socket.IO 2 over a websocket, as the Unity program is one."""

    def __init__(self, port):
        self.answers, self.client = queue.Queue(), socketio.Client(reconnection=False)
        self.client.on("steer", self.answers.put)
        self.client.on("manual", lambda data: self.answers.put("manual"))
        self.client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
        assert self.answers.get(timeout=20) == {"steering_angle": "0", "throttle": "0"}

    def send(self, *telemetry):
        self.client.emit("telemetry", *telemetry)
        return self.answers.get(timeout=20)


@pytest.fixture
def simulator(port):
    simulator = Simulator(port)
    yield simulator
    simulator.client.disconnect()


def test_recorded_frames_are_steered_and_the_speed_is_kept(simulator):
    """Frames of the course's recording, in the size of this simulator's."""
    with zipfile.ZipFile(embedded_file("driving.zip")) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("IMG/center_01000_"))
        recorded = [io.BytesIO(archive.read(name)) for name in names[:20]]
    steered = []
    for number, file in enumerate(recorded):
        buffer = io.BytesIO()
        Image.open(file).resize((320, 160)).save(buffer, "jpeg")
        text = base64.b64encode(buffer.getvalue()).decode()
        answer = simulator.send({"steering_angle": "0", "throttle": "0", "speed": f"{number}.0", "image": text})
        assert set(answer) == {"steering_angle", "throttle"} and all(isinstance(v, str) for v in answer.values())
        steered.append([float(answer["steering_angle"]), float(answer["throttle"])])
    angles, throttles = np.array(steered).T
    assert (np.abs(angles) <= 1).all() and np.ptp(angles) > 0.005
    assert throttles[0] > 0.5 and throttles[-1] < 0  # slower than 12 miles an hour, then faster
    assert (np.diff(throttles[3:18]) < 0).all()


@pytest.mark.parametrize(
    "telemetry",
    [
        {},
        {"speed": "3"},
        {"image": encoded(9)},
        {"speed": "fast", "image": encoded(9)},
        {"speed": "NaN", "image": encoded(9)},
        {"speed": None, "image": encoded(9)},
        {"speed": [1], "image": encoded(9)},
        {"speed": "3", "image": encoded(9)[:300]},
        {"speed": "3", "image": encoded(9)[:301]},
        {"speed": "3", "image": base64.b64encode(b"no picture").decode()},
        {"speed": "3", "image": "§"},
        {"speed": "3", "image": 7},
        {"speed": "3", "image": None},
        [],
        "telemetry",
        5,
    ],
)
def test_bad_telemetry_is_answered_with_the_wheel_as_it_was(simulator, telemetry):
    before = simulator.send({"speed": "3", "image": encoded(128)})
    assert float(before["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    assert simulator.send(telemetry) == {"steering_angle": before["steering_angle"], "throttle": "0.000000"}
    after = simulator.send({"speed": "3", "image": encoded(51)})
    assert float(after["steering_angle"]) == pytest.approx(0.2, abs=0.01) and float(after["throttle"]) > 0.5


def test_a_picture_of_another_size_is_brought_to_the_right_one(simulator):
    answer = simulator.send({"speed": 3, "image": encoded(128, (80, 160))})
    assert float(answer["steering_angle"]) == pytest.approx(0.5, abs=0.01)


def test_no_telemetry_means_that_a_human_drives(simulator):
    assert simulator.send() == "manual"
    assert simulator.send(None) == "manual"
    assert float(simulator.send({"speed": "3", "image": encoded(128)})["steering_angle"]) > 0.4


def test_a_second_client_has_a_chauffeur_of_its_own(simulator, port):
    first = simulator.send({"speed": "3", "image": encoded(255)})
    other = Simulator(port)
    assert other.send({})["steering_angle"] == "0.000000"
    other.client.disconnect()
    assert simulator.send({})["steering_angle"] == first["steering_angle"]


@pytest.mark.parametrize("version", [3, 4])
def test_the_bare_frames_of_the_protocol(port, version):
    """As the Unity program sends them; it says 4 and speaks 3."""
    address = f"ws://127.0.0.1:{port}/socket.io/?EIO={version}&transport=websocket"
    client = websocket.create_connection(address, timeout=20)
    assert client.recv().startswith('0{"sid":')
    assert {client.recv(), client.recv()} == {"40", '42["steer",{"steering_angle":"0","throttle":"0"}]'}
    for rubbish in ("", "9", "42", "42{", '42["unheard of",1]', "4", "451-[", "\0"):
        client.send(rubbish)
    client.send("2")  # in Engine.IO 3 the client pings
    assert client.recv() == "3"
    client.send('42["telemetry",' + json.dumps({"speed": "2", "image": encoded(128)}) + "]")
    event, answer = json.loads(client.recv().removeprefix("42"))
    assert event == "steer" and float(answer["steering_angle"]) == pytest.approx(0.5, abs=0.01)
    client.sock.close()  # without a word, as a program that crashed
    Simulator(port).client.disconnect()


def test_the_speed_controller_reaches_its_speed_and_holds_it():
    class Straight:
        view = VIEWS["udacity"]

        def __call__(self, picture):
            return np.zeros(1)

    chauffeur, speed, speeds, picture = Chauffeur(Straight(), 12.0), 0.0, [], encoded(0)
    for _ in range(600):
        throttle = float(chauffeur.answer({"speed": speed, "image": picture})["throttle"])
        assert -1 <= throttle <= 1
        speed += 0.4 * throttle - 0.01 * speed  # a car with drag, which needs throttle to keep its speed
        speeds.append(speed)
    assert abs(speeds[-1] - 12) < 0.5 and max(speeds) < 15


class Quarter:
    """A policy that always steers a quarter to the right."""

    view = VIEWS["udacity"]

    def __call__(self, picture):
        return np.array([0.25])


def test_a_decimal_comma_is_read_and_answered_in_kind():
    chauffeurs = Chauffeur(Quarter(), speed=15.0), Chauffeur(Quarter(), speed=15.0)
    point, comma = (
        chauffeur.answer({"speed": speed, "image": encoded(128)})
        for chauffeur, speed in zip(chauffeurs, ("12.1822", "12,1822"), strict=True)
    )
    assert not chauffeurs[1].problem and float(point["throttle"]) > 0.2
    assert comma == {"steering_angle": "0,250000", "throttle": point["throttle"].replace(".", ",")}


def test_a_number_with_two_commas_is_no_number():
    chauffeur = Chauffeur(Quarter(), speed=15.0)
    assert chauffeur.answer({"speed": "1,234,5", "image": encoded(128)})["throttle"] == "0,000000"
    assert "speed must be a number, got '1,234,5'" in chauffeur.problem
