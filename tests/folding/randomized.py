"""What the tests of folding share: random weights and statistics, and how two models are compared."""

import keras
import numpy as np


def batch_norms(model) -> list[str]:
    """Names of the batch norms in a model, those in nested models and wrappers included."""
    return [layer.name for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


def randomize(model, seed: int = 0) -> None:
    """Give a model kernels of the size that keeps signals alive, and batch norms with the statistics of a trained net.

    Variances and gammas are from 0.5 to 2 and 0.5 to 1.5, means, betas and biases normal with deviation 0.5: no channel
    is dead, and none is the neutral 1 and 0 that would hide a mistake.
    """
    generator = np.random.default_rng(seed)
    period = 1_000_003  # a prime number, so that the repetitions of the values do not line up
    pool = np.tile(generator.normal(size=period).astype("float32"), 2)
    for layer in model._flatten_layers():
        for weight in getattr(layer, "_trainable_variables", []) + getattr(layer, "_non_trainable_variables", []):
            if not np.issubdtype(np.dtype(weight.dtype if weight.dtype != "bfloat16" else "float32"), np.floating):
                continue
            shape, name = tuple(weight.shape), weight.name
            if name in ("moving_variance", "variance"):
                values = generator.uniform(0.5, 2.0, shape)
            elif len(shape) > 1:
                inputs = np.prod(shape[:-2], dtype=int) * (1 if "depthwise" in weight.path else shape[-2])
                start = generator.integers(period)
                drawn = pool[start : start + min(np.prod(shape, dtype=int), period)]
                values = np.resize(drawn, shape) * np.float32(inputs**-0.5)
            elif name == "gamma":
                values = generator.uniform(0.5, 1.5, shape)
            else:
                values = generator.normal(0.0, 0.5, shape)
            weight.assign(values)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def relative_difference(model, other, inputs) -> float:
    """Largest absolute difference of the outputs of two models over the largest absolute output of the first."""
    outputs = [
        [keras.ops.convert_to_numpy(y).astype("float64") for y in keras.tree.flatten(m(inputs))] for m in (model, other)
    ]
    assert len(outputs[0]) == len(outputs[1])
    worst = 0.0
    for first, second in zip(*outputs, strict=True):
        assert first.shape == second.shape and np.all(np.isfinite(first)) and first.std() > 0
        worst = max(worst, np.abs(first - second).max() / np.abs(first).max())
    return float(worst)
