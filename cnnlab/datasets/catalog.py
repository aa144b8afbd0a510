"""What the course knows about each data set: its shape, its classes, where its files come from and their checksums."""

from dataclasses import dataclass


class DataError(ValueError):
    """A data file that must not be used, or a data set that is nowhere at hand; the message says what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set on its server.

    Args:
        address: the address Keras downloads it from.
        cached: its path in Keras' folder `datasets`, chosen so that Keras finds and uses it too.
        size: bytes.
        digest: hexadecimal; a sha256, or the md5 that Keras gives for its weights.
    """

    address: str
    cached: str
    size: int
    digest: str

    @property
    def name(self) -> str:
        """File name on the server."""
        return self.address.rsplit("/", 1)[1]


@dataclass(frozen=True)
class Entry:
    """A data set of real pictures.

    Args:
        image_shape: (H, W) of gray pictures, (H, W, 3) of colored ones, as the files hold them.
        train, test: number of pictures.
        classes: number of classes.
        class_names: their names in the order of the labels; empty where the files bring them.
        files: what a download fetches.
        coarse_classes: number of classes in the coarse labeling, 0 where there is none.
        content_sha256: digest of the labeled pictures in any order, see `formats.content_digest`; empty where unknown.
        embedded: the default in the repository's `data/`, if there is one.
    """

    name: str
    image_shape: tuple[int, ...]
    train: int
    test: int
    classes: int
    class_names: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    coarse_classes: int = 0
    content_sha256: str = ""
    embedded: "Entry | None" = None

    @property
    def file(self) -> str:
        """Name of the set's file in a classroom folder, or in `data/`."""
        return f"{self.name}.npz"


GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"

# Addresses, cache names, and the checksums of mnist.npz and the CIFAR archives are those of keras/src/datasets. Keras
# has none for Fashion-MNIST; these are of the files its authors publish, which have the sizes of Keras' copies.
ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            "mnist",
            image_shape=(28, 28),
            train=60_000,
            test=10_000,
            classes=10,
            class_names=tuple("0123456789"),
            files=(
                RemoteFile(
                    GOOGLE + "mnist.npz",
                    "mnist.npz",
                    11_490_434,
                    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                ),
            ),
            content_sha256="9e224f8b3d13bebca8cd41a25b077fcce1e109558d4538574daeec0ac0ddd4aa",
            embedded=Entry(
                "mnist_sample",
                image_shape=(28, 28),
                train=4_000,
                test=1_000,
                classes=10,
                class_names=tuple("0123456789"),
                files=(),
            ),
        ),
        Entry(
            "fashion_mnist",
            image_shape=(28, 28),
            train=60_000,
            test=10_000,
            classes=10,
            class_names=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            files=tuple(
                RemoteFile(GOOGLE + name, f"fashion-mnist/{name}", size, digest)
                for name, size, digest in (
                    (
                        "train-images-idx3-ubyte.gz",
                        26_421_880,
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        29_515,
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    ),
                    (
                        "t10k-images-idx3-ubyte.gz",
                        4_422_102,
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        5_148,
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    ),
                )
            ),
            content_sha256="cdaefe7020b947301f0560c07227fd2cd91a7b3a0511c6f929840a1f1baa1f46",
        ),
        Entry(
            "cifar10",
            image_shape=(32, 32, 3),
            train=50_000,
            test=10_000,
            classes=10,
            class_names=(
                "airplane",
                "automobile",
                "bird",
                "cat",
                "deer",
                "dog",
                "frog",
                "horse",
                "ship",
                "truck",
            ),
            files=(
                RemoteFile(
                    TORONTO + "cifar-10-python.tar.gz",
                    "cifar-10-batches-py-target_archive",
                    170_498_071,
                    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                ),
            ),
        ),
        Entry(
            "cifar100",
            image_shape=(32, 32, 3),
            train=50_000,
            test=10_000,
            classes=100,
            class_names=(),
            files=(
                RemoteFile(
                    TORONTO + "cifar-100-python.tar.gz",
                    "cifar-100-python-target_archive",
                    169_001_437,
                    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
                ),
            ),
            coarse_classes=20,
        ),
    )
}
