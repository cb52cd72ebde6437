"""Brings the full stack up on one machine and takes it down again: the program behind `up` and `down`.

Only the standard library of Python 3.9 or newer is used, since it runs before anything is installed.
"""
