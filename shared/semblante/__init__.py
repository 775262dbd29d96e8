"""Semblante labels the emotion of every face in a large archive of images."""

__version__ = "0.1.0"
