"""Exercises of chapter 11: counting spaces, REINFORCE, rank correlation, network morphism."""

import numpy as np

from cnnlab.exercises import Exercise, first_wrong, returned


def _check_count(answer) -> str | None:
    return first_wrong(answer, [((1, 5), 5), ((2, 5), 50), ((4, 5), 15_000), ((3, 2), 48), ((12, 4), 8036313307545600)])


def _check_loose(answer) -> str | None:
    cases = [
        (([0, 0, 0, 0],), [1, 2, 3, 4]),
        (([0, 1, 2, 3],), [4]),
        (([0, 0, 2, 1],), [3, 4]),
        (([0],), [1]),
        (([0, 1, 1],), [2, 3]),
    ]
    return first_wrong(answer, cases)


def _check_reinforce(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for count, action, advantage in ((2, 0, 1.0), (5, 3, -0.5), (3, 2, 0.25)):
        logits = generator.normal(size=count).round(2)
        policy = np.exp(logits) / np.exp(logits).sum()
        cases.append(((logits, action, advantage), advantage * (np.eye(count)[action] - policy)))
    return first_wrong(answer, cases)


def _check_spearman(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = [(([1, 2, 3], [10, 20, 40]), 1.0), (([1, 2, 3], [3, 2, 1]), -1.0)]
    for count in (5, 12):
        first, second = generator.permutation(count) / 10, generator.permutation(count) ** 2
        ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
        cases.append(((first, second), float(np.corrcoef(*ranks)[0, 1])))
    return first_wrong(answer, cases)


def _check_morphism(answer) -> str | None:
    generator = np.random.default_rng(0)
    for inputs, units, outputs, unit in ((3, 4, 2, 1), (2, 1, 5, 0), (5, 3, 1, 2)):
        first, second = generator.normal(size=(inputs, units)), generator.normal(size=(units, outputs))
        wide_first, wide_second = (np.asarray(part, float) for part in returned(answer, first, second, unit))
        if wide_first.shape != (inputs, units + 1) or wide_second.shape != (units + 1, outputs):
            return f"{units} units: expected one more, got shapes {wide_first.shape} and {wide_second.shape}"
        x = generator.normal(size=(6, inputs))
        before, after = np.maximum(x @ first, 0) @ second, np.maximum(x @ wide_first, 0) @ wide_second
        if not np.allclose(before, after):
            off = np.abs(before - after).max()
            return f"{units} units, unit {unit} split: expected the same outputs, they are off by {off:.3g}"
        columns = {tuple(column) for column in wide_first.T.round(12).tolist()}
        if len(columns) != units or np.abs(wide_second).sum(axis=1).min() == 0:
            return f"{units} units, unit {unit} split: expected two equal units that both send something"
    return None


EXERCISES = (
    Exercise(
        key="11.1",
        title="How many cells",
        stub='''
def answer(nodes, operations):
    """Number of cells in which each node reads one earlier node (node 0 is the input) and does one operation."""
''',
        hint="Node `n` has `n` earlier nodes to read from, the input among them. Choices multiply.",
        solution="""
def answer(nodes, operations):
    count = 1
    for node in range(1, nodes + 1):
        count *= node * operations
    return count
""",
        mistakes=(
            "def answer(nodes, operations):\n    return operations**nodes  # who reads whom is forgotten",
            "def answer(nodes, operations):\n    return (nodes * operations) ** nodes",
            "def answer(nodes, operations):\n    return sum(node * operations for node in range(1, nodes + 1))",
        ),
        check=_check_count,
    ),
    Exercise(
        key="11.2",
        title="Loose ends",
        stub='''
def answer(reads):
    """The nodes that nobody reads, in order. reads[0] is what node 1 reads, reads[1] what node 2 reads, ..."""
''',
        hint="All nodes from 1 to `len(reads)`, without those that stand in `reads`. Mind the shift by one.",
        solution="""
def answer(reads):
    return [node for node in range(1, len(reads) + 1) if node not in list(reads)]
""",
        mistakes=(
            "def answer(reads):\n    return [node for node in range(len(reads)) if node not in list(reads)]",
            "def answer(reads):\n    return sorted(set(reads))  # those that are read",
            "def answer(reads):\n    return [len(reads)]  # the last one is not the only one",
        ),
        check=_check_loose,
    ),
    Exercise(
        key="11.3",
        title="One step of REINFORCE",
        stub='''
def answer(logits, action, advantage):
    """The gradient by which REINFORCE moves the logits: advantage times the gradient of log pi(action)."""
''',
        hint="The gradient of the log of a softmax is one-hot minus probabilities. `np.eye(len(logits))[action]` "
        "is one-hot.",
        solution="""
def answer(logits, action, advantage):
    policy = np.exp(logits - np.max(logits))
    policy = policy / policy.sum()
    return advantage * (np.eye(len(logits))[action] - policy)
""",
        mistakes=(
            # the chosen one alone moves
            "def answer(logits, action, advantage):\n    return advantage * np.eye(len(logits))[action]",
            # logits are not probabilities
            "def answer(logits, action, advantage):\n    return advantage * (np.eye(len(logits))[action] - logits)",
            # downhill
            "def answer(logits, action, advantage):\n    policy = np.exp(logits) / np.exp(logits).sum()\n"
            "    return advantage * (policy - np.eye(len(logits))[action])",
        ),
        check=_check_reinforce,
    ),
    Exercise(
        key="11.4",
        title="Rank correlation",
        stub='''
def answer(first, second):
    """Spearman's rank correlation of two lists without equal values."""
''',
        hint="`np.argsort(np.argsort(values))` gives ranks. Then use the formula with the squared differences.",
        solution="""
def answer(first, second):
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    n = len(first)
    return 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum() / (n * (n**2 - 1))
""",
        mistakes=(
            # of the values, not of their ranks
            "def answer(first, second):\n    return np.corrcoef(first, second)[0, 1]",
            # argsort once gives places, not ranks
            "def answer(first, second):\n    a, b = np.argsort(first), np.argsort(second)\n"
            "    return 1 - 6 * ((a - b) ** 2).sum() / (len(a) * (len(a) ** 2 - 1))",
            "def answer(first, second):\n    return float((np.argsort(first) == np.argsort(second)).mean())",
        ),
        check=_check_spearman,
    ),
    Exercise(
        key="11.5",
        title="Network morphism",
        stub='''
def answer(first, second, unit):
    """Both weight matrices with a hidden unit split into two equal ones; relu(x @ first) @ second stays as it is.

    first has shape (inputs, units), second (units, outputs).
    """
''',
        hint="The new unit gets a copy of the unit's column in `first`. What the two send out must add up to what "
        "the one sent.",
        solution="""
def answer(first, second, unit):
    second = second.copy()
    second[unit] = second[unit] / 2
    return np.c_[first, first[:, unit]], np.r_[second, second[unit : unit + 1]]
""",
        mistakes=(
            # sent twice
            "def answer(first, second, unit):\n"
            "    return np.c_[first, first[:, unit]], np.r_[second, second[unit : unit + 1]]",
            # a unit that sends nothing computes the same, and is no split
            "def answer(first, second, unit):\n"
            "    return np.c_[first, first[:, unit]], np.r_[second, 0 * second[unit : unit + 1]]",
            # halved on both sides
            "def answer(first, second, unit):\n    first, second = first.copy(), second.copy()\n"
            "    first[:, unit] /= 2\n    second[unit] /= 2\n"
            "    return np.c_[first, first[:, unit]], np.r_[second, second[unit : unit + 1]]",
        ),
        check=_check_morphism,
    ),
)
