"""Training: from a data set and a recipe to a bundle.

`command` is `semblante train`, `dataset_command` is `semblante dataset`; `run` joins the parts.
Modules that import torch are imported only by the process that trains.
"""
