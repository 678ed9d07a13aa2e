"""What a guest in somebody's process owes: locks, signals, threads, errors, results."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import networks
import numpy as np
import pytest
import torch

import reluctance as rl
from reluctance._progress import receiver


@pytest.fixture(scope="module")
def net():
    return rl.from_torch(networks.trained(networks.pooled), networks.example(networks.pooled))


# Minutes of work.
LONG = {"attack": "pgd", "eps": 0.001, "steps": 1000000, "threads": 1}


@pytest.mark.parametrize("job", [
    lambda net, x, y: rl.evaluate(net, x, y, **LONG),
    lambda net, x, y: rl.influence(net, x, y, attack="pgd", eps=0.001, steps=1000000, threads=1),
    lambda net, x, y: rl.dynamics(net, x, y, beta=0.1, steps=1000000, threads=1),
    lambda net, x, y: rl.felt_curvature(net, x, y, attack="raw", beta=0.01, steps=1000000, threads=1),
    lambda net, x, y: rl.curvature(net, x, y, operator="hessian", top=200, tolerance=1e-12, threads=1),
], ids=["evaluate", "influence", "dynamics", "felt_curvature", "curvature"])
def test_an_interrupt_ends_a_call_and_the_next_one_works(job, net, images, labels):
    x, y = np.tile(images, (20, 1, 1, 1)), np.tile(labels, 20)
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        job(net, x, y)
    timer.join()
    assert time.monotonic() - sent[0] < 2
    assert rl.evaluate(net, images, labels, attack="fgsm").clean.samples == 100


def test_a_handler_of_signals_that_raises_is_obeyed_and_one_that_returns_is_not(net, images, labels):
    heard = []

    def handler(number, frame):
        heard.append(number)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        rl.evaluate(net, images, labels, attack="pgd", steps=3000, eps=0.001, threads=1)
        timer.join()
        assert heard == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_other_threads_run_meanwhile(net, images, labels):
    count, done = 0, threading.Event()

    def run():
        nonlocal count
        while not done.is_set():
            count += 1
            time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    rl.evaluate(net, images, labels, attack="pgd", steps=2000, eps=0.001, threads=1)
    done.set()
    thread.join()
    assert count > 20


def test_calls_from_several_threads(net, images, labels):
    wanted = rl.evaluate(net, images, labels, attack="pgd", eps=0.1, threads=1)
    found = [None] * 4

    def run(k):
        found[k] = rl.evaluate(net, images, labels, attack="pgd", eps=0.1, threads=1)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found:
        assert np.array_equal(each.adversarial, wanted.adversarial)


def test_progress_is_told_on_the_calling_thread(net, images, labels):
    told = []

    def tell(part, done, total):
        told.append((part, done, total, threading.get_ident()))
        if len(told) == 1:  # a call within a call
            rl.evaluate(net, images, labels, attack="fgsm")

    rl.evaluate(net, images, labels, attack="pgd", steps=2000, eps=0.001, threads=1, progress=tell)
    assert told and all(ident == threading.get_ident() for *_, ident in told)
    done = [each[1] for each in told]
    assert done == sorted(done) and done[-1] == told[-1][2]
    assert {each[0] for each in told} == {"pgd"}


def test_the_bar_is_one_line_that_is_drawn_over_itself(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr("reluctance._progress.time.monotonic", lambda: clock[0])
    with receiver(True) as bar:
        for done in range(5):
            bar("attack", done, 4)  # one second each: nothing is shown of what is over within the first
            clock[0] += 1.0
        bar("audit", 1, 2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.count("\r") == 4 and "audit" not in said
    assert "attack [=======                       ] 25%, 3 s left" in said and "100%, 0 s left" in said
    with receiver(False) as silent, receiver(None) as none:
        assert silent is None and none is None


def test_what_the_receiver_of_progress_raises_ends_the_call(net, images, labels):
    def tell(part, done, total):
        raise LookupError("enough")

    x, y = np.tile(images, (20, 1, 1, 1)), np.tile(labels, 20)
    with pytest.raises(LookupError, match="enough"):
        rl.evaluate(net, x, y, progress=tell, **{**LONG, "steps": 20000})
    assert rl.evaluate(net, images, labels, attack="fgsm")


def test_threads_are_left_as_they_were_found(net, images, labels):
    before = torch.get_num_threads()
    try:
        for count in 1, 2:
            torch.set_num_threads(count)
            assert rl.evaluate(net, images, labels, attack="fgsm", threads=3 - count).to_dict()["threads"] == 3 - count
            assert torch.get_num_threads() == count
            seen = []
            thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
            thread.start()
            thread.join()
            assert seen == [count]
    finally:
        torch.set_num_threads(before)


def test_environment_and_signals_are_left_as_they_were_found():
    script = """
import os, signal
before, handlers = dict(os.environ), [signal.getsignal(s) for s in (2, 15, 14, 13)]
import reluctance
assert dict(os.environ) == before
assert [signal.getsignal(s) for s in (2, 15, 14, 13)] == handlers
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_calls_leave_no_memory_behind(net, images, labels):
    """Thousands of calls; one copy of the images, or of a vector, in each would be twice the bound or more."""
    def resident():
        gc.collect()
        with open("/proc/self/status", encoding="ascii") as text:
            return next(int(line.split()[1]) for line in text if line.startswith("VmRSS"))  # KiB

    x = np.tile(images, (4, 1, 1, 1))
    H = rl.hessian(net, images, labels, threads=1)
    v = np.ones((H.shape[0], 20), "float32")
    for call, count in ((lambda: net.logits(x, threads=1), 200), (lambda: net.logits(torch.from_numpy(x), threads=1), 200),
                        (lambda: H @ v, 200), (lambda: rl.evaluate(net, x, np.tile(labels, 4), attack="fgsm", threads=1), 100),
                        (lambda: net.parameters(), 10000)):
        for _ in range(count // 4):
            call()
        before = resident()
        for _ in range(count):
            call()
        assert resident() - before < 5000


def test_forked_loaders_do_not_hang(net, images, labels):
    class Attacked(torch.utils.data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, k):
            found = rl.evaluate(net, images, labels, attack="fgsm", eps=0.1, threads=2)
            return torch.from_numpy(found.adversarial[k]) + torch.rand(100, 100).mm(torch.rand(100, 100)).sum() * 0

    wanted = rl.evaluate(net, images, labels, attack="fgsm", eps=0.1, threads=2).adversarial[:4]
    loader = torch.utils.data.DataLoader(Attacked(), batch_size=1, num_workers=2, timeout=60)
    assert np.array_equal(torch.cat(list(loader)).numpy(), wanted)


def test_options_are_checked_in_words_of_python(net, images, labels):
    for options, words in (
            ({"attack": "standart"}, "did you mean standard?"),
            ({"attack": "standard", "steps": 10}, "steps has no effect on attack standard"),
            ({"attack": "fgsm", "step_size": 0.1}, "step_size has no effect on attack fgsm; pgd takes it"),
            ({"norm": "l3"}, "l3"),
            ({"eps": 0}, "eps: 0 is not a number from"), ({"eps": "8/255"}, "eps: '8/255' is not a number"),
            ({"attack": "pgd", "steps": 2.5}, "steps: 2.5 is not a whole number from 1"),
            ({"attack": "pgd", "steps": True}, "steps: True is not a whole number"),
            ({"seed": -1}, "seed: -1 is not a whole number"), ({"threads": -1}, "threads: -1"),
            ({"attack": "pgd", "audit": 2}, "audit has no effect on attack pgd"),
            ({"attack": rl.PGD("l2", 0.5), "eps": 1}, "eps belongs into PGD"),
            ({"memory": 0}, "memory")):
        with pytest.raises(ValueError, match=words) as caught:
            rl.evaluate(net, images, labels, **options)
        assert "--" not in str(caught.value)
    with pytest.raises(ValueError, match="operator hesian: unknown operator"):
        rl.curvature(net, images, labels, operator="hesian")
    with pytest.raises(ValueError, match="name one operator with operator"):
        rl.curvature(net, images, labels, attack="pgd")
    with pytest.raises(ValueError, match="reluctance.load"):
        rl.evaluate(torch.nn.Linear(3, 3), images, labels)
    with pytest.raises(TypeError):
        rl.evaluate(net, images, labels, "pgd")


def test_numbers_of_numpy_are_numbers(net, images, labels):
    rl.evaluate(net, images, labels, attack="pgd", eps=np.float32(0.1), steps=np.int32(3), seed=np.uint64(2**64 - 1))


def test_results_do_not_change_and_can_be_kept(net, images, labels):
    result = rl.evaluate(net, images, labels, attack="pgd", eps=0.1)
    with pytest.raises(AttributeError):
        result.robust = 1
    result.to_dict()["robust"]["value"] = 5
    assert result.robust.value <= 1
    kept = pickle.loads(pickle.dumps(result))
    assert kept.to_dict() == result.to_dict() and np.array_equal(kept.adversarial, result.adversarial)
    assert f"{100 * result.robust.value:.2f}%" in repr(result) and "<table>" in result._repr_html_()
    assert result.interval == (result.robust.low, result.robust.high)
    assert result.to_dict()["command"] == "reluctance.evaluate(attack='pgd', eps=0.1, seed=0, threads=0)"
    assert "pgd" in result.to_latex()
