"""Small parts of a run against known answers: rates, losses, averages, orders, seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from semblante_worker.datasets.entry import Entry
from semblante_worker.training.averaging import AveragedNetwork
from semblante_worker.training.labels import Labelled
from semblante_worker.training.objective import mix, soft_cross_entropy
from semblante_worker.training.optimizer import build_optimizer, set_rates
from semblante_worker.training.recipe import Phase
from semblante_worker.training.recipe_files import load_recipe
from semblante_worker.training.sampling import class_weights, plan_epoch
from semblante_worker.training.schedule import rate_factor
from semblante_worker.training.seeds import derive_seed, seeded


def phase(**fields: object) -> Phase:
    return Phase.model_validate({"epochs": 1, "learning_rates": {"head": 1.0}, **fields})


def factors(chosen: Phase, steps: int) -> list[float]:
    return [round(rate_factor(chosen, step, steps), 4) for step in range(steps)]


def test_rates() -> None:
    assert factors(phase(), 3) == [1, 1, 1]
    assert factors(phase(warmup=0.5), 4) == [0.5, 1, 1, 1]
    assert factors(phase(schedule="cosine"), 4) == [1, 0.8536, 0.5, 0.1464]
    assert factors(phase(schedule="one_cycle", warmup=0.5), 5) == [0.04, 0.76, 0.9045, 0.3455, 0]


def test_one_cycle_is_torchs() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=21, pct_start=0.3, final_div_factor=1e4
    )
    chosen = phase(schedule="one_cycle", warmup=0.3)
    for step in range(21):
        assert rate_factor(chosen, step, 21) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        if step < 20:
            theirs.step()


def test_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
    labels = torch.tensor([0, 1])
    one_hot = torch.eye(3)[labels]
    plain = nn.functional.cross_entropy(logits, labels)
    smooth = nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert soft_cross_entropy(logits, one_hot).item() == pytest.approx(plain.item())
    assert soft_cross_entropy(logits, one_hot, 0.1).item() == pytest.approx(smooth.item())
    even = torch.full((1, 3), 1 / 3)
    assert soft_cross_entropy(torch.zeros(1, 3), even).item() == pytest.approx(math.log(3))
    weighed = soft_cross_entropy(logits, one_hot, 0.0, torch.tensor([0.0, 2.0, 5.0]))
    assert weighed.item() == pytest.approx(3.0949, abs=1e-3)


def test_mixing_mixes_pictures_and_targets_alike() -> None:
    torch.manual_seed(2)
    inputs = torch.arange(4.0).reshape(4, 1, 1, 1)
    mixed, targets = mix(inputs, torch.eye(4), 0.5)
    assert not torch.equal(mixed, inputs)
    assert targets.sum(dim=1).tolist() == pytest.approx([1, 1, 1, 1])
    assert mixed.flatten().tolist() == pytest.approx((targets @ torch.arange(4.0)).tolist())


def test_an_average_begins_fast_and_goes_slowly() -> None:
    network = nn.BatchNorm1d(1)
    nn.init.zeros_(network.weight)
    average = AveragedNetwork(network, decay=0.5)
    own = average.network.state_dict()
    nn.init.ones_(network.weight)
    network.load_state_dict(network.state_dict() | {"num_batches_tracked": torch.tensor(7)})
    expected = 0.0
    for step in range(1, 12):
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + 1 - decay
        assert own["weight"].item() == pytest.approx(expected)
    assert (own["num_batches_tracked"].item(), average.steps) == (7, 11)


def test_the_optimizers_groups() -> None:
    recipe = load_recipe("finetune", ["architecture=resnet18"])
    network = nn.Module()
    for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"):
        network.add_module(name, nn.Identity())
    network.add_module("fc", nn.Linear(2, 2))
    optimizer = build_optimizer(network, "resnet18", recipe.phases[1])
    set_rates(optimizer, 0.5)
    groups = [(g["lr"], g["weight_decay"], len(g["params"])) for g in optimizer.param_groups]
    assert groups == [(5e-4, 0.01, 1), (5e-4, 0.0, 1)]


def pictures(counts: list[int], source: str = "") -> Labelled:
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    entries = tuple(Entry(str(n), "train", "", source) for n in range(len(labels)))
    return Labelled(entries, labels, np.eye(len(counts), dtype=np.float32)[labels])


def test_an_epoch_shows_every_picture_once() -> None:
    recipe = load_recipe("mobilenetv2-transfer", ["batch_size=4"])
    plan = plan_epoch(pictures([5, 4, 4]), recipe, recipe.phases[0], seed=1, epoch=1)
    assert [len(batch) for batch in plan] == [4, 4, 4]  # the last picture alone is left out
    rows = [row for batch in plan for row, _ in batch]
    assert len(set(rows)) == 12
    assert len({seed for batch in plan for _, seed in batch}) == 12
    again = plan_epoch(pictures([5, 4, 4]), recipe, recipe.phases[0], seed=1, epoch=1)
    other = plan_epoch(pictures([5, 4, 4]), recipe, recipe.phases[0], seed=1, epoch=2)
    assert plan == again != other


def test_balance_draws_rare_classes_more_often() -> None:
    changes = ["class_balance=sample", "batch_size=100"]
    recipe = load_recipe("mobilenetv2-transfer", changes)
    labelled = pictures([3000, 300, 30])
    plan = plan_epoch(labelled, recipe, recipe.phases[0], seed=1, epoch=1)
    drawn = labelled.labels[[row for batch in plan for row, _ in batch]]
    assert np.bincount(drawn) / len(drawn) == pytest.approx(np.full(3, 1 / 3), abs=0.04)


def test_class_weights() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    recipe = load_recipe("mobilenetv2-transfer")
    assert class_weights(labels, recipe).tolist() == pytest.approx([0.625, 2.5, 0])
    weak = recipe.model_copy(update={"class_balance_strength": 0.0})
    assert class_weights(labels, weak).tolist() == pytest.approx([1, 1, 0])


def test_sources_of_a_phase() -> None:
    recipe = load_recipe("mobilenetv2-transfer", ['sources=["a"]', "batch_size=64"])
    both = [pictures([3, 3, 3], source) for source in ("a", "b")]
    entries = both[0].entries + both[1].entries
    labels = np.concatenate([part.labels for part in both])
    labelled = Labelled(entries, labels, np.eye(3, dtype=np.float32)[labels])
    [batch] = plan_epoch(labelled, recipe, recipe.phases[0], seed=1, epoch=1)
    assert sorted(row for row, _ in batch) == list(range(9))
    twice = load_recipe("mobilenetv2-transfer", ['sources=["a", "a", "b"]', "batch_size=64"])
    [batch] = plan_epoch(labelled, twice, twice.phases[0], seed=1, epoch=1)
    assert sorted(row for row, _ in batch) == sorted([*range(9), *range(18)])
    assert len({seed for _, seed in batch}) == 27


def test_seeds_depend_on_every_part() -> None:
    assert derive_seed(1, 2) == derive_seed(1, 2) != derive_seed(12)
    assert 0 <= derive_seed("x") < 2**63
    torch.manual_seed(0)
    outside = torch.rand(1)
    torch.manual_seed(0)
    with seeded(5):
        inside = torch.rand(1)
    assert torch.equal(torch.rand(1), outside)
    with seeded(5):
        assert torch.equal(torch.rand(1), inside)
