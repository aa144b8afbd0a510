"""Behavioral cloning in a simulator: a driver to imitate, recordings, training, and drives that judge the result.

`simulator` and `expert` (what drives), `recording` and `log` (what is written and read), `pictures` and `augmentation`
(what a network sees), `training` and `policy` (networks), `evaluation` (drives), `server` (the Udacity simulator).
"""
