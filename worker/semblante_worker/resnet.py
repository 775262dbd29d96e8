"""ResNet-18 and ResNet-34 with torchvision's names of weights.

The definition is our own so that plain labelling needs no torchvision, of which the package index
has no build for CPUs only. Keys and results equal torchvision's
`torchvision/models/resnet.py` (`resnet18`, `resnet34`, without `zero_init_residual`), so that
weights can be exchanged in both directions.

Source: K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, 2015,
table 1, with the projection shortcut (option B).

This module imports torch: import it only in the process that predicts or trains.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STAGES: dict[str, tuple[int, int, int, int]] = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
}
"""Blocks in each of the four stages, for each architecture that a card may name."""

STEM_CHANNELS = 64


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map float [n, channels_in, h, w] to float [n, channels, h / stride, w / stride]."""
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x)).add_(shortcut)
        result: Tensor = self.relu(x)
        return result


class ResNet(nn.Module):
    """A residual network of basic blocks, for normalised images of 3 channels."""

    def __init__(self, stages: tuple[int, int, int, int], classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM_CHANNELS, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(STEM_CHANNELS, 64, stages[0], stride=1)
        self.layer2 = _stage(64, 128, stages[1], stride=2)
        self.layer3 = _stage(128, 256, stages[2], stride=2)
        self.layer4 = _stage(256, 512, stages[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Map float [n, 3, h, w] to the float [n, 512] that the last layer sees."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(self.avgpool(x), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map float [n, 3, h, w] to logits, float [n, classes]."""
        logits: Tensor = self.fc(self.features(x))
        return logits


def build_resnet(architecture: str, classes: int) -> ResNet:
    """Return a freshly initialised network in training mode.

    Raises:
        KeyError: `architecture` is not one of `STAGES`.
    """
    return ResNet(STAGES[architecture], classes)


def _stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    """One stage: only its first block changes the size."""
    rest = [BasicBlock(channels, channels, 1) for _ in range(blocks - 1)]
    return nn.Sequential(BasicBlock(channels_in, channels, stride), *rest)
