"""First steps, on the test images of Fashion-MNIST (Debian's package dataset-fashion-mnist) and a
network that is trained here for a few seconds. Run it with: python3 first_steps.py [IMAGES]"""

import gzip
import pathlib
import sys

import numpy as np
import torch

import reluctance as rl

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")


def read(name):
    """An IDX file: images N x 1 x 28 x 28 in [0, 1], or N labels."""
    path = FOLDER / name
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    extents = np.frombuffer(data, ">i4", data[3], offset=4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * len(extents)).reshape(extents)
    return values[:, None].astype("float32") / 255 if values.ndim == 3 else values


def find(stem):
    return next(path.name for path in FOLDER.glob(stem + "*"))


count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
images = read(find("t10k-images"))
labels = read(find("t10k-labels"))

# A module of PyTorch, trained on the first half.
torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 5, stride=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
    torch.nn.Flatten(), torch.nn.Linear(1152, 10))
optimizer = torch.optim.Adam(module.parameters())
for start in range(0, 5000, 100):
    x = torch.from_numpy(images[start : start + 100])
    y = torch.from_numpy(labels[start : start + 100].astype("int64"))
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(module(x), y).backward()
    optimizer.step()

# Everything below is asked of images that it has not seen.
x, y = images[5000 : 5000 + count], labels[5000 : 5000 + count]
net = rl.from_torch(module, x[:1])
print(net)

# Robust accuracy, with a bound on how much lower the published ensemble would end.
print(rl.evaluate(net, x, y, norm="linf", eps=2 / 255, progress=True))

# Which images does an attack make weigh more in training?
print(rl.influence(net, x, y, attack="raw", beta=0.3))

# The curvature that training feels, and who carries it; the Hessian as an operator.
print(rl.curvature(net, x, y, operator="effective", attack=rl.PGD("l2", 0.25), top=2))
H = rl.hessian(net, x, y)
gradient_like = np.ones(H.shape[0], H.dtype)
print({name: part.shape for name, part in H.split(H @ gradient_like).items()})
