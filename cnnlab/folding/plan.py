"""Which batch norms of a model can be folded, into which layer, and what stands in the way of the others."""

import inspect
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import keras
from keras import layers

from cnnlab.layers import FusedBatchNormalization

# The kinds of layer that a batch norm folds into. A subclass may compute something else, so the class must match.
CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
BATCH_NORMS = (layers.BatchNormalization, FusedBatchNormalization)  # not what is derived from them
HOSTS = (*CONVOLUTIONS, *DEPTHWISE, *SEPARABLE, *TRANSPOSED, layers.Dense)


@dataclass(frozen=True)
class BatchNormRow:
    """What happens to one batch norm.

    Attributes:
        name: the layer's name; inside a nested model "model/layer".
        host: name of the layer that it folds into, None if it stays.
        reason: why it stays; empty if it folds.
    """

    name: str
    host: str | None
    reason: str

    @property
    def folds(self) -> bool:
        return self.host is not None


@dataclass(frozen=True, repr=False)
class Explanation:
    """One row for each batch norm of a model, in the order of computation; prints as a table."""

    rows: tuple[BatchNormRow, ...]

    def __iter__(self) -> Iterator[BatchNormRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def folded(self) -> int:
        """How many batch norms fold."""
        return sum(row.folds for row in self.rows)

    def __repr__(self) -> str:
        heads = ("batch norm", "folds into", "stays because")
        cells = [heads, *((row.name, row.host or "-", row.reason) for row in self.rows)]
        first, second, _ = (max(map(len, column)) for column in zip(*cells, strict=True))
        lines = [f"{name:{first}}  {host:{second}}  {reason}".rstrip() for name, host, reason in cells]
        return "\n".join([*lines, f"{self.folded} of {len(self.rows)} fold"])


def explain(model: keras.Model) -> Explanation:
    """For every batch norm of a model: the layer that it folds into, or why it stays.

    Args:
        model: a functional or Sequential model that is built.

    Returns:
        An `Explanation`, which prints as a table.

    Raises:
        ValueError: `model` is of another kind or not built.
    """
    return Explanation(tuple(plan(model)[0].values()))


def plan(model: keras.Model) -> tuple[dict, dict]:
    """What happens to each batch norm: its row, and for those that fold the layer that takes it in.

    Args:
        model: a functional or Sequential model that is built.

    Returns:
        Two dictionaries by batch norm, the first to `BatchNormRow`, the second to the layer.

    Raises:
        ValueError: `model` is of another kind or not built.
    """
    _refuse_without_graph(model)
    calls = list(_walk(model))
    times = Counter(call.layer for call in calls)
    readers = defaultdict(list)
    for call in calls:
        for tensor in call.node.input_tensors:
            readers[id(tensor)].append(call.layer)
    rows: dict = {}
    hosts: dict = {}
    for call in calls:
        # A layer that is no model may hold batch norms too (a wrapper, a subclassed model), out of our sight.
        seen = [] if has_graph(call.layer) else getattr(call.layer, "_flatten_layers", list)()
        for layer in seen:
            if layer in rows or not isinstance(layer, layers.BatchNormalization):
                continue
            path, host = call.path, None
            if layer is call.layer:
                host, reason = _find_host(call, hosts, times, readers)
            else:
                path += f"{call.layer.name}/"
                reason = f"is inside '{call.layer.name}' ({type(call.layer).__name__}), which shows no graph"
            rows[layer] = BatchNormRow(path + layer.name, host and path + host.name, reason)
            if host:
                hosts[layer] = host
    return rows, hosts


def _find_host(call, hosts: dict, times: Counter, readers: dict) -> tuple[keras.Layer | None, str]:
    """The layer that the batch norm of a call folds into, or None and what stands in the way."""
    layer, tensor = call.layer, call.node.input_tensors[0]
    producer = tensor._keras_history.operation
    host = hosts.get(producer, producer)  # behind a batch norm that folds, the next one finds the same layer
    name = f"'{producer.name}'"
    if type(layer) not in BATCH_NORMS:
        return None, f"is a {type(layer).__name__}, which may compute something else"
    if times[layer] > 1:
        return None, f"is called {times[layer]} times"
    if call.training:
        return None, "is called with training=True, so it uses each batch's own statistics"
    if len(call.node.input_tensors) > 1:
        return None, "is called with a mask"
    if type(host) not in HOSTS:
        return None, f"follows {name} ({type(host).__name__}), which is no convolution or dense layer"
    if times[host] > 1:
        return None, f"{name} is called {times[host]} times"
    if host.activation is not keras.activations.linear:
        return None, f"{name} applies {getattr(host.activation, '__name__', 'an activation')} before it"
    if any(tensor is output for output in call.model.outputs):
        return None, f"the output of {name} is an output of the model"
    if len(readers[id(tensor)]) > 1:
        others = sorted({f"'{reader.name}'" for reader in readers[id(tensor)] if reader is not layer})
        return None, f"the output of {name} is read by {', '.join(others)} too"
    rank = len(tensor.shape)
    channels = 1 if getattr(host, "data_format", None) == "channels_first" else rank - 1
    if layer.axis % rank != channels:
        return None, f"normalizes axis {layer.axis % rank}, and {name} has its channels on axis {channels}"
    if layer.compute_dtype != host.compute_dtype:
        return None, f"computes in {layer.compute_dtype}, and {name} in {host.compute_dtype}"
    if getattr(host, "quantization_mode", None) or getattr(host, "lora_enabled", False):
        return None, f"the weights of {name} are quantized, or corrected by LoRA"
    return host, ""


@dataclass(frozen=True)
class _Call:
    """One call of a layer: the model in which it stands, the path to there, whether training=True is fixed."""

    layer: keras.Layer
    node: object
    model: keras.Model
    path: str
    training: bool


def _walk(model, path: str = "", training: bool = False) -> Iterator[_Call]:
    """The calls in a model and, each time they are called, in the models inside it, in the order of computation."""
    for node in nodes(model):
        layer = node.operation
        fixed = training or _is_fixed_to_training(node)
        yield _Call(layer, node, model, path, fixed)
        if has_graph(layer):
            yield from _walk(layer, f"{path}{layer.name}/", fixed)


def nodes(model: keras.Model) -> list:
    """The calls in a model, each after those it needs; calls of the same layers in other models are not among them."""
    by_depth = getattr(model, "_functional", model)._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def has_graph(layer) -> bool:
    """Whether a layer is a built model that is no more than its graph: no class with a `call` of its own."""
    standard = isinstance(layer, keras.Model) and type(layer).call.__module__.startswith("keras.src.models.")
    return standard and hasattr(getattr(layer, "_functional", layer), "_nodes_by_depth")


def _is_fixed_to_training(node) -> bool:
    """Whether a layer is called as in layer(x, training=True)."""
    arguments = inspect.signature(node.operation.call).bind_partial(*node.arguments.args, **node.arguments.kwargs)
    return bool(arguments.arguments.get("training"))


def _refuse_without_graph(model) -> None:
    if has_graph(model):
        return
    if isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call:
        raise ValueError(
            f"`model` needs to be built; the Sequential model '{model.name}' does not know the shape of its input yet. "
            "Let it start with keras.Input(shape), or call it on a batch."
        )
    kind = "a class with a `call` of its own" if isinstance(model, keras.Model) else "no model"
    raise ValueError(
        "`model` needs a functional or Sequential Keras model, whose graph can be read; "
        f"received {type(model).__name__}, {kind}."
    )
