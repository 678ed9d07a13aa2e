import networks
import pytest

import reluctance as rl


@pytest.fixture(scope="session", params=[networks.perceptron, networks.pooled, networks.ResNet],
                ids=lambda make: make.__name__)
def make(request):
    return request.param


@pytest.fixture(scope="session")
def module(make):
    return networks.trained(make)


@pytest.fixture(scope="session")
def net(make, module):
    return rl.from_torch(module, networks.example(make))


@pytest.fixture(scope="session")
def images():
    return networks.data()[0].numpy()


@pytest.fixture(scope="session")
def labels():
    return networks.data()[1].numpy()
