"""Exercises of chapter 10: side cameras, mirror images, logs, balancing, the network's size, speed, occlusion."""

import math

import numpy as np

from cnnlab.exercises import Exercise, differs, first_wrong, returned, shown


def _check_correction(answer) -> str | None:
    cases = [
        ((shift, lookahead, wheelbase), math.atan(wheelbase * 2 * shift / lookahead**2))
        for shift, lookahead, wheelbase in ((3.0, 15.0, 3.24), (0.5, 10.0, 2.5), (-2.0, 8.0, 3.0), (0.0, 5.0, 2.0))
    ]
    return first_wrong(answer, cases)


def _check_mirror(answer) -> str | None:
    generator = np.random.default_rng(0)
    for shape in ((2, 3, 4, 3), (1, 5, 2, 3)):
        pictures = generator.integers(0, 256, shape)
        steering = generator.uniform(-1, 1, len(pictures)).round(2)
        got = returned(answer, pictures, steering)
        if not isinstance(got, tuple | list) or len(got) != 2:
            return f"expected a pair (pictures, steering), got {shown(got)}"
        if wrong := differs(got[1], -steering):
            return f"steering {steering.tolist()}: {wrong}"
        if wrong := differs(np.asarray(got[0])[0, 0, :, 0], pictures[0, 0, ::-1, 0]):
            return f"first row of the first picture, red {pictures[0, 0, :, 0].tolist()}: {wrong}"
        if wrong := differs(got[0], pictures[:, :, ::-1]):
            return f"pictures of shape {shape}: {wrong}"
    return None


def _check_name(answer) -> str | None:
    cases = [
        (("C:\\Users\\Ann Lee\\IMG\\center_1.jpg",), "center_1.jpg"),
        (("/home/ann/drive 2/IMG/left_2.jpg",), "left_2.jpg"),
        ((" IMG/right_3.jpg",), "right_3.jpg"),
        (("center_4.jpg ",), "center_4.jpg"),
        (("D:/a\\b/left_5.jpg",), "left_5.jpg"),
    ]
    return first_wrong(answer, cases)


def _check_balance(answer) -> str | None:
    cases = [((300, 700, 0.25), 100), ((200, 800, 0.5), 200), ((90, 5, 0.1), 5), ((70, 700, 0.3), 30)]
    return first_wrong(answer, cases)


def _check_parameters(answer) -> str | None:
    cases = [((66, 200), 252_231), ((64, 64), 143_431), ((80, 160), 386_631), ((160, 320), 2_882_631)]
    return first_wrong(answer, cases)


def _check_occlusion(answer) -> str | None:
    generator = np.random.default_rng(0)
    for rows, columns, size in ((2, 3, 2), (3, 2, 4)):
        weights = generator.uniform(-1, 1, (rows * size, columns * size, 3)) / 1000
        picture = generator.integers(0, 256, weights.shape).astype(float)

        def steer(picture, weights=weights):
            return float((weights * picture).sum())

        expected = np.zeros((rows, columns))
        for row, column in np.ndindex(rows, columns):
            covered = picture.copy()
            covered[row * size : (row + 1) * size, column * size : (column + 1) * size] = 128
            expected[row, column] = abs(steer(covered) - steer(picture))
        got = returned(answer, steer, picture, size)
        if wrong := differs(got, expected):
            return f"a picture of {picture.shape[0]} x {picture.shape[1]}, patches of {size}: {wrong}"
    return None


def _check_speed(answer) -> str | None:
    cases = []
    for curvatures, grip, braking in (
        ([0.0, 0.0, 0.0, 0.1], 250.0, 80.0),
        ([0.05, 0.01, 0.0], 250.0, 80.0),
        ([0.0, 0.0, 0.02, 0.0, 0.0, 0.09], 100.0, 5.0),
    ):
        bends = np.array([grip / curvature if curvature else np.inf for curvature in curvatures])
        fastest = math.sqrt((bends + 2 * braking * np.arange(len(curvatures))).min())
        cases.append(((np.array(curvatures), grip, braking), fastest))
    return first_wrong(answer, cases)


EXERCISES = (
    Exercise(
        key="10.1",
        title="The steering of a side camera",
        stub='''
def answer(shift, lookahead, wheelbase):
    """Angle of the wheels, in radians, for a point `lookahead` away and `shift` to the right, by pure pursuit."""
''',
        hint="The distance to the point is `lookahead`, so the circle's curvature is `2 * shift / lookahead**2`. "
        "The angle is the arc tangent of the wheelbase times the curvature.",
        solution="""
def answer(shift, lookahead, wheelbase):
    return np.arctan(wheelbase * 2 * shift / lookahead**2)
""",
        mistakes=(
            "def answer(shift, lookahead, wheelbase):\n    return np.arctan(shift / lookahead)  # just aims at it",
            "def answer(shift, lookahead, wheelbase):\n    return np.arctan(wheelbase * 2 * shift / lookahead)",
            "def answer(shift, lookahead, wheelbase):\n    return np.arctan(wheelbase * shift / lookahead**2)",
        ),
        check=_check_correction,
    ),
    Exercise(
        key="10.2",
        title="Mirror images",
        stub='''
def answer(pictures, steering):
    """All pictures (N, H, W, 3) mirrored left to right, and the steering (N,) that belongs to them."""
''',
        hint="The third axis of the pictures runs from left to right. A bend to the left becomes one to the right.",
        solution="""
def answer(pictures, steering):
    return pictures[:, :, ::-1], -steering
""",
        mistakes=(
            "def answer(pictures, steering):\n    return pictures[:, :, ::-1], steering",
            "def answer(pictures, steering):\n    return pictures[:, ::-1], -steering  # upside down",
            "def answer(pictures, steering):\n    return pictures[..., ::-1], -steering  # colors",
        ),
        check=_check_mirror,
    ),
    Exercise(
        key="10.3",
        title="A path from another machine",
        stub='''
def answer(path):
    """The name of the file that a path means, whatever machine wrote the path."""
''',
        hint="Windows separates by `\\`, the others by `/`, and logs have blanks around their columns. Make one of the "
        "two signs the other, then take what stands last.",
        solution="""
def answer(path):
    return path.strip().replace("\\\\", "/").split("/")[-1]
""",
        mistakes=(
            'def answer(path):\n    return path.split("/")[-1]',
            'def answer(path):\n    return path.split("\\\\")[-1].split("/")[-1]  # keeps the blanks',
            "def answer(path):\n    return path.strip()",
        ),
        check=_check_name,
    ),
    Exercise(
        key="10.4",
        title="How many straight rows stay",
        stub='''
def answer(bends, straight, share):
    """How many of the straight rows to keep, so that they are `share` of all rows kept (or all, if there are fewer)."""
''',
        hint="With `k` straight rows kept, `k / (k + bends)` is the share. Solve for `k`, round, and keep no more than "
        "there are.",
        solution="""
def answer(bends, straight, share):
    return min(straight, round(bends * share / (1 - share)))
""",
        mistakes=(
            "def answer(bends, straight, share):\n    return round(straight * share)",
            "def answer(bends, straight, share):\n    return min(straight, round(bends * share))",
            "def answer(bends, straight, share):\n    return round(bends * share / (1 - share))  # more than there are",
        ),
        check=_check_balance,
    ),
    Exercise(
        key="10.5",
        title="The lecture's network at any size",
        stub='''
def answer(height, width):
    """Number of parameters of the lecture's driving network for color pictures of this size."""
''',
        hint="Only the dense layer behind the flattened maps depends on the size: 64 maps times height times width, "
        "times 100 units. `arithmetic.output_size` computes the sides; the rest is what it is at 66 x 200, "
        "`252_231 - 1152 * 100`.",
        solution="""
def answer(height, width):
    for kernel, stride in ((5, 2), (5, 2), (5, 2), (3, 1), (3, 1)):
        height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    return 252_231 - 1152 * 100 + 64 * height * width * 100
""",
        mistakes=(
            "def answer(height, width):\n    return 252_231  # whatever the size",
            "def answer(height, width):\n    return 252_231 * height * width // (66 * 200)",
            # as if the convolutions were padded
            "def answer(height, width):\n    return 252_231 - 115_200 + 64 * -(-height // 8) * -(-width // 8) * 100",
        ),
        check=_check_parameters,
    ),
    Exercise(
        key="10.6",
        title="Cover and see",
        stub='''
def answer(steer, picture, size):
    """How much the steering changes when a patch of the picture is gray: (H // size, W // size).

    steer takes a picture (H, W, 3) and gives a number; patches are squares of `size` pixels side by side, gray is 128.
    """
''',
        hint="Copy the picture for each patch, set that square to 128, and keep the absolute difference to what is "
        "steered for the whole picture.",
        solution="""
def answer(steer, picture, size):
    changes = np.zeros((picture.shape[0] // size, picture.shape[1] // size))
    for row, column in np.ndindex(*changes.shape):
        covered = picture.copy()
        covered[row * size : (row + 1) * size, column * size : (column + 1) * size] = 128
        changes[row, column] = abs(steer(covered) - steer(picture))
    return changes
""",
        mistakes=(
            # no copy: patches stay covered
            "def answer(steer, picture, size):\n    whole = steer(picture)\n"
            "    changes = np.zeros((picture.shape[0] // size, picture.shape[1] // size))\n"
            "    for row, column in np.ndindex(*changes.shape):\n"
            "        picture[row * size : (row + 1) * size, column * size : (column + 1) * size] = 128\n"
            "        changes[row, column] = abs(steer(picture) - whole)\n    return changes",
            # the steering itself
            "def answer(steer, picture, size):\n"
            "    return np.full((picture.shape[0] // size, picture.shape[1] // size), steer(picture))",
            # black
            "def answer(steer, picture, size):\n"
            "    changes = np.zeros((picture.shape[0] // size, picture.shape[1] // size))\n"
            "    for row, column in np.ndindex(*changes.shape):\n        covered = picture.copy()\n"
            "        covered[row * size : (row + 1) * size, column * size : (column + 1) * size] = 0\n"
            "        changes[row, column] = abs(steer(covered) - steer(picture))\n    return changes",
        ),
        check=_check_occlusion,
    ),
    Exercise(
        key="10.7",
        title="The speed in front of a bend",
        stub='''
def answer(curvatures, grip, braking):
    """The highest speed from which every bend ahead can be met; curvatures (N,) at distances 0, 1, 2, ... units."""
''',
        hint="At distance `s` the square of the speed may be `grip / curvature`, and braking over `s` takes "
        "`2 * braking * s` off the square. Where the curvature is 0, any speed is right.",
        solution="""
def answer(curvatures, grip, braking):
    squares = grip / np.maximum(curvatures, 1e-12) + 2 * braking * np.arange(len(curvatures))
    return np.sqrt(squares.min())
""",
        mistakes=(
            # does not brake
            "def answer(curvatures, grip, braking):\n    return np.sqrt((grip / np.maximum(curvatures, 1e-12)).min())",
            # brakes too well
            "def answer(curvatures, grip, braking):\n    distance = np.arange(len(curvatures))\n"
            "    return (np.sqrt(grip / np.maximum(curvatures, 1e-12)) + 2 * braking * distance).min()",
            # the bend here alone
            "def answer(curvatures, grip, braking):\n    return np.sqrt(grip / max(curvatures[0], 1e-12))",
        ),
        check=_check_speed,
    ),
)
