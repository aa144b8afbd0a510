"""`transfer.features`: a model's outputs, from a file where they were computed before."""

import keras
import numpy as np
import pytest

from cnnlab.transfer import features


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs)))


IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)


def test_they_are_what_predict_gives(model):
    assert np.allclose(features(model, IMAGES, batch_size=3), model.predict(IMAGES, verbose=0), atol=1e-4)


def test_the_second_time_nothing_is_computed(model, tmp_path, monkeypatch):
    first = features(model, IMAGES, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "predict", None)
        assert np.array_equal(features(model, IMAGES, tmp_path), first)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_other_weights_pictures_or_layers_are_computed_anew(model, tmp_path):
    features(model, IMAGES, tmp_path)
    features(model, IMAGES[:5], tmp_path)
    model.layers[1].bias.assign([1.0, 0, 0, 0])
    features(model, IMAGES, tmp_path)
    features(keras.Model(model.inputs, model.layers[1].output), IMAGES, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("images", [IMAGES[:0], IMAGES[0], IMAGES[:, :7], IMAGES[..., :1]])
def test_pictures_of_another_shape_are_refused(model, images):
    with pytest.raises(ValueError, match=r"`images` needs the shape \(None, 8, 8, 3\), at least one; received"):
        features(model, images)
