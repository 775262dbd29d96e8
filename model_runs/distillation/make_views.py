"""Draw many views of the training pictures and ask the teachers about each.

    python -m model_runs.distillation.make_views joined.zip
        --faces inception-resnet:graph_final.pb=inception.pt
        mobile-face-net:w600k_mbf.onnx=teacher.pt
        --resnets resnet18-raf7.safetensors student-3.safetensors=80 -o views.npz

A teacher has learned its training pictures by heart; of views that it has not seen it should say
more, and of two pictures in one, mixed or a half of each, which have no label, too (Beyer et al.,
*Knowledge distillation: a good teacher is patient and consistent*, CVPR 2022). Teachers may see
colours; views.npz holds `pixels` uint8 [n, SIDE, SIDE], which are grey, `rows` int64 [n] (of the
joined manifest), `is_mixed` bool [n] (two pictures in one), `faces` and `resnets` float16
[n, CLASSES] (the face networks' mean, and the ResNets') and `embeddings` float16 [n, width] (the
first face network's).
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_runs.distillation.pictures import (
    CLASSES,
    SIDE,
    Pictures,
    describe,
    least_log_loss,
    read_pictures,
)
from model_runs.distillation.teachers import Teachers, add_teachers
from model_runs.distillation.transformations import (
    between,
    blur,
    halves,
    light,
    to_grey,
    turn,
    warp,
)
from model_runs.distillation.views import unite

BATCH = 128
SEED = 12


def draw_view(x: Tensor) -> Tensor:
    """Turn, move, scale, blur and light float32 [n, 3, h, w] of 0 to 255."""
    scale = torch.exp(between(math.log(0.7), math.log(1.2), len(x)))
    return light(warp(blur(x, 0.2, 36, 90), turn(len(x), scale))).round()


def join_some(x: Tensor, is_joined: NDArray[np.bool_], is_rafdb: NDArray[np.bool_]) -> Tensor:
    """Make one face of two halves where `is_joined`: of pictures of one source, before they turn.

    Source: S. Yun et al., *CutMix*, ICCV 2019; H. Wang et al., *What makes a "good" data
    augmentation in knowledge distillation*, NeurIPS 2022.
    """
    if not is_joined.any():
        return x
    other = torch.arange(len(x))
    for source in (True, False):
        places = torch.from_numpy(np.nonzero((is_rafdb == source) & is_joined)[0])
        other[places] = places[torch.randperm(len(places))]
    return x.lerp(x[other], halves(len(x), x.shape[-1]))


def mix_some(views: Tensor, is_mixed: NDArray[np.bool_]) -> Tensor:
    """Put another view of the batch over those that `is_mixed`, each by its own share."""
    if not is_mixed.any():
        return views
    shares = torch.from_numpy(is_mixed).float() * between(0, 1, len(views))
    other = views[torch.randperm(len(views))]
    return views.lerp(other, shares[:, None, None, None]).round()


def measure(teachers: Teachers, pictures: Pictures) -> None:
    """Print what the teachers reach on the validation pictures, and on their mirror images.

    The log loss is at the temperature that suits each answer.
    """
    for source, rafdb in (("RAF-DB", True), ("FERPlus", False)):
        rows = pictures.rows(rafdb=rafdb, held_out=True)
        batches = list(pictures.batches(rows, BATCH))
        plain = [teachers.ask(x)[:2] for x in batches]
        mirrored = [teachers.ask(x.flip(3))[:2] for x in batches]
        for looks, answers in (("as they are", plain), ("mirrored", mirrored)):
            faces, resnets = (np.concatenate(said) for said in zip(*answers, strict=True))
            for name, said in (
                ("face networks", faces),
                ("ResNets", resnets),
                ("all", unite(faces, resnets)),
            ):
                found = describe(said, pictures.labels[rows])
                loss = least_log_loss(said, pictures.labels[rows])
                print(f"{source} {looks}, {name}: {found}, log loss {loss:.3f}", flush=True)


def write_views(pictures: Pictures, teachers: Teachers, options: argparse.Namespace) -> None:
    """Write some views of each training picture of RAF-DB and of FERPlus, shuffled."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    sources = [pictures.rows(rafdb=rafdb, held_out=False) for rafdb in (True, False)]
    copies = options.rafdb, options.ferplus
    rows = np.concatenate(
        [np.tile(part, times) for part, times in zip(sources, copies, strict=True)]
    )
    generator.shuffle(rows)
    drawn = generator.random(len(rows))
    is_mixed, is_joined = drawn < options.mixed, drawn >= 1 - options.joined
    pixels = np.empty((len(rows), SIDE, SIDE), np.uint8)
    faces, resnets = np.empty((2, len(rows), CLASSES), np.float16)
    embeddings: list[NDArray[np.float16]] = []
    began = time.monotonic()
    for at in range(0, len(rows), BATCH):
        part = slice(at, min(at + BATCH, len(rows)))
        faces_of = join_some(
            pictures.batch(rows[part]), is_joined[part], pictures.is_rafdb[rows[part]]
        )
        views = mix_some(draw_view(faces_of), is_mixed[part])
        pixels[part] = to_grey(views)[:, 0].round().numpy().astype(np.uint8)
        faces[part], resnets[part], embedding = teachers.ask(views)
        embeddings.append(embedding.astype(np.float16))
        print(f"\r{part.stop}/{len(rows)} {part.stop / (time.monotonic() - began):.0f}/s", end="")
    print()
    np.savez(
        options.output,
        pixels=pixels,
        rows=rows,
        is_mixed=is_mixed | is_joined,
        faces=faces,
        resnets=resnets,
        embeddings=np.concatenate(embeddings),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    add_teachers(parser)
    parser.add_argument("--rafdb", type=int, default=8, help="views of each picture")
    parser.add_argument("--ferplus", type=int, default=2, help="views of each picture")
    parser.add_argument("--mixed", type=float, default=0.5, help="share of mixtures of two views")
    parser.add_argument("--joined", type=float, default=0, help="share of faces of two halves")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "-o", "--output", type=Path, help="without it, the teachers are only measured"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    data = read_pictures(arguments.dataset, colour="rgb")
    all_teachers = Teachers(arguments.faces, arguments.resnets)
    measure(all_teachers, data)
    if arguments.output is not None:
        write_views(data, all_teachers, arguments)
