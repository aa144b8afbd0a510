"""What a Keras model costs: `profile` walks its graph and counts, layer by layer."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from cnnlab.arithmetic.closed_form import integer
from cnnlab.arithmetic.fields import Field, field_after, first_field
from cnnlab.wording import few


def _ranks(*names: str) -> set[str]:
    return {f"{name}{rank}D" for name in names for rank in (1, 2, 3)}


# Keras' layers by what they cost. A class of the same name that is not Keras' own is not meant.
CONVOLUTIONS = _ranks("Conv", "DepthwiseConv")
SEPARABLE = _ranks("SeparableConv")
TRANSPOSED = {f"{name}Transpose" for name in _ranks("Conv")}
# These hand on the values they get, at least after training: they cost nothing and write nothing.
VIEWS = _ranks("SpatialDropout") | {"Flatten", "Reshape", "Identity", "ActivityRegularization"}
VIEWS |= {"Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"}
VIEWS |= {f"Random{what}" for what in ("Flip", "Rotation", "Translation", "Zoom", "Contrast", "Brightness", "Erasing")}
# These cost no multiply-adds by the custom of the field, but write values of their own.
FREE = _ranks("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling")
FREE |= _ranks("ZeroPadding", "Cropping", "UpSampling") | {"Permute", "RepeatVector", "CenterCrop", "Resizing"}
FREE |= {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"}
FREE |= {f"{what}Normalization" for what in ("Batch", "Layer", "Group", "RMS", "Unit", "")} | {"Rescaling"}
FREE |= {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"}
FREE |= {"InputLayer", "Embedding", "Masking"}
# The same for what stands between layers: functions of `keras.ops` and operators (x + y).
FREE_FUNCTIONS = {"Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Maximum", "Minimum", "Clip"}
FREE_FUNCTIONS |= {
    "Absolute",
    "Pad",
    "Square",
    "Sqrt",
    "Exp",
    "Log",
    "Concatenate",
    "Relu",
    "Relu6",
    "LeakyRelu",
    "Elu",
}
FREE_FUNCTIONS |= {"Selu", "Gelu", "Silu", "Sigmoid", "Tanh", "Softplus", "Softmax", "HardSigmoid", "HardSilu"}


@dataclass(frozen=True)
class LayerProfile:
    """One call of one layer.

    Attributes:
        name: the layer's name; inside a nested model "model/layer".
        kind: the layer's class.
        output_shape: as Keras gives it, the batch (None) first; a tuple of shapes for a layer with several outputs.
        params: parameters, those that training leaves alone included; 0 where an earlier row has counted them.
        trainable_params: parameters that training changes.
        macs: multiply-adds for one example.
        activations: values that the layer writes for one example; 0 where it hands on what it got (flatten, dropout).
        receptive_field: input pixels along an axis that one output value can see, padding included, the widest over
            all paths; a tuple where the axes differ, None after a layer that is not counted. Normalization's
            statistics, which see everything, are left out.
    """

    name: str
    kind: str
    output_shape: tuple
    params: int
    trainable_params: int
    macs: int
    activations: int
    receptive_field: int | tuple[int, ...] | None


@dataclass(frozen=True, repr=False)
class Profile:
    """The rows of a model in the order of computation, their sums, and the names of what could not be counted.

    With anything uncounted, multiply-adds and activations are lower bounds.

    Attributes:
        rows: one for each call of a layer.
        uncounted: names of the layers whose multiply-adds are not known.
        open_sizes: those of them that are not known because sizes are open; `input_shape` would close them.
    """

    rows: list[LayerProfile]
    uncounted: list[str]
    open_sizes: list[str]

    def __iter__(self) -> Iterator[LayerProfile]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def params(self) -> int:
        return sum(row.params for row in self.rows)

    @property
    def trainable_params(self) -> int:
        return sum(row.trainable_params for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def activations(self) -> int:
        return sum(row.activations for row in self.rows)

    def to_dict(self) -> dict:
        """Everything as plain numbers, strings, lists and dicts."""
        totals = {name: getattr(self, name) for name in ("params", "trainable_params", "macs", "activations")}
        names = {"uncounted": list(self.uncounted), "open_sizes": list(self.open_sizes)}
        return totals | {"rows": [asdict(row) for row in self.rows]} | names

    def __repr__(self) -> str:
        heads = ("layer", "kind", "output", "parameters", "multiply-adds", "activations", "field")
        bound = "≥ " if self.uncounted else ""
        sums = f"{self.params:,}", f"{bound}{self.macs:,}", f"{bound if self.open_sizes else ''}{self.activations:,}"
        totals = ("total", "", "", *sums, "")
        cells = [heads, *(_cells(row) for row in self.rows), totals]
        widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(f"{cell:{'<' if i < 3 else '>'}{widths[i]}}" for i, cell in enumerate(row)).rstrip()
            for row in cells
        ]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        if self.trainable_params != self.params:
            lines.append(f"Trainable parameters: {self.trainable_params:,}")
        if self.open_sizes:
            example = "`input_shape=(224, 224, 3)`, or what your images have, closes them"
            lines.append(f"A lower bound: layers of open size are not counted ({few(self.open_sizes)}); {example}.")
        if unknown := [name for name in self.uncounted if name not in self.open_sizes]:
            own = "a method `multiply_adds(output_shape)` of its class would count it"
            lines.append(f"A lower bound: layers that are not known are not counted ({few(unknown)}); {own}.")
        return "\n".join(lines)


def profile(model, input_shape: Sequence[int] | None = None) -> Profile:
    """Parameters, multiply-adds, activations and receptive field of a Keras model, one row for each call of a layer.

    Multiply-adds are those of weights in convolution and dense layers. One counts once (two FLOPs); taps that fall on
    padding count like any other; biases, normalization, activations and pooling count nothing. A layer that is called
    twice has two rows, and its parameters stand in the first. Where paths part, each is followed to its end in turn.

    A layer of your own is counted if it has a method `multiply_adds(output_shape) -> int`; its `kernel_size` or
    `pool_size`, and its `strides`, say how its field grows, if it has them.

    Args:
        model: a functional or Sequential Keras model that is built; nested models are opened.
        input_shape: sizes for one example, (height, width, channels), for a model whose input leaves them open.

    Returns:
        A `Profile`. A layer that is not known, or whose sizes stay open, counts zero multiply-adds and is listed in
        `.uncounted`; its parameters count. The sum is a lower bound then, and says so.

    Raises:
        ValueError: the model is not a functional or Sequential one, or is not built; or `input_shape` does not fit.

    Source: for the way of counting, He et al., "Deep residual learning for image recognition", 2016, section 3.3.
    """
    if not _has_graph(model):
        raise ValueError(
            "`model` needs a functional or Sequential Keras model that is built (give a Sequential one a keras.Input); "
            f"received {model!r}."
        )
    walk = _Walk({id(weight) for weight in model.trainable_weights})
    walk.open(model, [(shape, first_field(shape)) for shape in _input_shapes(model.inputs, input_shape)], prefix="")
    return Profile(walk.rows, walk.uncounted, walk.open_sizes)


class _Walk:
    """One pass over a model: the rows so far, and which weights they have counted.

    For each tensor it knows the pair (shape, field).
    """

    def __init__(self, trainable: set[int]):
        self.trainable = trainable
        self.rows: list[LayerProfile] = []
        self.uncounted: list[str] = []
        self.open_sizes: list[str] = []
        self.counted: set[int] = set()

    def open(self, model, inputs: list[tuple[tuple, Field | None]], prefix: str) -> list[tuple[tuple, Field | None]]:
        """Add the rows of a model, given what is known of its inputs; returned is what is known of its outputs then."""
        known = dict(zip(map(id, model.inputs), inputs, strict=True))
        for node in _calls(model):
            layer = node.operation
            if id(node.outputs[0]) in known:
                # The whole model's inputs are rows; a nested model's are tensors that have one already.
                if not prefix:
                    shape, field = known[id(node.outputs[0])]
                    self.add(layer, layer.name, _multiply_adds(layer, shape, shape), [(shape, field)], _is_open(shape))
                continue
            sources = [known[id(tensor)] for tensor in node.input_tensors]
            if _has_graph(layer):
                results = self.open(layer, sources, f"{prefix}{layer.name}/")
            else:
                shapes = _output_shapes(node, known)
                macs = _multiply_adds(layer, sources[0][0], shapes[0])
                fields = [field for _, field in sources]
                field = None if macs is None else field_after(layer, sources[0][0], shapes[0], fields)
                results = [(shape, field) for shape in shapes]
                self.add(layer, prefix + layer.name, macs, results, any(map(_is_open, (sources[0][0], *shapes))))
            known.update(zip(map(id, node.outputs), results, strict=True))
        return [known[id(tensor)] for tensor in model.outputs]

    def add(self, layer, name: str, macs: int | None, results: list[tuple[tuple, Field | None]], is_open: bool) -> None:
        """Add one row; multiply-adds of None are noted as uncounted, for sizes that are open or for another reason."""
        if macs is None and name not in self.uncounted:
            self.uncounted.append(name)
            if is_open:
                self.open_sizes.append(name)
        weights = {id(weight): math.prod(weight.shape) for weight in getattr(layer, "weights", ())}
        fresh = {key: size for key, size in weights.items() if key not in self.counted}
        self.counted.update(fresh)
        shapes = [shape for shape, _ in results]
        writes = sum(math.prod(shape[1:]) for shape in shapes if not _is_open(shape))
        field = results[0][1]
        row = LayerProfile(
            name=name,
            kind=type(layer).__name__,
            output_shape=shapes[0] if len(shapes) == 1 else tuple(shapes),
            params=sum(fresh.values()),
            trainable_params=sum(size for key, size in fresh.items() if key in self.trainable),
            macs=macs or 0,
            activations=0 if type(layer).__name__ in VIEWS else writes,
            receptive_field=field and field.shown(),
        )
        self.rows.append(row)


def _has_graph(layer) -> bool:
    """Whether a layer is a functional or built Sequential model, whose inside can be walked."""
    return all(getattr(layer, name, None) for name in ("inputs", "outputs", "layers"))


def _calls(model) -> list:
    """The calls (nodes) that lead from a model's inputs to its outputs, each after those it needs."""
    inputs = set(map(id, model.inputs))
    ordered, visited = [], set()
    # A stack instead of recursion: the longest networks come close to Python's limit, and notebooks use some of it.
    stack = [(_call(tensor), False) for tensor in reversed(model.outputs)]
    while stack:
        node, ready = stack.pop()
        if ready:
            ordered.append(node)
        elif id(node) not in visited:
            visited.add(id(node))
            stack.append((node, True))
            if id(node.outputs[0]) not in inputs:
                stack.extend((_call(tensor), False) for tensor in reversed(node.input_tensors))
    return ordered


def _call(tensor):
    """The call that made a tensor. Keras keeps it under this name since its first version."""
    layer, call, _ = tensor._keras_history
    return layer._inbound_nodes[call]


def _input_shapes(inputs: list, input_shape: Sequence[int] | None) -> list[tuple]:
    """Shapes of a model's inputs, the batch first, with what they leave open filled in if it is given."""
    if input_shape is None:
        return [tensor.shape for tensor in inputs]
    sizes = tuple(integer("input_shape", size, at_least=1) for size in input_shape)
    given = inputs[0].shape[1:]
    fits = len(inputs) == 1 and len(sizes) == len(given)
    if not fits or any(fixed not in (None, size) for fixed, size in zip(given, sizes, strict=True)):
        wanted = ", ".join(str(tensor.shape[1:]) for tensor in inputs)
        raise ValueError(f"`input_shape` needs to fit the model's input {wanted}; received {sizes}.")
    return [(None, *sizes)]


def _output_shapes(node, known: dict[int, tuple]) -> list[tuple]:
    """Shapes of what a call returns, computed from the inputs where the model leaves them open."""
    shapes = [tensor.shape for tensor in node.outputs]
    inputs = {id(tensor): (known[id(tensor)][0], tensor.dtype) for tensor in node.input_tensors}
    if not any(map(_is_open, shapes)) or any(_is_open(shape) for shape, _ in inputs.values()):
        return shapes
    import keras

    specimens = {key: keras.KerasTensor(shape, dtype) for key, (shape, dtype) in inputs.items()}
    arguments, options = node.arguments.fill_in(specimens)
    return [tensor.shape for tensor in keras.tree.flatten(node.operation.compute_output_spec(*arguments, **options))]


def _is_open(shape: tuple) -> bool:
    return None in shape[1:]


def _multiply_adds(layer, input_shape: tuple, output_shape: tuple) -> int | None:
    """Multiply-adds of one call for one example; None for a layer that is not known, or whose sizes are open."""
    if _is_open(input_shape) or _is_open(output_shape):
        return None
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds(output_shape)
    kind = type(layer).__name__
    if type(layer).__module__.split(".")[0] != "keras":
        return None
    if not hasattr(layer, "weights"):
        return 0 if kind in FREE_FUNCTIONS else None
    # Every weight of a kernel is used once at each place of the output, or of the input if it stamps.
    if kind in CONVOLUTIONS:
        return math.prod(layer.kernel.shape) * _places(layer, output_shape)
    if kind in SEPARABLE:
        weights = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
        return weights * _places(layer, output_shape)
    if kind in TRANSPOSED:
        return math.prod(layer.kernel.shape) * _places(layer, input_shape)
    if kind == "Dense":
        return math.prod(layer.kernel.shape) * math.prod(output_shape[1:-1])
    return 0 if kind in VIEWS | FREE else None


def _places(layer, shape: tuple) -> int:
    return math.prod(shape[2:] if layer.data_format == "channels_first" else shape[1:-1])


def _cells(row: LayerProfile) -> tuple[str, ...]:
    """One row of the printed table."""
    shapes = row.output_shape if isinstance(row.output_shape[0], tuple) else (row.output_shape,)
    output = ", ".join("×".join(map(str, shape[1:])) for shape in shapes)
    fields = row.receptive_field if isinstance(row.receptive_field, tuple) else (row.receptive_field,)
    field = "?" if row.receptive_field is None else "×".join(map(str, fields))
    return (row.name, row.kind, output, f"{row.params:,}", f"{row.macs:,}", f"{row.activations:,}", field)
