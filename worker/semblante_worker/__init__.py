"""Semblante's workers: from bytes of images to rows of results."""
