"""Tests of the package and of the host, over the host's real standard streams.

They need Python alone: ``python3 -m unittest discover -s sdk/python/tests -t sdk/python``.
"""
