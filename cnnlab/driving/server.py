"""At the wheel of the Udacity simulator: it sends telemetry over Socket.IO, and is told how to steer.

The simulator's Unity program speaks Socket.IO 2 over Engine.IO 3, and asks for "EIO=4" all the same. python-engineio up
to 3.13 answers it; later releases refuse the number, and python-socketio 5 speaks another protocol. Hence the pins of
the package's extra `[simulator]`.
"""

import asyncio
import base64
import binascii
import io
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from cnnlab.driving.policy import Policy

try:
    import socketio
    import tornado.httpserver
    import tornado.netutil
    import tornado.web
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f'{error}: install the extra, pip install "cnnlab[simulator]"') from error

LARGEST_PICTURE = 4_000_000  # pixels; the simulator's has 51,200


class Chauffeur:
    """Answers telemetry: the network steers, and a controller keeps the speed.

    Args:
        policy: trained on pictures of this simulator.
        speed: to keep, in miles an hour.

    Attributes:
        steering: of the last answer.
        problem: why the last telemetry could not be used; empty if it could.
    """

    PROPORTIONAL, INTEGRAL = 0.1, 0.002  # throttle per mile an hour off, and per frame of it

    def __init__(self, policy: Policy, speed: float):
        self.policy, self.wanted = policy, speed
        self.steering, self.error_sum, self.problem = 0.0, 0.0, ""

    def answer(self, telemetry: Any) -> dict[str, str]:
        """What the car shall do: "steering_angle", -1 to 1, and "throttle", both as text, as the simulator reads them.

        The simulator writes and reads numbers as its system does: where its speed has a decimal comma, the answer has.

        Telemetry that cannot be used gets an answer too, since the simulator waits for one: the wheel stays as it is
        and the car rolls.

        Args:
            telemetry: "image", a picture in base64, and "speed" in miles an hour, as text or a number.
        """
        self.problem, throttle = "", 0.0
        comma = isinstance(telemetry, Mapping) and "," in str(telemetry.get("speed", ""))
        try:
            speed, picture = _speed(telemetry), _picture(telemetry, self.policy.view.source)
            self.steering = float(np.clip(self.policy(picture)[0], -1, 1))
            throttle = self._throttle(speed)
        except ValueError as error:
            self.problem = str(error)
        answer = {"steering_angle": f"{self.steering:.6f}", "throttle": f"{throttle:.6f}"}
        return {name: text.replace(".", ",") if comma else text for name, text in answer.items()}

    def _throttle(self, speed: float) -> float:
        error = self.wanted - speed
        limit = 1 / self.INTEGRAL  # the sum alone can ask for the whole pedal, and for no more
        self.error_sum = min(max(self.error_sum + error, -limit), limit)
        return min(max(self.PROPORTIONAL * error + self.INTEGRAL * self.error_sum, -1.0), 1.0)


def _speed(telemetry: Any) -> float:
    if not isinstance(telemetry, Mapping):
        raise ValueError(f"telemetry must be an object, got {type(telemetry).__name__}")
    try:
        value = telemetry["speed"]
        speed = float(value.replace(",", ".") if isinstance(value, str) and value.count(",") == 1 else value)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"speed must be a number, got {telemetry.get('speed')!r:.40}") from None
    if not math.isfinite(speed):
        raise ValueError(f"speed must be finite, got {speed}")
    return speed


def _picture(telemetry: Mapping, size: tuple[int, int]) -> np.ndarray:
    """The camera's picture, (H, W, 3) uint8 of the size that the network was trained with."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(telemetry["image"], validate=True))) as image:
            if math.prod(image.size) > LARGEST_PICTURE:
                raise ValueError(f"{image.size[0]} x {image.size[1]} pixels")
            picture = image.convert("RGB")
    except (
        KeyError,
        TypeError,
        binascii.Error,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        raise ValueError(f"image must be a picture in base64: {error!r:.80}") from None
    height, width = size
    return np.asarray(picture if picture.size == (width, height) else picture.resize((width, height)))


class _Manager(socketio.AsyncManager):
    """Awaits one answer after the other: this release gives coroutines to asyncio.wait, which Python 3.11 refuses."""

    async def emit(self, event, data, namespace, room=None, skip_sid=None, callback=None, **options):
        for client in list(self.get_participants(namespace, room)):
            await self.server._emit_internal(client, event, data, namespace)


def application(policy: Policy, speed: float) -> tornado.web.Application:
    """The server's end of the protocol, each client with a chauffeur of its own."""
    server = socketio.AsyncServer(async_mode="tornado", client_manager=_Manager())
    chauffeurs: dict[str, Chauffeur] = {}

    @server.event
    async def connect(client, environment):
        chauffeurs[client] = Chauffeur(policy, speed)
        print(f"client {client[:6]} connected", file=sys.stderr)
        await server.emit("steer", {"steering_angle": "0", "throttle": "0"}, room=client)

    @server.event
    async def telemetry(client, *data):
        if not data or data[0] is None:  # the driver has taken over
            await server.emit("manual", {}, room=client)
            return
        chauffeur = chauffeurs.setdefault(client, Chauffeur(policy, speed))
        answer = chauffeur.answer(data[0])
        if chauffeur.problem:
            print(f"client {client[:6]}: {chauffeur.problem}", file=sys.stderr)
        await server.emit("steer", answer, room=client)

    @server.event
    async def disconnect(client):
        chauffeurs.pop(client, None)
        print(f"client {client[:6]} disconnected", file=sys.stderr)

    return tornado.web.Application([(r"/socket.io/", socketio.get_tornado_handler(server))])


def serve(policy: Policy, host: str, port: int, speed: float, as_json: bool = False) -> None:
    """Serve until interrupted.

    Args:
        policy: trained on pictures of the simulator.
        host: address to listen on.
        port: 0 for any that is free.
        speed: to keep, in miles an hour.
        as_json: how the address is printed.

    Raises:
        OSError: the address cannot be listened on.
        ValueError: `speed` is not a positive number, or `port` is none.
    """
    if not 0 < speed < math.inf:
        raise ValueError(f"speed must be a positive number of miles an hour, got {speed}")
    if not 0 <= port < 65536:
        raise ValueError(f"port must be from 0 to 65535, got {port}")
    asyncio.run(_serve(application(policy, speed), host, port, as_json))


async def _serve(served: tornado.web.Application, host: str, port: int, as_json: bool) -> None:
    sockets = tornado.netutil.bind_sockets(port, host)
    tornado.httpserver.HTTPServer(served).add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    address = {"host": host, "port": port}
    print(json.dumps(address) if as_json else f"listening on {host}:{port}; start the autonomous mode", flush=True)
    await asyncio.Event().wait()
