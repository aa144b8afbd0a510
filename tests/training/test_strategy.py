"""Two devices that share a batch reach the weights that one device reaches; on two virtual CPUs."""

import subprocess
import sys

import pytest

CODE = """
import sys
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from cnnlab import models, training

network, regularizer = sys.argv[1:]
generator = np.random.default_rng(0)
images, labels = generator.integers(0, 256, (64, 32, 32, 3)).astype("uint8"), generator.integers(0, 10, 64)
results = []
for devices in (["CPU:0", "CPU:1"], []):
    keras.utils.set_random_seed(0)
    strategy = training.strategy(devices)
    assert strategy.num_replicas_in_sync == max(len(devices), 1), strategy
    with strategy.scope():
        model = models.build(network, (32, 32, 3), 10, width=0.125, regularizer=regularizer)
        start = [weight.numpy().copy() for weight in model.weights]
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), training.smoothed_cross_entropy(0.1))
    batches = training.CroppedBatches(images, labels, 32, shift=2, mirror="random")
    history = model.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"]
    results.append((history, [weight.numpy() for weight in model.weights], start))
(losses, weights, start), (alone, expected, same_start) = results
for one, other in zip(start, same_start, strict=True):
    assert np.array_equal(one, other)
moved = np.sqrt(sum(((new - old) ** 2).sum() for new, old in zip(expected, start)))
apart = np.sqrt(sum(((new - old) ** 2).sum() for new, old in zip(weights, expected)))
print(f"losses {losses} and {alone}; the weights moved {moved:.3g} and are {apart:.3g} apart")
assert np.allclose(losses, alone, rtol=1e-4)
assert apart < 1e-3 * moved
"""


@pytest.mark.parametrize(("network", "regularizer"), [("vgg16", "none"), ("resnet18", "batch_norm")])
def test_two_devices_train_as_one(network, regularizer):
    run = subprocess.run(
        [sys.executable, "-c", CODE, network, regularizer], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
