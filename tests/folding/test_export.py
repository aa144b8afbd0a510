"""Folded networks as files for TFLite and ONNX."""

import sys

import keras
import numpy as np
import pytest
from keras import layers
from randomized import randomize

from cnnlab import folding, transfer
from cnnlab.datasets import photo
from cnnlab.folding import exporting

ENDINGS = [".tflite", ".onnx"]
pytestmark = pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")


@pytest.fixture(scope="module")
def model():
    """Folded, with every kind of layer that a batch norm folds into."""
    inputs = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    for layer in (layers.Conv2D(8, 3), layers.DepthwiseConv2D(3), layers.SeparableConv2D(6, 3), layers.Dense(5)):
        x = layers.ReLU(6)(layers.BatchNormalization()(layer(x)))
    whole = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))
    randomize(whole)
    return folding.fold_batch_norm(whole)


@pytest.mark.parametrize("ending", ENDINGS)
def test_outputs_agree_and_nothing_else_is_left(ending, model, tmp_path):
    assert folding.export(model, tmp_path / f"network{ending}") < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == [f"network{ending}"]


@pytest.fixture(scope="module")
def lite0():
    """EfficientNet-Lite0 with what it has learned on ImageNet, folded."""
    return folding.fold_batch_norm(transfer.classifier("efficientnet_lite0", "imagenet"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_real_network(ending, lite0, tmp_path):
    path = tmp_path / f"lite0{ending}"
    assert folding.export(lite0, path, photo()[np.newaxis]) < 1e-4
    assert 18e6 < path.stat().st_size < 19e6  # 4,652,008 - 2 x 21,008 batch-norm parameters + biases, 4 bytes each


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_computes_something_else_is_not_kept(ending, model, tmp_path, monkeypatch):
    other = keras.models.clone_model(model)
    randomize(other)
    other(np.zeros((1, 16, 16, 3)))
    write = {".tflite": "_write_tflite", ".onnx": "_write_onnx"}[ending]
    right = getattr(exporting, write)
    monkeypatch.setattr(exporting, write, lambda given, path: right(other, path))
    (tmp_path / f"network{ending}").write_bytes(b"an earlier one")
    with pytest.raises(ValueError, match=rf"network{ending} computes something else: its outputs differ by"):
        folding.export(model, tmp_path / f"network{ending}")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an earlier one"]


def test_what_cannot_be_exported_is_said(model, tmp_path):
    with pytest.raises(ValueError, match=r"`path` needs to end in \.tflite or \.onnx; received"):
        folding.export(model, tmp_path / "network.h5")
    with pytest.raises(ValueError, match=r"`images` needs the shape \(N, 16, 16, 3\); received \(2, 8, 8, 3\)"):
        folding.export(model, tmp_path / "network.tflite", np.zeros((2, 8, 8, 3)))
    inputs = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="one input of closed sizes"):
        folding.export(keras.Model(inputs, layers.Conv2D(2, 3)(inputs)), tmp_path / "network.tflite")
    assert not list(tmp_path.iterdir())


def test_without_the_packages_the_remedy_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r'pip install "cnnlab\[export\]"'):
        folding.export(model, tmp_path / "network.onnx")
