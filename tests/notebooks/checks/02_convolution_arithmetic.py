"""What is checked of chapter 02: every number of the lecture, and the claims of the text that numbers bear out."""

# %% after four-blocks  [000.13 002.06 003.01 004.05]
rows = {
    row.name: (row.output_shape[1:], row.params, row.macs, row.receptive_field) for row in arithmetic.profile(model)
}
assert rows["convolution"] == ((24, 24, 6), 156, 86_400, 5) and rows["pooling"] == ((12, 12, 6), 0, 0, 6)
assert rows["classification"] == ((10,), 8_650, 8_640, 28) and rows["flatten"][0] == (864,)
assert model.count_params() == 8_806

# %% after four-blocks-figure  [002.06]
assert volumes[0] == ("image", (28, 28, 1)) and volumes[-1] == ("classification", (10,))

# %% after bar-answers  [000.05]
assert angles[np.argmin(answers)] == 90 and np.argmax(answers) in (0, 12)
assert np.isclose(answers[0], answers[-1]) and angles[-1] == 180
assert receptive_field[10, 10] == receptive_field.max() == 1 and receptive_field.min() < -0.4

# %% after window-data  [002.08]
assert np.sum(image[0:3, 0:3] * cross) == 4 and image.sum() == 11
assert cross.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]

# %% after slide-window  [A10 002.07 002.08]
assert np.array_equal(feature_map, [[4, 1, 1], [1, 2, 0], [2, 1, 2]])
assert correlate2d(image[:4], cross[:2]).shape == (3, 3)
assert correlate2d(image, cross[:, :2]).shape == (3, 4)  # neither image nor kernel has to be square
assert np.unravel_index(np.argmax(feature_map), (3, 3)) == (0, 0)

# %% after window-stride  [A12 A13 003.04 003.05]
assert np.array_equal(correlate2d(count_up, x_shape), [[35, 40, 45], [60, 65, 70], [85, 90, 95]])
assert np.array_equal(correlate2d(count_up, x_shape, stride=2), [[35, 45], [85, 95]])

# %% after template-eye  [002.07]
assert best == (64, 48) and template.shape == (48, 48) and matches.shape == (177, 177)
assert abs(template.mean()) < 1e-9 and elsewhere.max() < 0.7 * matches.max()
assert np.isclose(matches.max(), np.sum(template * gray[64:112, 48:96]), rtol=1e-4)
assert gray.shape == (224, 224) and 0 <= gray.min() < 0.3 < 0.7 < gray.max() <= 1
assert np.allclose(255 * gray, photo.mean(axis=2))

# %% after pad-zeros  [002.09]
assert np.array_equal(pad2d(count_up, 1), np.pad(count_up, 1))
assert np.array_equal(pad2d(count_up[:2], 2), np.pad(count_up[:2], 2))

# %% after padded-example  [A14 003.06 002.09]
assert np.array_equal(
    padded_map,
    [[8, 16, 19, 22, 14], [20, 35, 40, 45, 28], [35, 60, 65, 70, 43], [50, 85, 90, 95, 58], [38, 56, 59, 62, 44]],
)
assert np.array_equal(padded_map[1:-1, 1:-1], correlate2d(count_up, x_shape))

# %% after sharpen-patch  [A1 000.16]
assert np.array_equal(
    sharpened,
    [
        [320, 206, 198, 188, 281],
        [210, 89, 111, 101, 213],
        [205, 85, 111, 101, 197],
        [189, 98, 117, 113, 193],
        [317, 211, 210, 194, 291],
    ],
)
assert sharpen.sum() == 1
assert sharpened[1:-1, 1:-1].max() < min(sharpened[0].min(), sharpened[-1].min())  # the border stands out

# %% after padding-kinds-figure  [000.14 004.11]
assert borders == {"valid": 0, "same": 1, "full": 2} and counts == {"valid": 3, "same": 5, "full": 7}
assert all(counts[kind] == arithmetic.output_size(5, k, padding=border) for kind, border in borders.items())
assert all(counts[kind] == arithmetic.output_size(5, k, padding=kind) for kind in borders)

# %% after stripes-figure  [A11 E04 002.09]
assert np.array_equal(
    stripes_map, [[2, 2, 3, 1, 1], [1, 4, 3, 4, 1], [1, 2, 4, 3, 3], [1, 2, 3, 4, 1], [0, 2, 2, 1, 1]]
)
assert np.array_equal(stripes_map[1:-1, 1:-1], [[4, 3, 4], [2, 4, 3], [2, 3, 4]]) and stripes_map[4, 0] == 0

# %% after count-positions  [E01 E03 000.14 003.07 003.21 004.10]
assert len(settings) == 608 and all(agree) and sum(summary_agrees) == 66
counted = {setting: count_positions(*setting) for setting in settings}
assert all(arithmetic.output_size(*setting) == count for setting, count in counted.items())
for formula, meant in (  # the seven formulas of the table, each on the settings that it is meant for
    (lambda i, k, s, p: (i + 2 * p - k) / s + 1, lambda i, k, s, p: (i + 2 * p - k) % s == 0),
    (lambda i, k, s, p: i - k + 1, lambda i, k, s, p: s == 1 and p == 0),
    (lambda i, k, s, p: i + k - 1, lambda i, k, s, p: s == 1 and p == k - 1),
    (lambda i, k, s, p: i, lambda i, k, s, p: s == 1 and 2 * p == k - 1),
    (lambda i, k, s, p: -(-i // s), lambda i, k, s, p: (s, 2 * p) == (1, k - 1)),
):
    domain = [setting for setting in settings if meant(*setting)]
    assert len(domain) >= 33 and all(formula(*setting) == counted[setting] for setting in domain)
assert all((i + 2 * p - k) % s for i, k, s, p in settings if (i + 2 * p - k) / s + 1 != counted[i, k, s, p])  # floor

# %% after size-frames  [A20 004.14]
assert [len(part.axes) for part in figure.subfigs] == [3 * 3, 2 * 2, 5 * 5, 3 * 3]
assert [arithmetic.output_size(5, 3, *combination) ** 2 for combination in combinations] == [
    len(part.axes) for part in figure.subfigs
]

# %% after size-in-keras  [A4 A5 000.21 000.22]
assert shapes == {
    ("same", 1): (28, 28, 8),
    ("valid", 1): (26, 26, 8),
    ("valid", 2): (13, 13, 8),
    ("padding 1", 2): (14, 14, 20),
}
assert layer.count_params() == 216 + 8 and padded.shape[1:] == (34, 34, 3)
sizes = [arithmetic.output_size(padded.shape[1] - 2, 8, stride=2, padding=padding) for padding in (1, "same")]
assert sizes == [14, 16]

# %% after same-sides  [E15 000.14]
assert (size, kernel, stride, before, after, output) == (5, 3, 2, 1, 1, 3)
for i, k, s, _ in settings:
    before, after = arithmetic.padding_sides(i, k, s, "same")
    assert arithmetic.output_size(i, k, s, "same") == -(-i // s) == (i + before + after - k) // s + 1
    assert after - before in (0, 1)

# %% after same-and-symmetric  [A25 E15 E03]
assert same.tolist() == [[54, 45], [72, 54]] and symmetric.tolist() == [[14, 30], [57, 99]]
assert bottom_right.shape == (5, 5) and arithmetic.padding_sides(len(square), 3, 2, "same") == (0, 1)

# %% after same-figure  [A25 004.10]
assert bottom_right[:4, :4].tolist() == square.tolist() and not bottom_right[4].any() and not bottom_right[:, 4].any()
assert arithmetic.padding_sides(len(square) + 1, 3, 2, "same") == (1, 1)  # the text: 5 in place of 4

# %% after flip-corners  [A18 E16 E17 004.12 004.16]
assert np.array_equal(correlate2d(signed, turned), [[0, -2, -1], [2, 2, 4], [-1, 0, 0]])
assert np.array_equal(correlate2d(signed, corners), [[0, 2, 1], [-2, -2, -4], [1, 0, 0]])
assert signed[0].tolist() == [1] * 5 and signed[1:].tolist() == [
    [-1, 0, -3, 0, 1],
    [2, 1, 1, -1, 0],
    [0, -1, 1, 2, 1],
    [1, 2, 1, 1, 1],
]
taps = [(u, v) for u in (1, 2, 3) for v in (1, 2, 3)]  # the slide's formula with its own indices, from 1
slide = {
    (i, j): sum(corners[u - 1, v - 1] * signed[i - u, j - v] for u, v in taps)
    for i, j in np.ndindex(6, 6)
    if min(i, j) >= 1 and all(min(i - u + 1, j - v + 1) >= 1 for u, v in taps)  # no pixel from outside the image
}
assert sorted(slide) == [(i, j) for i in (3, 4, 5) for j in (3, 4, 5)]  # i >= U and j >= V
assert list(slide.values()) == correlate2d(signed, turned).ravel().tolist()
assert np.allclose(in_tensorflow[0, ..., 0], correlate2d(signed, corners))
true_convolution = reference.convolve2d_true(signed[..., None], corners[..., None, None])
assert np.array_equal(true_convolution[..., 0], correlate2d(signed, turned))
turns, slides = np.convolve(signal, weights, "valid"), np.correlate(signal, weights, "valid")
assert turns.tolist() == [signal[start : start + 3] @ weights[::-1] for start in (0, 1)] == [7, 14]
assert slides.tolist() == [signal[start : start + 3] @ weights for start in (0, 1)] == [13, 26]

# %% after learn-kernel  [E17 004.16]
validation = history.history["val_loss"]
assert len(validation) == 6 and validation[-1] < 0.001 < 0.1 < validation[0]
assert targets.shape == (64, 14, 14, 1) and abs(pictures.mean()) < 0.05 < 0.9 < pictures.std() < 1.1
unturned = reference.conv2d(pictures[0], np.rot90(emboss, 2)[..., None, None])
assert np.allclose(targets[0], unturned, atol=1e-5)

# %% after learned-kernel  [E17 004.16]
assert np.abs(learned - np.rot90(emboss, 2)).max() < 0.1
assert np.abs(learned - emboss).max() > 1  # without the turn they differ

# %% after classic-kernels-figure  [002.14 004.13]
assert picture.shape == (224, 224) and len(pictures) == 3
gray_area = np.full_like(picture[:20, :20], 100)
for group, names in groups.items():
    values = {name: filters.apply(gray_area, filters.KERNELS[name]) for name in names}
    assert all((value == (0 if group == "edges" else 100)).all() for value in values.values())  # sum 0 or 1
    positive = all((filters.KERNELS[name] >= 0).all() for name, value in values.items())
    assert positive == (group == "means") and len(values) == 3
last = [filters.apply(picture, filters.KERNELS[name]) for name in groups["means"]]
assert np.array_equal(pictures, last) and np.abs(picture / 255 - gray).max() < 1 / 255
rows = {name: filters.apply(picture, filters.KERNELS[name], offset=128).astype(int) for name in groups["edges"]}
whiskers = (slice(150, 200), slice(0, 80))  # nearly horizontal there
assert np.abs(rows["laplacian"][whiskers] - 128).mean() > np.abs(rows["vertical_edge"][whiskers] - 128).mean()

# %% after gaussian-width  [A19 004.13]
assert np.allclose(filters.gaussian(3, sigma), binomial, rtol=0, atol=1e-9)
assert [binomial.sum(), round(sigma, 4), round(center, 4)] == [1, 0.8493, 0.2206]
assert sorted(set(binomial.ravel())) == [1 / 16, 1 / 8, 1 / 4]

# %% after blur-undivided  [E48 002.14]
assert np.mean(undivided == 255) > 0.9 and abs(divided.mean() - photo.mean()) < 1
assert np.mean(divided == 255) < 0.005

# %% after difference-matrix  [E47 002.13]
assert np.array_equal(product[:, 0], numbers[:, 0]) and np.array_equal(product[:, 1:], np.diff(numbers, axis=1))
assert difference_matrix.sum() == 1 and edge_kernel.sum() == 0
assert np.array_equal(edge_kernel, filters.KERNELS["vertical_edge"])

# %% after three-channels  [A2 000.17 002.17 003.09]
assert [part[0, 0] for part in parts] == [308, -498, 164]
assert total[0].tolist() == [-25, 466, 466, 475, 653]

# %% after conv-layer  [A2 002.10 002.17 004.17 004.18]
kernels = np.stack(slices, axis=-1)[..., None]
colors = np.dstack([red, green, blue])
assert np.array_equal(conv_layer(colors, kernels, bias=[1], border=1)[..., 0], total)
assert conv_layer(colors, kernels, bias=[1]).shape == (3, 3, 1)
# Only the last row and column of the output come from the frame: a patch that goes on differs from it nowhere else.
larger = conv_layer(np.pad(colors, ((0, 1), (0, 1), (0, 0)), "edge"), kernels, bias=[1], border=1)[:5, :5, 0]
assert np.array_equal(larger[:4, :4], total[:4, :4]) and not np.array_equal(larger, total)

# %% after conv-layer-in-keras  [002.10 004.18]
assert np.allclose(ours, layer(padded)[0], atol=1e-5) and ours.shape == (5, 4, 5)
assert np.allclose(ours, reference.conv2d(volume, kernels, stride=2, padding=1, bias=bias))
unpadded = tf.nn.conv2d(volume[None], kernels, strides=1, padding="VALID")[0] + bias
assert np.allclose(conv_layer(volume, kernels, bias), unpadded)

# %% after parameter-counts  [A3 A16 A23 A24 E20 003.08 003.09 003.21 004.18]
assert (channels_in, kernel_count, without, with_bias) == (3, 6, 162, 6 * (27 + 1))
assert outputs.shape[1:] == (3, 3, 6) and six.count_params() == with_bias == 168
assert with_bias / kernel_count == arithmetic.conv_params(3, channels_in, 1) == 3 * 3 * 3 + 1
assert [arithmetic.conv_params(3, channels_in, 192, bias=bias) for bias in (False, True)] == [5184, 5376]
layer = layers.Conv2D(7, kernel_size=5)  # n = 7 kernels on m = 4 channels, slices of s×s = 5×5 weights
layer.build((None, None, None, 4))
assert layer.count_params() == arithmetic.conv_params(5, 4, 7) == 7 * 4 * 5 * 5 + 7

# %% after six-maps  [004.18]
assert bank.shape == (3, 3, 3, 6) and maps.shape == (112, 112, 6)
answers = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]]) @ np.stack(list(mixes.values()), axis=1)
assert np.allclose(answers, [[1, 0, 0], [1 / 3, 1, 1 / 2], [2 / 3, 0, 1], [1 / 3, 0, -1]])  # white, red, yellow, blue
by_keras = layers.Conv2D(6, kernel_size=3, strides=2, activation="relu", use_bias=False)
framed = np.pad(photo / 255, ((1, 1), (1, 1), (0, 0)))[None].astype("float32")
by_keras.build(framed.shape)
by_keras.set_weights([bank])
assert np.allclose(by_keras(framed)[0], maps, atol=1e-5)

# %% after six-maps-figure  [004.18]
assert shades.min() == 0 and shades.max() == 1
assert titles[3:5] == ["box blur, red less green", "box blur, yellow less blue"]
brightness = shades[:, :, [0, 1]]
assert brightness[:, 0, 0].mean() > 2 * brightness[:, 1:, 0].mean()  # the left rim in the map of vertical edges
assert brightness[0, :, 1].mean() > 2 * brightness[1:, :, 1].mean()  # the upper rim in that of horizontal edges

# %% after video-motion  [002.18]
assert np.all(video.sum(axis=(1, 2, 3)) == 18)  # two squares of nine pixels in each frame
assert np.array_equal(motion, video[1:] - video[:-1]) and not np.any(motion[:, 8:11])

# %% after conv2d-or-conv3d  [002.18]
assert flat_map.shape[1:] == (10, 14, 1) and flat.count_params() == 6 * 3 * 3 + 1
assert deep_map.shape[1:] == (5, 10, 14, 1) and deep.count_params() == 2 * 3 * 3 + 1

# %% after conv-loops  [004.30]
generator = np.random.default_rng(1)
volume, kernels = generator.normal(size=(6, 7, 3)), generator.normal(size=(3, 3, 3, 2))
assert np.allclose(conv_loops(volume, kernels), reference.conv2d_loops(volume, kernels))
assert np.allclose(conv_loops(volume, kernels), conv_layer(volume, kernels, [0, 0]))
assert np.array_equal(conv_loops(count_up[..., None], x_shape[..., None, None])[..., 0], correlate2d(count_up, x_shape))

# %% after im2col-rows  [004.30]
assert np.array_equal(rows @ x_shape.ravel(), correlate2d(square, x_shape).ravel())
assert rows.size == 36 > square.size == 16

# %% after conv-im2col  [004.30]
assert np.allclose(conv_im2col(volume, kernels), reference.conv2d_im2col(volume, kernels))
assert np.allclose(conv_im2col(volume, kernels), tf.nn.conv2d(volume[None], kernels, 1, "VALID")[0])
multiply_adds = reference.im2col(volume, (3, 3)).size * kernels.shape[3]  # rows × window × kernels
assert multiply_adds == arithmetic.conv_macs(10, 3, 8, 16) == 115_200
high, few = np.random.default_rng(1).normal(size=(6, 9, 3)), np.random.default_rng(2).normal(size=(2, 2, 3, 5))
assert np.allclose(conv_im2col(high, few), reference.conv2d(high, few)) and kernels.shape == (3, 3, 8, 16)

# %% after im2col-timing  [004.30]
assert np.allclose(convolve(*tensors), convolve_each(batch, kernels), atol=1e-4) and batch.shape == (64, 12, 12, 8)
assert loops_time > 20 * max(in_numpy, in_tensorflow) / len(images)  # hundreds of times in truth

# %% after count-links  [002.11 002.12 004.15]
assert len(full_links) == 35 and len(local_links) == 15 and len(weights) == 3
for j in range(len(sums)):
    assert sums[j] == sum(signal[i] * weights[i - j] for i, output in local_links if output == j)

# %% after toeplitz-matrix  [002.11]
assert np.all(np.count_nonzero(matrix, axis=1) == 9) and (links, different) == (81, 9)
assert np.array_equal((matrix @ image.ravel()).reshape(3, 3), correlate2d(image, kernel))
nine = matrix[0][matrix[0] > 0]
assert all(np.array_equal(row[row > 0], nine) for row in matrix)

# %% after full-local-shared  [A15 A21 A6 E44 000.22 003.03 004.19]
assert cases["1000×1000, window 10×10"] == (10**12, 10**8, 100)
assert cases["6×6, two kernels 3×3"] == (1184, 320, (3 * 3 + 1) * 2) == (1184, 320, 20)
assert cases["32×32×3, 20 kernels 8×8"][1:] == (756_560, 3_860) and local // shared == 14 * 14
assert full == (32 * 32 * 3 + 1) * 14 * 14 * 20
assert weight_counts(6 * 6, 0, 1, kernels=2)[0] == (6 * 6 + 1) * 2 == 74
assert arithmetic.conv_params(8, 3, 20) == shared

# %% after dense-shuffled  [003.24 000.15]
assert weights.shape == (864, 10) and abs(dense.count_params() / model.count_params() - 0.982) < 0.001
assert not np.array_equal(shuffled, np.arange(864)) and sorted(shuffled) == list(range(864))
assert np.abs(vector @ weights[shuffled] - vector @ weights).max() > 0.1  # the inputs alone must not be shuffled
again = keras.Sequential([keras.Input((864,)), *stack])
assert again.output_shape == (None, 5, 5, 4) and again(vector[None]).shape == (1, 5, 5, 4)

# %% after without-pooling  [004.22 003.23]
assert (table.params, table.macs) == (24 * 24 * 6 * 10 + 10 + 156, 24 * 24 * 6 * (25 + 10))
assert model.count_params() < table.params / 3

# %% after pool-windows  [A17 003.22 000.18]
assert np.array_equal(pool2d(count_up, 2, 2, np.mean), [[4, 6], [14, 16]])
assert np.array_equal(pool2d(count_up, 2, 2, np.max), [[7, 9], [17, 19]])
assert pool2d(count_up[:4], 2, 1, np.max).shape == (3, 4)

# %% after pooling-overlap  [E19 000.18 002.15 003.23]
assert np.array_equal(blocks, noise.reshape(3, 3, 3, 3).max(axis=(1, 3))) and overlapping.shape == (4, 4)
for pooled, size, stride in ((blocks, 3, 3), (overlapping, 3, 2)):
    assert np.array_equal(pooled, reference.max_pool2d(noise[..., None], size, stride)[..., 0])
    by_tensorflow = tf.nn.max_pool2d(noise[None, ..., None].astype("float32"), size, stride, "VALID")
    assert np.array_equal(pooled, by_tensorflow[0, ..., 0])
alexnet = layers.MaxPooling2D(len(blocks), strides=2)
assert alexnet(keras.Input((27, 27, 96))).shape[1:] == (13, 13, 96) and alexnet.count_params() == 0

# %% after pooling-photo-figure  [004.04 003.23]
assert titles[:4] == ["max, 224×224", "max, 56×56", "max, 28×28", "max, 14×14"]
means = [np.mean(each) for each in pictures]
assert means[0] < means[1] < means[2] < means[3]  # max pooling brightens
assert np.allclose(means[4:], means[0], atol=1e-6)  # mean pooling does not

# %% after mean-pooling  [E46 004.22]
assert np.allclose(depthwise, layers.AveragePooling2D(2)(volume), atol=1e-6) and depthwise.shape == (1, 4, 4, 3)
assert np.max(first + second) == 1 and np.max(first) + np.max(second) == 2

# %% after go-board  [E88]
assert np.array_equal(*pooled_boards) and not np.array_equal(*boards) and pooled_boards[0].shape == (9, 9)
assert boards.sum(axis=(1, 2)).tolist() == [1, 1]
in_steps = layers.Conv2D(8, 2, strides=2), layers.MaxPooling2D(2)  # the text: strides in place of pooling
feature_maps = keras.Input((*boards.shape[1:], 8))
assert {layer(feature_maps).shape[1:] for layer in in_steps} == {(9, 9, 8)}
assert [layer.count_params() for layer in in_steps] == [2 * 2 * boards.shape[0] * 4 * 8 + 8, 0]

# %% after edge-error  [E45 000.15]
assert start.shape == (120, 120, 1) and there.shape == (118, 118, 1) and there.min() == 0
assert np.array_equal(edges(start, 2), there[::2, ::2])
assert np.array_equal(start[..., 0], gray[40:160, 40:160])

# %% after measure-movements  [E45 000.15 002.03]
values = list(errors.values())
assert np.allclose(values[:2], 0) and min(values[2:]) > 0.3 and len(values) == 6
# The halved picture is compared at the same pixels: one pixel aside it looks worse.
aside = error(edges(start[::2, ::2]), there[:-2:2, :-2:2])
assert errors["half the size"] < aside

# %% after move-photo  [E45]
assert np.allclose([difference(2, moved()), difference(2, moved()[:, ::-1])], [0, 1])
whole = np.asarray(Image.fromarray(photo).convert("L")) / 255
assert moved().shape == (120, 120, 1) and np.array_equal(moved()[..., 0], whole[52:172, 52:172])
assert np.array_equal(moved(shift=3)[..., 0], whole[52:172, 49:169])
assert np.abs(moved(angle=90)[..., 0] - np.rot90(moved()[..., 0], -1)).max() < 0.005
smaller = Image.fromarray(photo).convert("L").resize((112, 112), Image.Resampling.BOX)
assert np.abs(moved(zoom=0.5)[4:-4, 4:-4, 0] * 255 - np.asarray(smaller, float)[0:112, 0:112]).mean() < 15

# %% after pool-movements  [E45 000.18 002.03 003.23]
assert abs(mean_distance - 45.9) < 0.05 and len(curves) == 3 * 4 * 5
assert rows.shape == columns.shape == start.shape[:2] and max(abs(rows.mean()), abs(columns.mean())) < 1e-9
kinds = ("shift", "zoom", "turn")
for window in windows:
    for pixels in displacements:
        alike = [curves[kind, window, pixels] for kind in kinds]
        assert max(alike) - min(alike) < 0.2  # the kind of movement hardly counts
for kind in kinds:
    for window in windows[1:]:
        kept = {pixels: curves[kind, window, pixels] / curves[kind, 1, pixels] for pixels in displacements}
        assert all(ratio < 0.9 for pixels, ratio in kept.items() if pixels <= window / 2)  # pooling helps
        assert all(ratio > 0.88 for pixels, ratio in kept.items() if pixels >= 2 * window)  # and no longer does
    for pixels in displacements:
        by_window = [curves[kind, window, pixels] for window in windows]
        assert pixels > 4 or (by_window[-1] < 0.75 * by_window[0] and max(by_window) == by_window[0])
assert min(curves[kind, 1, 16] for kind in ("shift", "turn")) > 0.9 > curves["zoom", 8, 16]

# %% after pool-movements-figure  [E45]
assert values[-1] > 0.9 * curves["turn", 1, 16] and windows == (1, 2, 4, 8)

# %% after time-and-space  [A26 E12 004.31 004.32 004.33]
assert (time_cost(direct), *space_cost(direct), sum(space_cost(direct))) == (5898240000, 589824, 2560000, 3149824)
squeeze, expand = bottleneck[:1], bottleneck[1:]
assert [time_cost(part) for part in (squeeze, expand, bottleneck)] == [163840000, 1474560000, 1638400000]
assert (*space_cost(squeeze), *space_cost(expand)) == (16384, 640000, 147456, 2560000)
assert sum(space_cost(bottleneck)) == 3363840
assert np.allclose([faster, lighter], 3.6, rtol=0, atol=1e-9) and round(100 * larger, 1) == 6.8
inputs = keras.Input((100, 100, 256))
x = layers.Conv2D(squeeze[0][3], 1)(inputs)
table = arithmetic.profile(keras.Model(inputs, layers.Conv2D(expand[0][3], 3, padding="same")(x)))
assert table.macs == time_cost(bottleneck)
assert table.params == space_cost(bottleneck)[0] + 64 + 256  # a bias per channel
assert table.activations == space_cost(bottleneck)[1] + 100 * 100 * 256  # and the input map

# %% after light-pixels  [000.20 004.17]
assert list(widths.values()) == [arithmetic.receptive_field(stack) for stack in stacks.values()] == [3, 5, 7, 18]
for name, paths in seen.items():
    assert np.array_equal(paths.any(axis=0), paths.any(axis=1)) or name.endswith("/2, 3×3")
    lit = np.argwhere(paths)
    assert len(lit) == widths[name] ** 2 and paths[tuple(lit[0])] == paths[tuple(lit[-1])] == 1
assert [paths.max() for paths in seen.values()] == [1, 9, 49, 81] and paths.shape == (31, 31)

# %% after kernel-sizes  [A22 000.20]
stacks = {"3×3": [3], "5×5": [5], "two 3×3": [3, 3], "7×7": [7], name: stack}
assert [sum(kernel * kernel for kernel in stack) for stack in stacks.values()] == [9, 25, 18, 49, 27]
assert [arithmetic.receptive_field(stack) for stack in stacks.values()] == [3, 5, 5, 7, 7] and (side, weights) == (
    7,
    27,
)

# %% after field-growth  [000.20]
assert fields["3×3 only"] == [2 * depth + 1 for depth in depths]
assert fields["2×2 pooling after every second"] == [3, 6, 10, 16, 24, 36, 52, 76, 108, 156]
assert max(fields["2×2 pooling after every second"]) < len(photo)  # it fits on the photograph

# %% after listing-slips  [A7 A9 E74 E75 000.19]
assert (as_printed.sum(), sharpen_8.sum()) == (3, 1) and np.argwhere(as_printed != sharpen_8).tolist() == [[1, 2]]
assert five.shape == (28, 28, 1) and five.max() > 250
assert np.array_equal(five, mnist.x_train[np.argmax(mnist.y_train == 5)])
assert np.isclose(mnist.x_train.max() / 255 / 255, 1 / 255)

# %% after listing-shapes  [A8 E75 000.19]
assert convolved.shape == pooled_image.shape == (1, 14, 14, 1) and pooled.shape == (1, 7, 7, 1)
assert np.allclose(convolved[0], reference.conv2d(digit[0], weights, 2, "same"), atol=1e-5)
assert np.allclose(pooled[0], reference.max_pool2d(convolved[0], 2))
assert np.isclose(digit.max(), five.max() / 255)

# %% after chapter-headline
assert f"{faster:.1f} {larger:.1%} {local // shared}" == "3.6 6.8% 196"
