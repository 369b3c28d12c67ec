"""
Teach a small convolutional network to read handwritten digits, in a few seconds on one CPU core.

The data are scikit-learn's digits: 1797 images of 8x8 pixels, each a digit that somebody wrote, with the digit as
its label. Every sixth image is kept for the test and never trained on. After the training the network is saved,
loaded into a fresh one that has to read just as well, and a picture shows how it went and what it misread.

    python -m rushlight examples/digits.py            with Rushlight
    python examples/digits.py                         with PyTorch, if it is installed: same file, same losses

Besides torch this needs scikit-learn (the data), tqdm (the progress bar) and matplotlib (the picture).
"""

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

plt.switch_backend("Agg")  # draw into a file; no window needed

# ----------------------------------------------------------------------------------------------------------------
# The data. A Dataset only has to know its length and how to give its i-th example; the DataLoader does the rest:
# it shuffles, picks batches, and stacks the examples of a batch into one tensor.


class Digits(Dataset):
    """The part of scikit-learn's digits to train on, or to test with.

    An example is a pair of an image, float32 of (1, 8, 8) between 0 and 1, and its label, 0 to 9.
    """

    def __init__(self, train):
        digits = load_digits()
        chosen = [i for i in range(len(digits.target)) if (i % 6 != 0) == train]
        # The pixels count from 0 to 16. The network wants a channel dimension in front: these images have one, gray.
        self.images = torch.tensor(digits.images[chosen] / 16, dtype=torch.float32).view(-1, 1, 8, 8)
        self.labels = torch.tensor(digits.target[chosen])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


# ----------------------------------------------------------------------------------------------------------------
# The network. Two convolutions look for strokes, and for what strokes form; each pooling halves the image. What
# remains of it, 32 channels of 2x2, goes through two linear layers that decide. Its ten outputs are logits: the
# larger, the likelier is that digit. CrossEntropyLoss turns them into probabilities itself.


def make_network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # (1, 8, 8) -> (16, 8, 8)
        nn.ReLU(),
        nn.MaxPool2d(2),  # -> (16, 4, 4)
        nn.Conv2d(16, 32, 3, padding=1),  # -> (32, 4, 4)
        nn.ReLU(),
        nn.MaxPool2d(2),  # -> (32, 2, 2)
        nn.Flatten(),  # -> (128,)
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


# ----------------------------------------------------------------------------------------------------------------
# Training and testing.


def train_one_epoch(network, loader, optimizer, epoch):
    """Show every image once; gives the loss of each batch."""
    network.train()
    loss_of = nn.CrossEntropyLoss()
    losses = []
    batches = tqdm(loader, desc=f"epoch {epoch}", unit="batch", leave=False)
    for images, labels in batches:
        loss = loss_of(network(images), labels)
        optimizer.zero_grad()  # gradients add up, so begin at nothing
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        batches.set_postfix(loss=f"{losses[-1]:.3f}")
    return losses


@torch.no_grad()
def read(network, data):
    """What the network makes of all images at once: the digits that it reads, and how wrong it is about each."""
    network.eval()
    logits = network(data.images)
    surprise = nn.CrossEntropyLoss(reduction="none")(logits, data.labels)
    return logits.argmax(dim=1), surprise


def accuracy(network, data):
    """The fraction of the images that the network reads correctly."""
    digits, _ = read(network, data)
    return (digits == data.labels).sum().item() / len(data)


# ----------------------------------------------------------------------------------------------------------------
# The picture.


def draw(path, losses, accuracies, network, data):
    """Left: loss and accuracy while training. Right: the images that surprised the network most."""
    digits, surprise = read(network, data)
    digits, labels, surprise = digits.tolist(), data.labels.tolist(), surprise.tolist()
    hardest = sorted(range(len(data)), key=lambda i: -surprise[i])[:12]
    misread = sum(digit != label for digit, label in zip(digits, labels, strict=True))

    figure = plt.figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1], wspace=0.03)

    curve = left.subplots()
    per_epoch = len(losses) // len(accuracies)
    epochs = range(1, len(accuracies) + 1)
    means = [sum(losses[(e - 1) * per_epoch : e * per_epoch]) / per_epoch for e in epochs]
    curve.plot([i / per_epoch for i in range(len(losses))], losses, color="#e3b95f", linewidth=0.7, alpha=0.6)
    curve.plot([e - 0.5 for e in epochs], means, color="#b07d1c", linewidth=2)
    curve.set(xlabel="epoch", ylabel="training loss", yscale="log", xlim=(0, len(accuracies) * 1.02))
    curve.yaxis.label.set_color("#b07d1c")
    curve.grid(alpha=0.25)
    right_axis = curve.twinx()
    right_axis.plot(epochs, [100 * a for a in accuracies], "o-", color="#31688e", markersize=4)
    right_axis.set(ylabel="test accuracy in %", ylim=(min(80, 100 * min(accuracies)), 100))
    right_axis.yaxis.label.set_color("#31688e")
    for axes in (curve, right_axis):
        axes.spines["top"].set_visible(False)
    curve.set_title(f"{100 * accuracies[-1]:.1f}% of {len(data)} unseen digits read correctly", fontsize=11)

    right.suptitle(f"The hardest twelve; {misread} misread (red)", fontsize=11)
    for axes, i in zip(right.subplots(3, 4).flat, hardest, strict=True):
        axes.imshow(data.images[i, 0].numpy(), cmap="gray_r", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        wrong = digits[i] != labels[i]
        axes.set_title(f"{labels[i]} read as {digits[i]}", fontsize=9, color="#c0392b" if wrong else "#555555")
        for spine in axes.spines.values():
            spine.set(color="#c0392b" if wrong else "#cccccc", linewidth=1.6 if wrong else 0.8)
    figure.savefig(path, dpi=130)


# ----------------------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description="Train a small convolutional network on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=10, help="how often every image is shown (10)")
    parser.add_argument("--batch-size", type=int, default=32, help="images per step (32)")
    parser.add_argument("--lr", type=float, default=2e-3, help="learning rate of Adam (0.002)")
    parser.add_argument("--seed", type=int, default=1, help="for the first weights and the shuffling (1)")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder for the results (this one)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()

    torch.manual_seed(options.seed)
    train_data, test_data = Digits(train=True), Digits(train=False)
    loader = DataLoader(train_data, batch_size=options.batch_size, shuffle=True)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=options.lr)
    size = sum(p.numel() for p in network.parameters())
    print(f"torch {torch.__version__}: {size} weights, {len(train_data)} images to learn from, {len(test_data)} unseen")

    losses, accuracies = [], []
    for epoch in range(1, options.epochs + 1):
        epoch_losses = train_one_epoch(network, loader, optimizer, epoch)
        losses += epoch_losses
        accuracies.append(accuracy(network, test_data))
        mean = sum(epoch_losses) / len(epoch_losses)
        print(f"epoch {epoch:2d}: loss {mean:.4f}, test accuracy {accuracies[-1]:.4f}", flush=True)

    # A checkpoint holds the names and values of the weights; the network itself is made anew from its code.
    checkpoint = options.out / "digits.pt"
    torch.save(network.state_dict(), checkpoint)
    fresh = make_network()
    fresh.load_state_dict(torch.load(checkpoint))
    again = accuracy(fresh, test_data)
    assert again == accuracies[-1], f"the loaded network reads {again}, the saved one {accuracies[-1]}"

    picture = options.out / "digits.png"
    draw(picture, losses, accuracies, fresh, test_data)
    print(f"{time.perf_counter() - start:.1f} s; saved {checkpoint} (loaded again: same accuracy) and {picture}")


if __name__ == "__main__":
    main()
