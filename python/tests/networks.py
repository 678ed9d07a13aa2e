"""Small trained networks of several kinds, and images for them."""

import functools

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(x + y)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.layer1 = nn.Sequential(Block(4), Block(4))
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.layer1(torch.relu(self.stem(x)))), 1))


def perceptron():
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def pooled():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.125), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(36, 10))


@functools.lru_cache(maxsize=None)
def data(count=100):
    """count x 1 x 8 x 8 in [0, 1], and labels: ten prototypes with noise."""
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.rand(10, 1, 8, 8, generator=generator)
    labels = torch.arange(count) % 10
    noise = torch.randn(count, 1, 8, 8, generator=generator)
    return (prototypes[labels] + 0.35 * noise).clamp(0, 1), labels


@functools.lru_cache(maxsize=None)
def trained(make):
    """A module of that kind, trained a little on the same prototypes; evaluation mode."""
    state = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images, labels = data(400)
    module = make()
    optimizer = torch.optim.SGD(module.parameters(), 0.05, momentum=0.9)
    for _ in range(60):
        optimizer.zero_grad()
        x = images.flatten(1) if make is perceptron else images
        nn.functional.cross_entropy(module(x), labels).backward()
        optimizer.step()
    torch.random.set_rng_state(state)
    torch.set_num_threads(threads)
    return module.eval()


def example(make):
    """One image as the module of that kind takes it."""
    images, _ = data()
    return images[:1].flatten(1) if make is perceptron else images[:1]
