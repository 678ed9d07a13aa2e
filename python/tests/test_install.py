"""`pip install .` in a fresh virtual environment beside the system's packages, without a network."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.mark.skipif("RELUCTANCE_BUILD" not in os.environ, reason="needs a build to install")
def test_pip_installs_it(tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", venv], check=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    subprocess.run([venv / "bin" / "pip", "install", "--quiet", "--no-build-isolation", "--no-index",
                    "--config-settings", f"build-dir={os.environ['RELUCTANCE_BUILD']}", ROOT],
                   check=True, env=environment, cwd=tmp_path)
    script = "import reluctance; print(reluctance.__version__, reluctance.__file__)"
    said = subprocess.run([venv / "bin" / "python", "-c", script], check=True, env=environment,
                          cwd=tmp_path, capture_output=True, text=True).stdout
    assert said.startswith("0.1.0 ") and str(venv) in said
    assert (pathlib.Path(said.split()[1]).parent / "py.typed").exists()
