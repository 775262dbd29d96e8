"""Labelled data sets as they lie on the disk, for training and for evaluation alike.

`dataset.read_dataset` lists a folder, an archive or a manifest; `picture_store` brings the bytes.
Nothing here decodes an image or knows a network.
"""
