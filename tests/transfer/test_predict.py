"""`python -m cnnlab.transfer predict`: from a picture to an answer, with the course's networks or one's own."""

import json
import re

import keras
import numpy as np
import pytest
import skimage.data
from keras import layers
from PIL import Image

from cnnlab.transfer.__main__ import main


@pytest.fixture
def pictures(tmp_path):
    """A folder with a cup of coffee, a cat, and what systems leave behind."""
    folder = tmp_path / "my pictures ä"
    folder.mkdir()
    Image.fromarray(skimage.data.coffee()).save(folder / "a cup.jpg")
    Image.fromarray(skimage.data.chelsea()).save(folder / "cat.png")
    (folder / ".DS_Store").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Two networks that say whether a picture is bright, one in probabilities and one in logits."""
    folder = tmp_path_factory.mktemp("networks")
    for name, activation in (("probabilities", "softmax"), ("logits", None)):
        inputs = keras.Input((8, 8, 3))
        x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
        dense = layers.Dense(2, activation=activation)
        model = keras.Model(inputs, dense(x))
        dense.set_weights([np.array([[-4, 4]] * 3), np.array([6, -6])])
        model.save(folder / f"{name}.keras")
    return folder


def rows(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_folder_of_pictures_is_answered_in_order(pictures, capsys):
    assert main(["predict", str(pictures), "--json", "--top", "3"]) == 0
    cup, cat = rows(capsys)
    assert cup["picture"].endswith("a cup.jpg") and cup["classes"][0]["class"] == "espresso"
    assert cup["classes"][0]["probability"] > 0.8 and len(cat["classes"]) == 3
    assert {of["class"] for of in cat["classes"]} == {"Egyptian cat", "tiger cat", "tabby"}


def test_a_line_for_people(pictures, capsys):
    assert main(["predict", str(pictures / "a cup.jpg"), "--top", "1"]) == 0
    assert capsys.readouterr().out.startswith(f"{pictures / 'a cup.jpg'}: espresso 0.9")


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_a_network_of_ones_own(own, tmp_path, kind, capsys):
    for name, value in (("black", 0), ("white", 255)):
        Image.new("RGB", (20, 30), (value, value, value)).save(tmp_path / f"{name}.png")
    command = [
        "predict",
        str(tmp_path / "black.png"),
        str(tmp_path / "white.png"),
        "--model",
        str(own / f"{kind}.keras"),
    ]
    assert main([*command, "--json", "--classes", "dark", "bright"]) == 0
    black, white = rows(capsys)
    assert [of["class"] for of in black["classes"]] == ["dark", "bright"]
    assert black["classes"][0]["probability"] == pytest.approx(1, abs=1e-4)
    assert white["classes"][0] == {"class": "bright", "probability": pytest.approx(1 / (1 + np.exp(-12)), abs=1e-4)}
    assert main([*command, "--json"]) == 0
    assert rows(capsys)[1]["classes"][0]["class"] == "1"


def test_a_picture_that_cannot_be_used_is_named_and_the_others_are_answered(own, pictures, capsys):
    (pictures / "b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (pictures / "c.txt").write_text("seen on Sunday", encoding="utf-8")
    command = ["predict", str(pictures), str(pictures / "none.jpg"), "--model", str(own / "logits.keras")]
    assert main(command) == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert "b.heic: a HEIC picture" in printed.err and "c.txt: no picture" in printed.err
    assert "none.jpg: [Errno 2] No such file" in printed.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (
            ["--model", "resnet9"],
            2,
            "`--model` needs one of efficientnet_lite0, .* or a .keras file; received 'resnet9'",
        ),
        (["--model", "none.keras"], 1, "none.keras: there is no such file"),
        (["--classes", "a"], 2, "`--classes` goes with a network of your own"),
        (["--model", "{own}/logits.keras", "--classes", "a"], 2, "needs 2 names, one per output of .*; received 1"),
        (["--model", "{own}/torn.keras"], 1, "torn.keras: expected a network that Keras saved"),
        (["--model", "{own}/words.keras"], 1, r"expected a network from \(N, side, side, 3\) to \(N, classes\)"),
        (["--model", "{own}/gray.keras"], 1, "expected inputs of one side and three channels"),
    ],
)
def test_what_cannot_be_used_is_named(own, pictures, capsys, arguments, status, message):
    (own / "torn.keras").write_bytes((own / "logits.keras").read_bytes()[:500])
    keras.Sequential([keras.Input((7,)), layers.Dense(2)]).save(own / "words.keras")
    gray = [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)]
    keras.Sequential(gray).save(own / "gray.keras")
    command = ["predict", str(pictures / "cat.png"), *(text.format(own=own) for text in arguments)]
    if status == 2:
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 2
    else:
        assert main(command) == status
    printed = capsys.readouterr()
    assert re.search(message, printed.err.replace("\n", " ")), printed.err
