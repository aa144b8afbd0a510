"""What is checked of chapter 03; bounds of trained results come from five seeds in `smoke`, less a margin."""

# %% after one-circuit
assert (total, largest, f) == (p + q, max(q, r), 20) and (to_p, to_q, to_r) == (4, 9, 0)
assert (to_total, to_largest) == (largest, total) and total + r == 7

# %% after nudge-the-circuit
assert [circuit(*numbers) for numbers in ((p, q, r), (1, 2, 3), (-1, 4, 2))] == [f, 9, 12]
assert nudged == {"p": circuit(1.001, 4, 2), "q": circuit(1, 4.001, 2), "r": circuit(1, 4, 2.001)}
for name, gradient in {"p": to_p, "q": to_q, "r": to_r}.items():
    assert abs((nudged[name] - f) / step - gradient) < 0.01

# %% after number-class
x, w = Number(3.0), Number(2.0)
assert ((x + w).value, (x * w).value, x.maximum(w).value, w.maximum(x).value) == (5, 6, 3, 3)
assert (x + w).made_of == [(x, 1), (w, 1)] and x.maximum(w).made_of == [(x, 1), (w, 0)] and x.gradient == 0

# %% after walk-back
assert (a.gradient, b.gradient, c.gradient) == (to_p, to_q, to_r)
x = Number(2.0)
y = x + x * x  # used by two, one of which is used by two itself
walk_back(y * y)
assert (y.gradient, x.gradient) == (12, 60)
x, y = Number(1.0), Number(5.0)
walk_back(x.maximum(y) * x + y)
assert (x.gradient, y.gradient) == (5, 2)

# %% after shortcut-gradient
assert (x.gradient, w.gradient) == (1 + w.value, x.value) == (3, 3)

# %% after dense-step  [004.27]
layer = Dense(400, 300, np.random.default_rng(1), gain=3.0)
assert abs(layer.weights[0].var() * 400 - 3) < 0.05 and not layer.weights[1].any()
assert abs(Dense(400, 300, np.random.default_rng(1)).weights[0].var() * 400 - 2) < 0.05
assert {array.dtype for array in layer.weights} == {np.dtype("float32")}
layer, draw = Dense(12, 5, np.random.default_rng(1)), np.random.default_rng(2)
maps, delta = draw.normal(size=(4, 2, 3, 2)), draw.normal(size=(4, 5))
kernel, layer.weights[1] = layer.weights[0], np.arange(5.0)
assert np.allclose(layer.forward(maps), np.einsum("ei,iu->eu", maps.reshape(4, 12), kernel) + np.arange(5))
assert np.allclose(layer.backward(delta), np.einsum("eu,iu->ei", delta, kernel).reshape(maps.shape))
assert np.allclose(layer.gradients[0], np.einsum("ei,eu->iu", maps.reshape(4, 12), delta))
assert np.allclose(layer.gradients[1], delta.sum(axis=0))

# %% after linear-layers-collapse  [003.12]
assert (parameters, matrix.size + bias.size) == (3_500, 210) and stack.shape == (5, 10)
assert not np.allclose(stack, x @ matrix)

# %% after first-activations
assert sigmoid(np.array([-1e9, 0, 1e9])).tolist() == [0, 0.5, 1] and np.isclose(sigmoid(2.0), 1 / (1 + np.exp(-2)))
assert list(ACTIVATIONS) == ["linear", "sigmoid", "tanh", "ReLU"]
relu, slope_of_relu = ACTIVATIONS["ReLU"]
numbers = np.array([-2, 0, 0.5])
assert relu(numbers).tolist() == [0, 0, 0.5] and slope_of_relu(numbers).tolist() == [0, 0, 1]

# %% after activation-step-class
step = Activation("ReLU")
assert step.forward(np.array([[-1.0, 2.0]])).tolist() == [[0, 2]]
assert step.backward(np.array([[3.0, 4.0]], "float32")).tolist() == [[0, 4]]
assert step.backward(np.zeros((1, 2), "float32")).dtype == np.float32 and len(step.weights) == len(step.gradients) == 0

# %% after convolutions-collapse  [003.12]
assert combined.shape == (7, 7, 1, 1) and with_relu(image).shape == (6, 6, 1)
assert not np.allclose(with_relu(-image), -with_relu(image)) and not with_relu(0 * image).any()
assert reference.conv2d(image, combined).shape == (6, 6, 1)

# %% after cross-entropy
assert np.isclose(loss, np.log(1 + np.exp(-1) + np.exp(-2))) and np.isclose(delta.sum(), 0)
logits, labels, nudge = np.random.default_rng(1).normal(size=(4, 3)), [2, 0, 1, 1], np.zeros((4, 3))
value, gradient = cross_entropy(logits, labels)
probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
assert np.isclose(value, -np.mean(np.log(probabilities[range(4), labels])))
assert np.allclose(gradient, (probabilities - np.eye(3)[labels]) / 4)
nudge[1, 0] = 1e-6
assert np.isclose((cross_entropy(logits + nudge, labels)[0] - value) / 1e-6, gradient[1, 0], atol=1e-5)
huge, bounded = cross_entropy(np.array([[1000.0, 0.0]]), [1])
assert huge == 1000 and bounded.tolist() == [[1, -1]]
assert cross_entropy(np.zeros((1, 2), "float32"), [0])[1].dtype == np.float32

# %% after forward-and-backward
network = [Dense(3, 4, np.random.default_rng(1)), Activation("tanh"), Dense(4, 2, np.random.default_rng(2))]
x = np.random.default_rng(3).normal(size=(5, 3))
hidden = np.tanh(x @ network[0].weights[0])
assert np.allclose(forward(network, x), hidden @ network[2].weights[0])
inner = (np.ones((5, 2)) @ network[2].weights[0].T) * (1 - hidden**2)
assert np.allclose(backward(network, np.ones((5, 2))), inner @ network[0].weights[0].T)

# %% after numerical-gradient
numbers = np.arange(6.0).reshape(2, 3)
gradient = numerical_gradient(lambda: np.sum(numbers**3), numbers)
assert np.allclose(gradient, 3 * numbers**2, atol=1e-6) and np.array_equal(numbers, np.arange(6).reshape(2, 3))
seen, zero = [], np.zeros(1)
unmoved = numerical_gradient(lambda: seen.append(float(zero[0])) or 0.0, zero)
assert seen == [1e-6, -1e-6] and unmoved.tolist() == [0]
doubled = in_double_precision([Dense(2, 2, np.random.default_rng(1))])
assert {array.dtype for step in doubled for array in step.weights} == {np.dtype(float)}


# %% after compare-with-differences
class TwiceAsMuch(Dense):
    """A mistake that the comparison has to find."""

    def backward(self, delta):
        error = super().backward(delta)
        self.gradients[0] = 2 * self.gradients[0]
        return error


for kind, found in ((Dense, False), (TwiceAsMuch, True)):
    network = in_double_precision([kind(3, 2, np.random.default_rng(1))])
    worst, number = compare_with_differences(network, np.random.default_rng(2).normal(size=(4, 3)), [0, 1, 1, 0])
    assert (worst > 1e-3) == found and number == 4 * 3 + 3 * 2 + 2

# %% after check-dense  [004.27]
for name in ACTIVATIONS:
    network = in_double_precision([Dense(4, 5, generator), Activation(name), Dense(5, 3, generator)])
    worst, number = compare_with_differences(network, x, labels)
    assert worst < 1e-8 and number == count == 6 * 4 + 4 * 5 + 5 + 5 * 3 + 3, name
assert x.shape == (6, 4) and set(labels.tolist()) <= {0, 1, 2} and difference < 1e-8

# %% after load-digits
assert x_train.shape == (TRAIN, 28, 28, 1) and {"smoke": 1_500, "cpu": 3_000, "gpu": 3_000}[profile] == TRAIN
assert x_validation.shape == x_test.shape == (1_000, 28, 28, 1) and len(y_validation) == len(y_test) == 1_000
assert (len(x_validation), len(x_test)) == (VALIDATION, TEST)
assert np.array_equal(y_validation, dataset.y_train[3_000:4_000]) and np.array_equal(y_test, dataset.y_test[:1_000])
raw = np.concatenate([dataset.x_train[:TRAIN], dataset.x_train[3_000:4_000], dataset.x_test[:1_000]])
assert np.allclose(np.concatenate([x_train, x_validation, x_test]) * deviation + mean, raw, atol=0.01)
assert (mean, deviation) == (dataset.x_train[:3_000].mean(), dataset.x_train[:3_000].std())
assert abs(x_train.mean()) < 0.02 and abs(x_train.std() - 1) < 0.02 and x_train.dtype == np.float32
constant = Dense(784, 10, np.random.default_rng(1))
constant.weights = [np.zeros((784, 10)), np.eye(10)[3]]
assert accuracy([constant]) == np.mean(y_validation == 3)

# %% after train-function
parts = list(batches(10, 4, 2, np.random.default_rng(1)))
assert [len(part) for part in parts] == [4, 4, 2] * 2
first_epoch, second_epoch = np.concatenate(parts[:3]), np.concatenate(parts[3:])
assert sorted(first_epoch) == sorted(second_epoch) == list(range(10)) and not np.array_equal(first_epoch, second_epoch)
examples, classes = np.eye(2, dtype="float32"), np.array([0, 1])
network = [Dense(2, 2, np.random.default_rng(1))]
with_bias = np.c_[examples, [1, 1]]
weights, velocity, expected = np.r_[network[0].weights[0], [[0, 0]]], 0, []
for _ in range(3):
    value, gradient = cross_entropy(with_bias @ weights, classes)
    velocity = 0.9 * velocity - 0.5 * with_bias.T @ gradient
    weights = weights + velocity
    expected.append(value)
losses = train(network, examples, classes, 3, 0.5, np.random.default_rng(1), momentum=0.9)
assert np.allclose(losses, expected, atol=1e-6) and len(y_train) == TRAIN
assert np.allclose(np.vstack(network[0].weights), weights, atol=1e-6)
network = [Dense(2, 2, np.random.default_rng(1))]
assert len(train(network, np.zeros((130, 2)), np.zeros(130, int), 2, 0.1, np.random.default_rng(1))) == 6

# %% after train-dense
right, wrong = (np.array(trained[kind]) for kind in (Activation, Forgetful))
assert right.shape == wrong.shape == (3, 5)
assert min(right[:, -1]) > {"smoke": 0.7, "cpu": 0.87, "gpu": 0.87}[profile]
assert min(wrong[:, -1]) > {"smoke": 0.65, "cpu": 0.85, "gpu": 0.85}[profile]  # what no accuracy gives away
assert np.median(right[:, -1]) > np.median(wrong[:, -1]) - {"smoke": 0.1, "cpu": 0, "gpu": 0}[profile]
step = Forgetful("ReLU")
assert step.forward(np.array([-1.0, 2.0])).tolist() == [0, 2] and step.backward(np.array([3.0, 4.0])).tolist() == [3, 4]

# %% after find-the-mistake
assert difference > 0.05 and count == 67
mended = [network[0], Activation("ReLU"), network[2]]
numbers = np.random.default_rng(1).normal(size=(6, 4))
assert compare_with_differences(mended, numbers, [0, 1, 2, 0, 1, 2])[0] < 1e-8

# %% after two-formulas-2  [004.20 004.21 E14]
image, kernel = np.random.default_rng(1).normal(size=(5, 6)), np.random.default_rng(2).normal(size=(2, 3))
deep, delta = (image[..., None], kernel[..., None, None]), np.random.default_rng(3).normal(size=(4, 4))
assert np.allclose(correlate2d(image, kernel), reference.conv2d(*deep)[..., 0])
to_x, to_w, _ = reference.conv2d_gradients(*deep, delta[..., None])
assert np.allclose(kernel_gradient(image, delta), to_w[..., 0, 0])
assert np.allclose(image_gradient(kernel, delta), to_x[..., 0])
wide = reference.convolve2d_true(delta[..., None], kernel[..., None, None], padding="full")[..., 0]
assert np.allclose(image_gradient(kernel, delta), wide)

# %% after stamped-kernel  [004.21]
assert stamped.tolist() == [[0, 0, 0], [1, 2, 0], [3, 4, 0]]

# %% after three-ways  [Q2 004.20 004.21]
assert image.shape == by_formula[1].shape == (7, 6) and kernel.shape == by_formula[0].shape == (3, 2)
assert target.shape == (5, 5) and np.array_equal(delta, correlate2d(image, kernel) - target)
for ours, theirs in zip(by_formula, others, strict=True):
    assert len(theirs) == 3 and all(np.allclose(ours, gradient, atol=1e-7) for gradient in theirs)
assert np.isclose(loss(), float(tape_loss)) and np.isclose(loss(), np.sum(delta**2) / 2)

# %% after narrow-or-not-turned  [E14]
assert narrow.shape == (3, 4) != image.shape
assert not_turned.shape == image.shape and np.abs(not_turned - by_formula[1]).max() > 1
turned = correlate2d(np.pad(delta, ((2, 2), (1, 1))), kernel[::-1, ::-1])
assert np.allclose(turned, by_formula[1])

# %% after gradients-with-a-stride  [E14]
assert image.shape == (9, 8) and kernel.shape == (3, 2) and shape_at_stride_one == (7, 7)
assert max(np.abs(array).max() for array in apart) < 1e-12 and delta.shape == (3, 3)
assert insert_zeros(np.ones((2, 2)), 2, (4, 4)).tolist() == [[1, 0, 1, 0], [0] * 4] * 2

# %% after convolution-step  [004.27]
step = Convolution(6, 100, 5, np.random.default_rng(1), gain=3.0)
assert step.weights[0].shape == (5, 5, 6, 100) and abs(step.weights[0].var() * 150 - 3) < 0.1
usual = Convolution(6, 100, 5, np.random.default_rng(1))
assert np.allclose(usual.weights[0] * math.sqrt(3 / 2), step.weights[0])
assert not step.weights[1].any() and step.weights[0].dtype == np.float32
[step], draw = in_double_precision([Convolution(2, 3, 3, np.random.default_rng(1))]), np.random.default_rng(2)
maps, error = draw.normal(size=(2, 6, 5, 2)), draw.normal(size=(2, 4, 3, 3))
forwards = step.forward(maps)
assert np.allclose(forwards, [reference.conv2d(one, step.weights[0]) for one in maps])
to_maps = step.backward(error)
each = [reference.conv2d_gradients(one, step.weights[0], e) for one, e in zip(maps, error, strict=True)]
assert np.allclose(to_maps, [one[0] for one in each])
for gradient, numbers in zip(step.gradients, list(zip(*each, strict=True))[1:], strict=True):
    assert np.allclose(gradient, sum(numbers))

# %% after check-convolution  [004.20 004.21 004.27 E14]
kernel, bias = convolution.weights
assert (images.shape, kernel.shape, output.shape) == ((2, 8, 7, 3), (3, 3, 3, 4), (2, 6, 5, 4)) and len(ours) == 3
assert np.allclose(output, [reference.conv2d(one, kernel, bias=bias) for one in images])
each = [reference.conv2d_gradients(one, kernel, error) for one, error in zip(images, delta, strict=True)]
assert np.allclose(ours[0], [one[0] for one in each])
assert np.allclose(ours[1], sum(one[1] for one in each)) and np.allclose(ours[2], sum(one[2] for one in each))
for gradient, array in zip(ours, (images, *convolution.weights), strict=True):
    numerical = numerical_gradient(lambda: np.sum(delta * convolution.forward(images)), array)
    assert np.allclose(gradient, numerical, atol=1e-7)

# %% after pooling-gradient  [004.23 E13]
image, error = np.random.default_rng(1).normal(size=(7, 6)), np.random.default_rng(2).normal(size=(3, 2))
functions = {"mean": (reference.avg_pool2d, reference.avg_pool2d_gradient)}
functions["max"] = reference.max_pool2d, reference.max_pool2d_gradient
for kind, (forwards, backwards) in functions.items():
    by_rule = pooling_gradient(image, error, 3, 2, kind)
    numerical = numerical_gradient(lambda f=forwards: np.sum(error * f(image[..., None], 3, 2)[..., 0]), image)
    assert np.allclose(by_rule, numerical, atol=1e-7) and np.isclose(by_rule.sum(), error.sum())
    for size, stride, shape in ((2, 2, (3, 3)), (3, 1, (5, 4)), (2, 3, (2, 2))):
        other = np.random.default_rng(3).normal(size=shape)
        theirs = backwards(image[..., None], other[..., None], size, stride)[..., 0]
        assert np.allclose(pooling_gradient(image, other, size, stride, kind), theirs)

# %% after three-poolings  [004.23 E13]
assert np.allclose(9 * reference.avg_pool2d(image[..., None], 3, 2)[..., 0], [[35, 31], [27, 34]])  # the way forward
assert spread[:4, :4].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
assert to_winner[1, 0] == 4 and to_winner[1, 2] == 8 and to_winner[2, 1] == 12 and to_winner[2, 3] == 16
assert not spread[4].any() and not to_winner[:, 4].any()  # cut off by the floor
assert overlapping[2, 1] == 4 + 12 and overlapping[1, 2] == 8 and overlapping[2, 3] == 16  # errors add up
assert image[2, 1] == 9 and image[2, 3] == 7 and np.count_nonzero(overlapping) == 3 and delta.sum() == 40

# %% after check-pooling  [004.23 E13]
assert max(apart) < 1e-12 and len(apart) == 2 and image.shape == (7, 6)
assert [reference.max_pool2d(image[..., None], 2, stride).shape[:2] for stride in (1, 2)] == [(6, 5), (3, 3)]

# %% after max-pooling-step  [004.23]
draw = np.random.default_rng(1)
images, error = draw.normal(size=(2, 6, 4, 3)), draw.normal(size=(2, 3, 2, 3))
assert np.array_equal(pooling.forward(images), [reference.max_pool2d(one, 2) for one in images])
pairs = zip(images, error, strict=True)
assert np.array_equal(pooling.backward(error), [reference.max_pool2d_gradient(one, e, 2) for one, e in pairs])
assert pooling.backward(error.astype("float32")).dtype == np.float32
assert MaxPooling().forward(numbers)[0, :, :, 0].tolist() == [[5, 7], [13, 15]]

# %% after convolutional-network  [004.27]
assert difference < 1e-7 and count == 2 * 14 * 14 + (9 * 2 + 2) + (9 * 2 * 3 + 3) + (2 * 2 * 3 * 10 + 10)
usual = convolutional_network(np.random.default_rng(1))
assert forward(usual, np.zeros((2, 28, 28, 1), "float32")).shape == (2, 10)
assert [type(step).__name__ for step in usual] == ["Convolution", "Activation", "MaxPooling"] * 2 + ["Dense"]
draw = np.random.default_rng(1)
expected = Convolution(1, 8, 5, draw), Convolution(8, 16, 5, draw), Dense(256, 10, draw, gain=1.0)
for ours, theirs in zip(usual[::3], expected, strict=True):
    assert np.array_equal(ours.weights[0], theirs.weights[0])

# %% after keras-network
assert model.count_params() == sum(weights.size for weights in all_weights(numpy_network)) == 5_994
assert np.allclose(model(x_train[:50]), forward(numpy_network, x_train[:50]), atol=1e-4)
assert [layer.__class__.__name__ for layer in model.layers] == ["Conv2D", "MaxPooling2D"] * 2 + ["Flatten", "Dense"]

# %% after same-gradients  [004.27]
assert x.shape == (32, 28, 28, 1) and logits.shape == (32, 10) and len(by_hand) == len(by_tape) == 6
assert np.isclose(loss, keras_loss, atol=1e-5) and np.allclose(logits, keras_logits, atol=1e-4)
assert max(np.abs(mine - theirs).max() for mine, theirs in zip(by_hand, by_tape, strict=True)) < 1e-5
assert all(np.abs(mine).max() > 1e-3 for mine in by_hand)

# %% after one-step
assert max(apart) < 1e-5 < 100 * 1e-5 < moved[0] and len(apart) == len(moved) == 6
assert np.allclose(moved, [0.01 * np.abs(gradient).max() for gradient in by_hand], atol=1e-6)
optimizer = model.optimizer.get_config()
assert optimizer["momentum"] == 0.9 and np.isclose(optimizer["learning_rate"], 0.01)

# %% after train-both-3
assert len(numpy_losses) == len(keras_losses) == len(means) == EPOCHS * TRAIN // SIZE and x_train.dtype == np.float32
assert gaps[:10].max() < 0.01 and np.isclose(
    keras_losses[0],
    cross_entropy(
        forward(convolutional_network(np.random.default_rng(SEED)), x_train[order[:SIZE]]), y_train[order[:SIZE]]
    )[0],
    atol=1e-3,
)
assert min(both) > {"smoke": 0.75, "cpu": 0.92, "gpu": 0.92}[profile] and abs(both[0] - both[1]) < 0.03
assert both[0] == accuracy(numpy_network) and np.mean(numpy_losses[-10:]) < 0.3 * np.mean(numpy_losses[:10])

# %% after error-maps  [004.27]
sizes = [(4, 4, 16), (8, 8, 16), (8, 8, 16), (12, 12, 8), (24, 24, 8), (24, 24, 8)]
assert [maps.shape for maps in error_maps.values()] == sizes
at_pooling, at_relu, at_convolution, *_ = error_maps.values()
assert np.isclose(at_relu.sum(), at_pooling.sum(), atol=1e-5)  # pooling sends all of it on
assert np.count_nonzero(at_relu) <= at_relu.size / 4  # to one pixel in four
assert np.count_nonzero(at_convolution) <= np.count_nonzero(at_relu)  # where ReLU was off, it ends
_, wrong = cross_entropy(forward(numpy_network, x_validation[:1]), (y_validation[:1] + 1) % 10)
assert np.allclose(at_pooling, (wrong @ numpy_network[-1].weights[0].T).reshape(4, 4, 16))

# %% after more-activations  [003.10 003.11 003.15 003.16 003.17 Q1]
assert rectified.tolist() == [[5, 6, 0], [0, 0, 4], [9, 0, 7]]
assert leaky.tolist() == [[5, 6, -0.2], [-1, 0, 4], [9, -0.1, 7]]
points = np.linspace(-6, 6, 48)  # 0 is not among them: at the kink of ReLU there is no slope to compare with
in_keras_too = {"swish": "silu", "leaky ReLU": "leaky_relu"}
for name, (function, slope) in ACTIVATIONS.items():
    assert np.allclose(slope(points), (function(points + 1e-6) - function(points - 1e-6)) / 2e-6, atol=1e-8), name
    options = {"negative_slope": 0.1} if name == "leaky ReLU" else {}
    theirs = getattr(keras.activations, in_keras_too.get(name, name.lower()))(points, **options)
    assert np.allclose(function(points), theirs, atol=1e-6), name
assert np.allclose(np.tanh(points), 2 * sigmoid(2 * points) - 1)
generator = np.random.default_rng(1)
for name in ACTIVATIONS:
    network = in_double_precision([Dense(4, 5, generator), Activation(name), Dense(5, 3, generator)])
    worst, _ = compare_with_differences(network, generator.normal(size=(6, 4)), [0, 1, 2, 0, 1, 2])
    assert worst < 1e-8, name

# %% after maxout-step  [003.19]
sums, error = np.random.default_rng(1).normal(size=(5, 6)), np.random.default_rng(2).normal(size=(5, 3))
assert np.allclose(maxout.forward(sums), Maxout(2)(sums))
with tf.GradientTape() as watch:
    value = tf.reduce_sum(error * Maxout(2, dtype="float64")(sums_variable := tf.Variable(sums)))
assert np.allclose(maxout.backward(error), watch.gradient(value, sums_variable))
assert LargestPiece().forward(np.array([[1, 5, 2, 3]])).tolist() == [[2, 5]]

# %% after draw-gallery  [003.10]
assert np.allclose(gallery["maxout, 2 pieces"][[50, 200, 350]], [0.5, -0.4, 2.0])  # at -3, 0, 3
touched = x[[0, 100, 200, 300, 400]][1:4] / 2  # the five lines are tangents of the parabola
assert np.allclose(gallery["maxout, 5 pieces"][[100, 200, 300]], 2 * touched**2) and len(gallery) == 8

# %% after slope-maxima  [003.13 003.14 Q3]
for name, highest in {"sigmoid": 0.25, "tanh": 1.0}.items():
    slopes = ACTIVATIONS[name][1](x)
    assert np.isclose(slopes.max(), highest) and np.isclose(x[slopes.argmax()], 0)
assert np.allclose((x[500], x[1500]), (-5, 5))

# %% after draw-family  [003.18 E57]
at_minus_4 = {name: round(float(values[0]), 4) for name, values in family.items()}
assert list(at_minus_4.values()) == [0, -0.4, -1, -0.7273, -0.9817, -0.4908] and x[0] == -4
assert all(values[160] == 0 for values in family.values()) and np.isclose(x[160], 0)

# %% after monotone-or-not  [003.12 E59]
assert (np.diff(grid) == 1 / 4).all() and len(grid) == 49  # every fourth point is a whole number
for name in ("linear", "sigmoid", "tanh", "relu", "elu", "silu", "gelu"):
    function = getattr(keras.activations, name)
    assert np.all(np.diff(ops.convert_to_numpy(function(grid))) >= 0) == (name not in ("silu", "gelu"))
    assert np.isclose(float(function(2.0) / function(1.0)), 2) == (name in ("linear", "relu", "elu"))

# %% after relu-after-pooling
assert pooled_first.shape == (12, 12, 8) and np.array_equal(pooled_last, pooled_first)

# %% after rrelu-mean-slope  [003.16 E58]
assert abs(in_training.mean() - math.log(8 / 3) / 5) < 0.001
assert 1 / 8 <= in_training.min() <= in_training.max() <= 1 / 3
assert np.allclose(at_test, 1 / 5.5) and in_training.shape == (1000, 100)

# %% after elu-jumps  [003.17 E61]
for alpha, jump in {0.5: 0.5, 1.0: 0.0, 2.0: -1.0}.items():
    elu = layers.ELU(alpha=alpha)
    below, zero, above = (float(elu(np.array([point]))[0]) for point in (-1e-4, 0.0, 1e-4))
    assert zero == 0 and abs(above / 1e-4 - below / -1e-4 - jump) < 0.01  # one value at zero, whichever line is used

# %% after prelu-counts  [003.16 E57]
assert counts == {"None": 28 * 28 * 8, "[1, 2]": 8}  # learned, one for each channel

# %% after not-in-keras  [E62 E81]
missing = [name for name in ("Maxout", "MaxoutDense", "RReLU", "ThresholdedReLU") if not hasattr(layers, name)]
assert len(missing) == 4 and isinstance(prelu, layers.PReLU)

# %% after maxout-parameters  [003.19 E62]
assert wide.count_params() == 3 * 210 and wide.output_shape == (None, 10)

# %% after maxout-generalizes  [003.19]
targets = {"ReLU": np.maximum(x, 0), "leaky ReLU": np.maximum(x, x / 10), "absolute": np.abs(x)}
assert all(np.allclose(shapes[name], target[:, 0]) for name, target in targets.items()) and len(shapes) == len(targets)

# %% after maxout-does-not-die  [003.19]
assert in_relu.tolist() == [0, 0] and in_maxout.tolist() == [-6, 0] and sums.shape == (3, 2)

# %% after one-network-with-three
assert ops.convert_to_numpy(learned.get_layer("prelu").alpha).ravel().tolist() == [1 / 4] * 8
assert learned.count_params() == 20_210
assert [type(layer).__name__ for layer in learned.layers][1::2] == ["PReLU", "RReLU", "Dense", "Dense"]

# %% after train-three-layers  [E57]
assert kept.history["val_accuracy"][-1] > {"smoke": 0.75, "cpu": 0.88, "gpu": 0.88}[profile]
assert learned_slopes.shape == (8,) and np.abs(learned_slopes - 0.25).max() > 0.01  # learned, each channel its own

# %% after saturated-unit  [003.13]
assert squared[8.0][-1] > 0.99 > 0.2 > squared[1.0][-1]
assert max(outputs[-1] for outputs in crossed.values()) < 0.03
assert [len(outputs) for outputs in (*squared.values(), *crossed.values())] == [60] * 6
assert np.isclose(squared[4.0][1], sigmoid(4 - sigmoid(4.0) ** 2 * (1 - sigmoid(4.0))))
assert np.isclose(crossed[4.0][1], sigmoid(4 - sigmoid(4.0)))

# %% after signs-of-gradients  [003.13 003.14 003.15]
assert sums.shape == (1000, 64, 30) and deltas.shape == (1000, 64, 1)
assert one_sign["sigmoid", 1] == one_sign["ReLU", 1] == 1
assert 0.25 < one_sign["sigmoid", 64] < 0.6 and one_sign["ReLU", 64] < 0.05
assert max(one_sign[name, size] for name in ("tanh", "ELU") for size in (1, 8, 64)) < 0.01
assert abs(ACTIVATIONS["tanh"][0](sums).mean()) < 0.01 < 0.3 < ACTIVATIONS["ReLU"][0](sums).mean()

# %% after gain-integrals
assert len(z) == 18_000 and np.isclose(z[0], -8.9995)
assert np.isclose(density.sum(), 1) and np.isclose(GAIN["ReLU"], 2) and np.isclose(FACTOR["ReLU"], 1)
assert FACTOR["sigmoid"] < 0.4 and max(FACTOR.values()) < 1.15 and np.isclose(GAIN["linear"], 1)
draws = np.random.default_rng(1).normal(size=(2, 1_000_000))
assert abs(np.mean(draws.max(axis=0) ** 2) * GAIN["maxout"] - 1) < 0.01
assert abs(np.mean((np.tanh(draws) + 1) ** 2) * GAIN["tanh + 1"] - 1) < 0.01

# %% after normalization-step
generator = np.random.default_rng(1)
network = in_double_precision([Dense(4, 5, generator), Normalization(), Activation("tanh"), Dense(5, 3, generator)])
numbers, labels = generator.normal(size=(6, 4)), generator.integers(3, size=6)
worst, compared = compare_with_differences(network, numbers, labels)
assert worst < 1e-6 and compared == 67
normal = Normalization().forward(3 + 5 * generator.normal(size=(64, 2)))
assert np.allclose(normal.mean(axis=0), 0) and np.allclose(normal.std(axis=0), 1, atol=1e-4)
assert np.allclose(Normalization().forward(np.array([[0.0], [0.002]])), [[-0.3015], [0.3015]], atol=1e-3)
for name, sizes in {"ReLU": (784 * 64, 64 * 64, 64 * 10), "maxout": (784 * 128, 64 * 128, 64 * 10)}.items():
    network = dense_network(2, name, generator)
    assert [step.weights[0].size for step in network if isinstance(step, Dense)] == list(sizes)
    assert abs(network[0].weights[0].var() * 784 - GAIN[name]) < 0.05
one_layer = dense_network(1, "ReLU", np.random.default_rng(1))
draw = np.random.default_rng(1)
expected = Dense(784, 64, draw), Dense(64, 10, draw, gain=1.0)
assert all(np.allclose(one_layer[2 * number].weights[0], expected[number].weights[0]) for number in (0, 1))
assert sum(isinstance(step, Normalization) for step in dense_network(3, "tanh", generator, normalize=True)) == 3

# %% after lengths-of-error-terms  [E43]
decades = {title: math.log10(path[-1] / path[0]) for title, path in lengths.items()}
assert decades["ReLU, weights too small"] < -25 and decades["sigmoid"] < -9  # activation, initialization
assert max(abs(decades[title]) for title in ("sigmoid, normalized", "tanh", "ReLU")) <= 2  # normalization
assert decades["ReLU, weights too large"] >= 3
assert {len(path) for path in lengths.values()} == {31} and x.shape == (256, 64) and labels.max() == 9
for title, gain in {"ReLU, weights too small": 0.0064, "ReLU, weights too large": 4.0}.items():
    first = dense_network(1, generator=np.random.default_rng(1), inputs=64, **SETTINGS[title])[0]
    assert np.allclose(first.weights[0], Dense(64, 64, np.random.default_rng(1), gain=gain).weights[0])

# %% after train-by-depth  [003.13 E43]
assert len(by_depth) == 5 * len(DEPTHS) and {len(three) for three in by_depth.values()} == {3}
middle, deepest = {key: np.median(three) for key, three in by_depth.items()}, DEPTHS[-1]
assert middle["sigmoid", deepest] < 0.2 and middle["sigmoid", 1] > 0.65
assert middle["ReLU, weights too small", deepest] < 0.2 and middle["ReLU, weights too small", 1] > 0.75
assert min(middle["sigmoid, normalized", deepest], middle["tanh", deepest]) > 0.65
assert middle["ReLU", 10] > 0.55

# %% after start-low  [003.15 003.16]
low = {key: np.median(three, axis=0) for key, three in lows.items()}
assert len(lows) == 16 and {len(three) for three in lows.values()} == {3}
assert all(after >= before for bias in BIASES for before, after, _ in lows["ReLU", bias])  # dead stays dead
assert low["ReLU", 16][0] == 1 and low["ReLU", 16][2] < 0.2 < 0.8 < min(low["ReLU", 0][2], low["leaky ReLU", 0][2])
assert low["leaky ReLU", 4][1] < low["leaky ReLU", 4][0] - 0.1  # some come back
assert low["leaky ReLU", 16][1] > 0.8 and 0.25 < low["leaky ReLU", 16][2] < low["linear", 0][2] - 0.05
assert low["ELU", 16][2] < 0.3 < 0.75 < low["ELU", 2][2]
generator = np.random.default_rng(SEED)
network = dense_network(1, "ReLU", generator)
network[0].weights[1] -= 4
forward(network, x_train)
dead = (network[1].z <= 0).all(axis=0)
weights_of_dead = network[0].weights[0][:, dead].copy()
assert 0 < dead.sum() < 64 and dead.mean() == never_positive(network)
train(network, x_train, y_train, 1, 0.05, generator)
assert np.array_equal(network[0].weights[0][:, dead], weights_of_dead)

# %% after kill-by-one-step  [003.15]
share = {key: np.median(three) for key, three in killed.items()}
assert share["ReLU", 30] > share["ReLU", 1] >= share["ReLU", 0.05] and len(killed) == 10
assert share["ReLU", 30] > 0.15 > share["ReLU", 0.05]
assert max(max(killed["leaky ReLU", jump]) for jump in JUMPS) == 0

# %% after born-dead  [003.15]
for width in (2, 4, 8):
    assert np.abs(counted[width] - predicted[width]).max() < 0.06  # four standard errors of a share of 1,000
    assert len(counted[width]) == 20 and np.isclose(predicted[width][4], (1 - 2.0**-width) ** 5)

# %% after ten-choices
losses, reached = tried(2, "tanh", 0.1, 1)
assert len(losses) == 5 * -(-TRAIN // 64) and 0 <= reached <= 1
assert steps_to([1.0] * 5 + [0.4] * 20) == 14 and steps_to([0.6] * 30) == math.inf and steps_to([0.6] * 30, 0.7) == 10
assert [sum(w.size for w in all_weights(sizes[name])) for name in ("tanh", "maxout", "maxout, 32 units")] == [
    55_050,
    109_450,
    52_682,
]

# %% after run-choices  [003.15 003.20 E60]
assert len(chosen) == len(speeds) == 20 and {len(found) for found in chosen.values()} == {len(seeds)}
middle, steps = ({key: np.median(found) for key, found in values.items()} for values in (chosen, speeds))
assert (
    max(chosen[12, "sigmoid"] + chosen[12, "tanh + 1"]) < 0.2 < 0.7 < min(middle[2, "sigmoid"], middle[2, "tanh + 1"])
)
assert middle[12, "tanh"] > 0.6 and max(middle[12, name] for name in ("ReLU", "leaky ReLU", "ELU")) > 0.6
assert min(middle[2, "tanh"], middle[2, "ReLU"]) > {"smoke": 0.7, "cpu": 0.85, "gpu": 0.85}[profile]
assert steps[2, "tanh"] < steps[2, "ReLU"] < steps[2, "sigmoid"]  # fast, though not the fastest
assert steps[2, "tanh + 1"] > 1.2 * steps[2, "tanh"]  # what centering is worth
assert profile == "smoke" or middle[2, "maxout, 32 units"] > middle[2, "ReLU"] - 0.03
assert profile == "smoke" or middle[12, "ELU"] > middle[12, "ReLU"]

# %% after time-activations  [003.13 003.14 003.15 003.17 E60]
assert np.allclose(in_numpy["sigmoid"](values), sigmoid(values), atol=1e-6)  # the same function was timed
assert np.allclose(np.tanh(values), 2 * in_numpy["sigmoid"](2 * values) - 1, atol=1e-6)
assert spent["sigmoid"][0] > spent["ReLU"][0] and len(spent) == 6 and values.shape == (64, 18_432)

# %% after time-convolution
assert tf.nn.conv2d(maps, kernel, 1, "SAME").shape == maps.shape and math.prod(kernel.shape[:3]) == 288
assert convolution > spent["ReLU"][1]

# %% after two-outputs  [003.20 E60]
assert np.allclose(numerical_gradient(binary_loss, logits), sigmoid(logits) - several, atol=1e-8)
assert np.allclose(to_logits[0], softmax - np.eye(3)[one]) and np.isclose(softmax.sum(), 1)
assert logits.tolist() == [2, -1, 3] and several.tolist() == [1, 0, 1] and one == 2

# %% after least-errors  [003.12 E60]
assert least == 0 and angles.tolist() == list(range(-25, 26, 5))

# %% after chapter-headline
assert len(on_test) == 2 and on_test[0] == np.mean(forward(numpy_network, x_test).argmax(axis=1) == y_test)
assert min(on_test) > {"smoke": 0.75, "cpu": 0.93, "gpu": 0.93}[profile] and abs(on_test[0] - on_test[1]) < 0.03
