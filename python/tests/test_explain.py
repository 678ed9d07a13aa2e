"""The report: the document and the page of the command line."""

import json
import os
import subprocess

import networks
import numpy as np

import reluctance as rl
from test_program import numbers


def test_the_report_is_the_programs(tmp_path, images, labels):
    images, labels = images[:30], labels[:30]
    net = rl.from_torch(networks.trained(networks.perceptron), networks.example(networks.perceptron))
    net.save(tmp_path / "model.onnx")
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    subprocess.run([os.environ["RELUCTANCE_PROGRAM"], "explain", "--model", "model.onnx", "--data", "images.npz",
                    "--limit", "20", "--threads", "1", "--out", "out", "--json", "out.json"],
                   check=True, cwd=tmp_path, capture_output=True)
    report = rl.explain(net, images, labels, limit=20, threads=1)
    wanted = json.loads((tmp_path / "out.json").read_text())
    assert numbers(report.to_dict()["networks"]) == numbers(wanted["networks"])
    assert numbers(report.to_dict()["claims"]) == numbers(wanted["claims"])
    names = [each["name"] for each in wanted["findings"]]
    assert list(report.findings) == names and numbers(report.to_dict()["findings"]) == numbers(wanted["findings"])
    assert set(report.verdicts) == {"dynamics", "influence", "curvature"}
    report.save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!") and "vega" in page
    shown = report._repr_html_()  # a table first, for notebooks that forbid the frame or its scripts
    assert shown.startswith("<table>") and "claim 1" in shown[: shown.index("<iframe")]
    assert "claim 1" in repr(report)
