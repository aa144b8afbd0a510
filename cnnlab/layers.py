"""Layers that Keras lacks. All are channels-last; Keras saves and loads them without `custom_objects`.

A file of over 300 lines because it is a list: no layer here knows of another.
"""

import functools
import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="cnnlab")
def scaled_tanh(x):
    """LeNet-5's activation, 1.7159 tanh(2x/3): it maps 1 to 1 and -1 to -1, and saturates outside.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B and appendix A.
    """
    return 1.7159 * ops.tanh(x * (2 / 3))


@keras.saving.register_keras_serializable(package="cnnlab")
class ConnectionTableConv2D(keras.layers.Layer):
    """Convolution in which every output map sees only the input maps that a table grants it.

    One kernel is stored for each connection, so `count_params()` is the number of weights that exist: connections
    x kernel height x kernel width + output maps. For the call they are laid into an ordinary kernel that is zero
    wherever the table has no connection: a masked convolution, without padding, stride 1.

    Input (batch, H, W, input maps), output (batch, H - kernel + 1, W - kernel + 1, output maps).

    Args:
        table: for each output map, the numbers of the input maps it sees, counted from 0.
        kernel_size: height and width of the kernels in pixels.
        activation: what is applied to the result, as in `keras.layers.Conv2D`.

    Raises:
        ValueError: the table is empty, gives an output map no input or one input twice, or names an input map
            that the input does not have; the kernel is not of positive size.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B, table I.
    """

    def __init__(self, table: Sequence[Sequence[int]], kernel_size: int, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.table = [list(sources) for sources in table]
        if not self.table:
            raise ValueError("`table` needs at least one output map; received an empty table.")
        for target, sources in enumerate(self.table):
            if not sources or len(set(sources)) < len(sources) or min(sources) < 0:
                raise ValueError(
                    "`table` needs, for each output map, one or more different input maps counted from 0; "
                    f"received {sources} for output map {target}."
                )
        if not isinstance(kernel_size, int) or kernel_size < 1:
            raise ValueError(f"`kernel_size` needs a positive integer; received {kernel_size!r}.")
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        input_maps, output_maps = input_shape[-1], len(self.table)
        highest = max(max(sources) for sources in self.table)
        if highest >= input_maps:
            raise ValueError(f"`table` names input map {highest}; the input has maps 0 to {input_maps - 1}.")
        pairs = [(source, target) for target, sources in enumerate(self.table) for source in sources]
        # One-hot: connection k belongs at (source, target) of the full kernel.
        self.places = np.zeros((len(pairs), input_maps, output_maps), "float32")
        for connection, (source, target) in enumerate(pairs):
            self.places[connection, source, target] = 1
        # Glorot's limit for the connections that exist: mean fan-in plus mean fan-out.
        fans = self.kernel_size**2 * (len(pairs) / output_maps + len(pairs) / input_maps)
        limit = (6 / fans) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, len(pairs)),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight(name="bias", shape=(output_maps,), initializer="zeros")

    def masked_kernel(self):
        """The ordinary kernel (height, width, input maps, output maps), zero where the table has no connection."""
        return ops.einsum("hwk,kio->hwio", self.kernel, ops.cast(self.places, self.compute_dtype))

    def call(self, inputs):
        outputs = ops.conv(inputs, self.masked_kernel(), padding="valid", data_format="channels_last")
        return self.activation(outputs + self.bias)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        shrink = self.kernel_size - 1
        return (batch, height and height - shrink, width and width - shrink, len(self.table))

    def multiply_adds(self, output_shape: tuple) -> int:
        """Multiply-adds for one example: those of the connections that exist. Read by `cnnlab.arithmetic.profile`."""
        return math.prod(self.kernel.shape) * math.prod(output_shape[1:3])

    def get_config(self):
        return super().get_config() | {
            "table": self.table,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(package="cnnlab")
class TrainablePooling2D(keras.layers.Layer):
    """LeNet-5's sub-sampling: average each block, multiply by one coefficient a map, add one bias a map.

    Two trainable parameters a map. The paper adds the pixels of a block where this layer averages them; the trained
    coefficient absorbs the factor. It starts as plain average pooling: coefficient 1, bias 0.

    Input (batch, H, W, C), output (batch, H // pool_size, W // pool_size, C).

    Args:
        pool_size: height, width and stride of the blocks in pixels.
        activation: what is applied to the result, as in `keras.layers.Conv2D`.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
    """

    def __init__(self, pool_size: int = 2, activation=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(pool_size, int) or pool_size < 1:
            raise ValueError(f"`pool_size` needs a positive integer; received {pool_size!r}.")
        self.pool_size = pool_size
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.coefficient = self.add_weight(name="coefficient", shape=(input_shape[-1],), initializer="ones")
        self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs):
        means = ops.average_pool(inputs, self.pool_size, data_format="channels_last")
        return self.activation(means * self.coefficient + self.bias)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height and height // self.pool_size, width and width // self.pool_size, channels)

    def multiply_adds(self, output_shape: tuple) -> int:
        """Multiply-adds for one example: one a unit. Read by `cnnlab.arithmetic.profile`."""
        return math.prod(output_shape[1:])

    def get_config(self):
        return super().get_config() | {
            "pool_size": self.pool_size,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(package="cnnlab")
class LocalResponseNormalization(keras.layers.Layer):
    """AlexNet's normalization across channels: a value is divided by (bias + alpha x sum of squares) ** beta.

    The sum runs over the same pixel of the channels from `radius` below to `radius` above; where there are none, it is
    shorter. No parameters. Input and output (batch, H, W, C).

    Args:
        radius: channels on each side, half the paper's n.
        bias, alpha, beta: the paper's k, alpha and beta.

    Raises:
        ValueError: `radius` is not a positive integer.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
        section 3.3.
    """

    def __init__(self, radius: int = 2, bias: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(radius, int) or radius < 1:
            raise ValueError(f"`radius` needs a positive integer; received {radius!r}.")
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def call(self, inputs):
        channels = inputs.shape[-1]
        squares = ops.pad(ops.square(inputs), [(0, 0), (0, 0), (0, 0), (self.radius, self.radius)])
        total = sum(squares[..., shift : shift + channels] for shift in range(2 * self.radius + 1))
        return inputs / (self.bias + self.alpha * total) ** self.beta

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, output_shape: tuple) -> int:
        """None, as for every normalization. Read by `cnnlab.arithmetic.profile`."""
        return 0

    def get_config(self):
        settings = {name: getattr(self, name) for name in ("radius", "bias", "alpha", "beta")}
        return super().get_config() | settings


@keras.saving.register_keras_serializable(package="cnnlab")
class RBFOutput(keras.layers.Layer):
    """Radial basis function units: minus the squared Euclidean distance of the input to each class's code.

    The nearest code has the greatest output, so the outputs serve as logits. The codes are fixed: weights that are
    saved with the model and never trained.

    Input (batch, N), output (batch, classes).

    Args:
        codes: (classes, N), one code a class.

    Raises:
        ValueError: the codes do not form a table, or the input has another length than a code.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B, equation 7.
    """

    def __init__(self, codes: Sequence[Sequence[float]], **kwargs):
        super().__init__(**kwargs)
        self.codes = np.array(codes, "float32")
        if self.codes.ndim != 2:
            raise ValueError(f"`codes` needs the shape (classes, length); received the shape {self.codes.shape}.")

    def build(self, input_shape):
        if input_shape[-1] != self.codes.shape[1]:
            raise ValueError(
                f"the input needs {self.codes.shape[1]} values, a code's length; it has {input_shape[-1]}."
            )
        self.centers = self.add_weight(
            name="centers", shape=self.codes.shape, initializer=lambda *_, **__: self.codes, trainable=False
        )

    def call(self, inputs):
        return -ops.sum(ops.square(inputs[:, None, :] - self.centers), axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.codes.shape[0])

    def multiply_adds(self, output_shape: tuple) -> int:
        """Multiply-adds for one example: a squared difference a code's value. Read by `cnnlab.arithmetic.profile`."""
        return self.codes.size

    def get_config(self):
        return super().get_config() | {"codes": self.codes.tolist()}


@keras.saving.register_keras_serializable(package="cnnlab")
class Maxout(keras.layers.Layer):
    """Maxout: the largest of several linear pieces. The layer before it, dense or convolution, computes the pieces.

    A maxout layer of `units` outputs is `Dense(pieces * units)` followed by `Maxout(pieces)`, so it has `pieces` times
    the parameters of a plain one. The first `units` channels are every unit's first piece, the next its second.

    Input (..., pieces x units), output (..., units).

    Args:
        pieces: number of linear pieces a unit chooses from.

    Raises:
        ValueError: `pieces` is not a positive integer, or does not divide the channels of the input.

    Source: Goodfellow et al., "Maxout networks", 2013, section 3.
    """

    def __init__(self, pieces: int = 2, **kwargs):
        super().__init__(**kwargs)
        if isinstance(pieces, bool) or not isinstance(pieces, int) or pieces < 1:
            raise ValueError(f"`pieces` needs a positive integer; received {pieces!r}.")
        self.pieces = pieces

    def compute_output_shape(self, input_shape):
        if input_shape[-1] % self.pieces:
            raise ValueError(
                f"`pieces` needs to divide the input's {input_shape[-1]} channels; received {self.pieces}."
            )
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)

    def call(self, inputs):
        return functools.reduce(ops.maximum, ops.split(inputs, self.pieces, axis=-1))

    def multiply_adds(self, output_shape: tuple) -> int:
        """None: the pieces are counted where they are computed. Read by `cnnlab.arithmetic.profile`."""
        return 0

    def get_config(self):
        return super().get_config() | {"pieces": self.pieces}


@keras.saving.register_keras_serializable(package="cnnlab")
class RReLU(keras.layers.Layer):
    """Randomized leaky ReLU: x where x > 0, else x / a, with a new random a for every value in training.

    a is uniform on [lower, upper). At test time it is the mean, (lower + upper) / 2. No trainable parameters.

    Input and output of any one shape.

    Args:
        lower: smallest divisor, positive.
        upper: largest divisor, above or equal to `lower`.
        seed: of the random numbers; None draws one.

    Raises:
        ValueError: `lower` is not positive, or `upper` is below it.

    Source: Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015, section 2.4; the
        default range is the one they drew from, and they write it for the divisor.
    """

    def __init__(self, lower: float = 3.0, upper: float = 8.0, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not lower > 0:
            raise ValueError(f"`lower` needs a positive divisor; received {lower!r}.")
        if not lower <= upper < math.inf:
            raise ValueError(f"`upper` needs a divisor of at least lower={lower}; received {upper!r}.")
        self.lower, self.upper, self.seed = lower, upper, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        divisor = (self.lower + self.upper) / 2
        if training:
            divisor = keras.random.uniform(ops.shape(inputs), self.lower, self.upper, inputs.dtype, seed=self.generator)
        return ops.where(inputs > 0, inputs, inputs / divisor)

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, output_shape: tuple) -> int:
        """None, as for any activation. Read by `cnnlab.arithmetic.profile`."""
        return 0

    def get_config(self):
        return super().get_config() | {"lower": self.lower, "upper": self.upper, "seed": self.seed}


@keras.saving.register_keras_serializable(package="cnnlab")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch norm of maps in TensorFlow's one fused operation, where Keras makes a dozen passes over them.

    Results are those of `keras.layers.BatchNormalization` up to rounding. Where several devices share a batch, each
    uses the statistics of its own part.

    Input and output (batch, H, W, C). Takes what `keras.layers.BatchNormalization` takes, but no `axis`, no
    `synchronized`, and neither `center` nor `scale`: there are always both.

    Source: Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1; the operation is TensorFlow's FusedBatchNormV3.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None, mask=None):
        learns = bool(training) and self.trainable
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.cast(self.gamma, "float32"),
            offset=ops.cast(self.beta, "float32"),
            mean=[] if learns else ops.convert_to_tensor(self.moving_mean),
            variance=[] if learns else ops.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=learns,
        )
        if learns:
            count = tf.cast(tf.size(inputs) / inputs.shape[-1], "float32")
            variance *= (count - 1) / count  # the operation gives sums over count - 1
            for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + now * (1 - self.momentum))
        return outputs

    def multiply_adds(self, output_shape: tuple) -> int:
        """None, as for Keras' own layer: in use it can be folded into the convolution in front of it."""
        return 0


def fused(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A copy of a layer, a batch norm of maps as `FusedBatchNormalization`: for `keras.models.clone_model`."""
    if isinstance(layer, keras.layers.BatchNormalization) and len(layer.output.shape) == 4:
        return FusedBatchNormalization(layer.momentum, layer.epsilon, name=layer.name, dtype=layer.dtype_policy)
    return layer.__class__.from_config(layer.get_config())
