"""What `pip install .` asks for (PEP 517): builds the extension module with CMake and packs a wheel.

The standard library is all it needs, so it works without a network. Settings, by --config-settings:
  build-dir=FOLDER   where to build; one that is configured already is used as it is
  cmake=ARGUMENT     one more argument for configuring, for example -DCMAKE_PREFIX_PATH=/opt/libtorch
"""

import base64
import hashlib
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(reluctance VERSION ([0-9.]+)", text).group(1)


def _metadata():
    return (f"Metadata-Version: 2.1\nName: reluctance\nVersion: {_version()}\n"
            "Summary: Why adversarial training of ReLU networks is difficult, measured\n"
            "License: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: numpy\n")


def _tag():
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}-{platform}"


def _libtorch():
    """Where this interpreter's PyTorch has its LibTorch for CMake; Debian's is in the usual place."""
    torch = importlib.util.find_spec("torch")
    if torch is None or not torch.submodule_search_locations:
        return []
    share = pathlib.Path(torch.submodule_search_locations[0]) / "share" / "cmake"
    return [f"-DCMAKE_PREFIX_PATH={share}"] if (share / "Torch").is_dir() else []


def _run(*command):
    # What CMake and the compiler say goes where pip shows it.
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)


def _install(folder, build, arguments):
    if not (build / "CMakeCache.txt").exists():
        _run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "-DRELUCTANCE_PYTHON=ON", "-DRELUCTANCE_TESTS=OFF",
             f"-DPython_EXECUTABLE={sys.executable}", *_libtorch(), *arguments)
    _run("cmake", "--build", build, "--target", "reluctance_python")
    _run("cmake", "--install", build, "--component", "python", "--prefix", folder)


def _record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    settings = config_settings or {}
    extra = settings.get("cmake", [])
    with tempfile.TemporaryDirectory() as scratch:
        staged = pathlib.Path(scratch) / "staged"
        build = pathlib.Path(settings.get("build-dir", pathlib.Path(scratch) / "build"))
        _install(staged, build.absolute(), [extra] if isinstance(extra, str) else extra)
        files = {path.relative_to(staged).as_posix(): path.read_bytes()
                 for path in sorted(staged.rglob("*")) if path.is_file()}
    info = f"reluctance-{_version()}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: reluctance\nRoot-Is-Purelib: false\n"
                              f"Tag: {_tag()}\n").encode()
    record = "".join(_record_line(*each) for each in files.items()) + f"{info}/RECORD,,\n"
    files[f"{info}/RECORD"] = record.encode()
    name = f"reluctance-{_version()}-{_tag()}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return name


def build_sdist(sdist_directory, config_settings=None):
    name = f"reluctance-{_version()}"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    with tarfile.open(os.path.join(sdist_directory, f"{name}.tar.gz"), "w:gz") as archive:
        for file in filter(None, files):
            archive.add(ROOT / file, f"{name}/{file}")
        with tempfile.NamedTemporaryFile("w", suffix="PKG-INFO") as info:
            info.write(_metadata())
            info.flush()
            archive.add(info.name, f"{name}/PKG-INFO")
    return f"{name}.tar.gz"
