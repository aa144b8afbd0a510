"""The helper package of the course: what more than one chapter needs, and nothing else.

Importing `cnnlab` is cheap and does not import TensorFlow; the modules that need it import it where they use it.
"""

__version__ = "0.1.0"
