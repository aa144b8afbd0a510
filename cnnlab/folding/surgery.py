"""The formula of batch-norm folding, and the copy of a model on which it is carried out."""

import keras
import numpy as np

from cnnlab.folding.plan import DEPTHWISE, SEPARABLE, TRANSPOSED, has_graph, nodes, plan


def fold_weights(kernel, bias, gamma, beta, mean, variance, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias that do the work of a linear layer and the batch norm after it.

    Args:
        kernel: (..., channels), the output channels last.
        bias, gamma, beta, mean, variance: (channels,), or a number for all channels.
        epsilon: what the batch norm adds to the variance.

    Returns:
        Kernel and bias, computed in float64, shaped like `kernel` and (channels,).

    Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
        inference", 2018, section 3.2.
    """
    scale = gamma / np.sqrt(np.asarray(variance, "float64") + epsilon)
    return kernel * scale, (bias - mean) * scale + beta


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """A copy of a model in which every batch norm that can be is folded into the layer before it.

    A batch norm folds if it directly follows a convolution (ordinary, depthwise, separable, transposed) or a dense
    layer that has no activation, is called once, and whose output nothing else reads. Nested models are opened; a pair
    that stands half inside one stays. The outputs at inference are the same up to rounding. `explain` lists what
    happens to each batch norm.

    Layers are copied through their configuration, as `keras.models.clone_model` does, so that a layer of your own needs
    `get_config`; a `Lambda` keeps its function. Names and `trainable` are kept. The copy is a plain functional or
    Sequential model, not compiled.

    Args:
        model: a functional or Sequential model that is built; it is left as it is.

    Returns:
        The copy, with weights of its own.

    Raises:
        ValueError: `model` is of another kind or not built; a layer cannot be copied; or a batch norm has statistics
            that are not finite, or a variance that epsilon does not lift above zero.
    """
    rows, hosts = plan(model)
    for layer in rows:
        _refuse_bad_statistics(layer)
    copies: dict = {}
    folded = _copy(model, hosts, copies)
    # A model that is frozen freezes what is in it: set the models first, which were finished last.
    for layer, copy in reversed(copies.items()):
        if copy.trainable != layer.trainable:
            copy.trainable = layer.trainable
    for layer, copy in copies.items():
        batch_norms = [batch_norm for batch_norm, host in hosts.items() if host is layer]
        if batch_norms:
            _set_folded(copy, layer, batch_norms)
        elif layer.weights and not has_graph(layer):
            copy.set_weights(layer.get_weights())
            if hasattr(copy, "finalize_state"):  # Normalization and its like compute constants from their weights
                copy.finalize_state()
    return folded


def _copy(layer, hosts: dict, copies: dict):
    """A copy of a layer or model without the batch norms in `hosts`; the same copy if it is asked for again."""
    if layer in copies:
        return copies[layer]
    if has_graph(layer):
        copy = _copy_model(layer, hosts, copies)
    else:
        copy = _copy_layer(layer, {"use_bias": True} if layer in hosts.values() else {})
    if isinstance(layer, keras.Layer):
        copies[layer] = copy
    else:
        copy.name = layer.name  # a function of keras.ops does not take its name from the configuration
    return copy


def _copy_layer(layer, changes: dict):
    """A copy of a layer that has no layers in it, or of a function of keras.ops, with some arguments changed."""
    if type(layer) is keras.layers.Lambda:
        # Its function is at hand as it is. Keras would make it again from code in the configuration, and rightly
        # refuses to run code that may have come with a file.
        arguments = {"output_shape": layer._output_shape, "mask": layer.mask, "arguments": layer.arguments}
        return keras.layers.Lambda(layer.function, name=layer.name, dtype=layer.dtype_policy, **arguments)
    try:
        return type(layer).from_config(layer.get_config() | changes)
    except Exception as error:
        reason = " ".join(str(error).split())  # Keras' text runs over several lines
        raise ValueError(
            f"`model` needs layers that can be copied; '{layer.name}' ({type(layer).__name__}) cannot: {reason} "
            "Give its class a `get_config` that holds what its `__init__` takes."
        ) from error


def _copy_model(model, hosts: dict, copies: dict) -> keras.Model:
    """A copy of a model, called on inputs of its own. A folded batch norm hands on the tensor it gets."""
    if isinstance(model, keras.Sequential):
        given = model.inputs[0]
        inputs = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=given.name)
        kept = [_copy(layer, hosts, copies) for layer in model.layers if layer not in hosts]
        return keras.Sequential([inputs, *kept], name=model.name)
    tensors: dict = {}
    for node in nodes(model):
        if node.operation in hosts:
            results = tensors[id(node.input_tensors[0])]
        elif node.is_input:
            results = _copy(node.operation, hosts, copies).output
        else:
            arguments, options = node.arguments.fill_in(tensors)
            results = _copy(node.operation, hosts, copies)(*arguments, **options)
        tensors.update(zip(map(id, node.outputs), keras.tree.flatten(results), strict=True))
    inputs, outputs = (
        keras.tree.map_structure(lambda tensor: tensors[id(tensor)], given) for given in (model.input, model.output)
    )
    return keras.Model(inputs, outputs, name=model.name)


def _set_folded(copy, layer, batch_norms: list) -> None:
    """Give the copy of a layer its weights with the batch norms folded in, one after the other."""
    name = "pointwise_kernel" if isinstance(layer, SEPARABLE) else "kernel"
    kernel = _array(getattr(layer, name))
    bias = _array(layer.bias) if layer.use_bias else 0.0
    # fold_weights wants the output channels last. Where they stand: transposed kernels (..., out, in), depthwise
    # kernels (..., in, multiplier), whose outputs are ordered by input channel, then multiplier.
    shape = kernel.shape
    if isinstance(layer, TRANSPOSED):
        kernel = np.swapaxes(kernel, -1, -2)
    elif isinstance(layer, DEPTHWISE):
        kernel = kernel.reshape(*shape[:-2], -1)
    for batch_norm in batch_norms:
        kernel, bias = fold_weights(kernel, bias, **_statistics(batch_norm), epsilon=batch_norm.epsilon)
    kernel = np.swapaxes(kernel, -1, -2) if isinstance(layer, TRANSPOSED) else kernel.reshape(shape)
    if isinstance(layer, SEPARABLE):
        copy.depthwise_kernel.assign(layer.depthwise_kernel)
    getattr(copy, name).assign(kernel)
    copy.bias.assign(bias)


def _statistics(layer) -> dict[str, np.ndarray]:
    """What a batch norm computes with, (channels,) each; a gamma of 1 and a beta of 0 where it has none."""
    mean, variance = _array(layer.moving_mean), _array(layer.moving_variance)
    gamma = np.ones_like(mean) if layer.gamma is None else _array(layer.gamma)
    beta = np.zeros_like(mean) if layer.beta is None else _array(layer.beta)
    return {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}


def _array(variable) -> np.ndarray:
    """The values of a variable in float64."""
    return variable.numpy().astype("float64")


def _refuse_bad_statistics(layer) -> None:
    statistics = _statistics(layer)
    for name, values in statistics.items():
        if not np.all(np.isfinite(values)):
            raise ValueError(f"`model` needs finite batch norms; the {name} of the layer '{layer.name}' is not finite.")
    if np.any(statistics["variance"] + layer.epsilon <= 0):
        raise ValueError(
            "`model` needs batch norms whose variance plus epsilon is positive; the layer "
            f"'{layer.name}' has a variance of {statistics['variance'].min():g} and an epsilon of {layer.epsilon:g}."
        )
