"""Sets of pictures that the course draws itself, on any machine and in any number.

Each is a module with its seed, its knobs, and the exact truth of every picture.
"""
