"""The student: a ResNet-18 for one channel; in files for three equal ones, as the product wants."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from model_runs.distillation.pictures import CLASSES
from semblante_worker.resnet import ResNet, build_resnet
from semblante_worker.training.starting_weights import read_weights


def build_student() -> ResNet:
    """Return a ResNet-18 for one channel, untrained."""
    student = build_resnet("resnet18", CLASSES)
    student.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return student


def load_student(weights: Path) -> ResNet:
    """Return the student with weights for three channels: the first layer's kernels are summed."""
    student = build_student()
    read = {name: value.float() for name, value in read_weights(weights).items()}
    read["conv1.weight"] = read["conv1.weight"].sum(dim=1, keepdim=True)
    student.load_state_dict(read)
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return student


def save_student(student: nn.Module, output: Path) -> None:
    """Write the weights for three equal channels."""
    weights = {name: value.contiguous() for name, value in student.state_dict().items()}
    weights["conv1.weight"] = (weights["conv1.weight"] / 3).repeat(1, 3, 1, 1)
    save_file(weights, output)
