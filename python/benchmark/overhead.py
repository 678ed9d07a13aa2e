"""What a call from Python costs beside the same call in C++: on 1,000 images, with one thread, in processor
seconds, which other programs disturb least. Both must find the same adversarial examples, bit for bit.

    cmake --build build/release --target reluctance_python_benchmark
    PYTHONPATH=build/release/python python3 python/benchmark/overhead.py \\
        build/release/python/libreluctance_python_benchmark.so

Calls take turns in one process, and the least of their times are compared; where other programs run, that is
certain to some hundredths. A call with next to nothing to do bounds what every call costs.
"""

import ctypes
import pathlib
import sys
import tempfile
import time

import numpy as np

import reluctance as rl

IMAGES = 1000
CALLS = {"fgsm": 41, "pgd": 21, "standard": 7}


def timed(call):
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def main(library):
    in_cpp = ctypes.CDLL(library).reluctance_evaluate
    in_cpp.restype = ctypes.c_double
    rng = np.random.default_rng(0)
    images = rng.random((IMAGES, 1, 28, 28), "float32")
    net = rl.new_network("cnn")
    labels = net.logits(images).argmax(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, data, out = (str(folder / file) for file in ("net.onnx", "data.npz", "out.npz"))
        net.save(model)
        np.savez(data, images=images, labels=labels)
        net = rl.load(model)
        fixed = min(timed(lambda: net.logits(images[:1], threads=1))[0] for _ in range(200))
        print(f"the logits of one image: {1000 * fixed:.3f} ms")
        for attack, calls in CALLS.items():
            theirs, ours = [], []
            for _ in range(calls):
                theirs.append(in_cpp(*(word.encode() for word in (model, data, attack, out))))
                seconds, result = timed(lambda: rl.evaluate(net, images, labels, attack=attack, threads=1))
                ours.append(seconds)
            wanted = np.load(out)
            for array in "adversarial", "success", "logits":
                assert result.arrays[array].tobytes() == wanted[array].tobytes(), array
            cpp, python = min(theirs), min(ours)
            print(f"{attack}: C++ {cpp:.4f} s, Python {python:.4f} s, overhead "
                  f"{100 * (python / cpp - 1):+.2f}%, bound by the call above {100 * fixed / cpp:.2f}%; the same bits",
                  flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
