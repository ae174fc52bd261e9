"""A bundle of code and wheels whose wheels are made up: what synth looks at, without an index."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from training_scripts.script_mode import layout, sources, wheels
from training_scripts.script_mode.manifest import BundleManifest, Processor

WHEELS = (
    "jax-0.10.2-py3-none-any.whl",
    "numpy-2.4.6-cp312-cp312-manylinux_2_28_x86_64.whl",
    "orjson-3.13.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    "scipy-1.17.1-cp312-cp312-manylinux_2_28_x86_64.whl",
)


def write_bundle(root: Path, *, processor: Processor = "cpu", code_hash: str | None = None) -> Path:
    """Write one where synth looks for it under `root`; return its folder."""
    folder = root / layout.bundle_folder(processor)
    for name, path in sources.files(processor).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    (folder / layout.WHEELS_FOLDER).mkdir()
    found = [folder / layout.WHEELS_FOLDER / name for name in WHEELS]
    for wheel in found:
        wheel.write_bytes(b"made up: " + wheel.name.encode())
    wheels.write_requirements(folder / layout.REQUIREMENTS_FILE, found)
    if processor != "spark":
        wheels.write_requirements(folder / layout.SERVING_FOLDER / layout.REQUIREMENTS_FILE, wheels.for_serving(found))
    manifest = BundleManifest.describing(
        folder,
        code_hash=code_hash or sources.code_hash(processor),
        processor=processor,
        python_version=layout.CONTAINER_PYTHON,
    )
    (folder / layout.MANIFEST_NAME).write_bytes(manifest.encoded())
    return folder


def build_similar_asset(folder: Path) -> None:
    """Write the asset of the function for similar documents, without its wheels, into `folder`."""
    root = Path(__file__).parents[1]
    spec = importlib.util.spec_from_file_location("build_similar_asset", root / "scripts" / "similar_asset.py")
    assert spec is not None
    assert spec.loader is not None
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    builder.build(folder, [])
