"""`python -m training_scripts.train` as the service runs it: one process an instance."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import jaxlib._jax  # type: ignore[import-not-found]  # a compiled module
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training_scripts.ntm.artifact import read
from training_scripts.ntm.learning import job
from training_scripts.ntm.learning.cluster import HEARTBEAT_TIMEOUT_S
from training_scripts.ntm.learning.job import Job
from training_scripts.ntm.sums import Alone

JobMaker = Callable[..., Path]
Planted = Callable[[int, int], csr_matrix]
PROJECT = Path(__file__).parents[3]
HOSTS = ("algo-1", "algo-2")
ENDLESS = {"epochs": "1000000", "num_patience_epochs": "1000001"}
TIMEOUT_S = 60

Start = Callable[..., "subprocess.Popen[str]"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start() -> Iterator[Start]:
    """Start training processes; all are ended with the test."""
    coordinator = f"127.0.0.1:{free_port()}"
    started: list[subprocess.Popen[str]] = []

    def begin(root: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "training_scripts.train", "--root", str(root), *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "NTM_COORDINATOR": coordinator},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(stream: IO[str] | None, text: str) -> None:
    assert stream is not None
    for line in stream:
        if text in line:
            return
    raise AssertionError(f"the log ended without {text!r}")


@pytest.fixture
def pair(make_job: JobMaker, planted: Planted) -> Callable[..., list[Path]]:
    """The roots of a job of two instances, each with a shard of its own size."""

    def make(**hyperparameters: str) -> list[Path]:
        whole = planted(240, 1)
        shards = (whole[:160], whole[160:])
        return [
            make_job(
                host, train=shard, validation=planted(60, 2), hosts=HOSTS, host=host, hyperparameters=hyperparameters
            )
            for host, shard in zip(HOSTS, shards, strict=True)
        ]

    return make


def test_two_instances_train_one_model_as_good_as_one_instance_on_all_documents(
    start: Start, pair: Callable[..., list[Path]], make_job: JobMaker, planted: Planted
) -> None:
    settings = {"epochs": "10", "num_patience_epochs": "99"}
    roots = pair(**settings)
    alone = make_job("alone", train=planted(240, 1), validation=planted(60, 2), hyperparameters=settings)

    processes = [start(root) for root in roots]
    Job(alone).run(lambda: False)
    logs = [process.communicate(timeout=TIMEOUT_S)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], logs
    assert not list(roots[1].glob("model/*"))
    both, one = (read(root / "model").document for root in (roots[0], alone))
    assert both["losses"]["validation"]["total"] == pytest.approx(one["losses"]["validation"]["total"], rel=0.02)
    assert both["metrics"]["validation:tu"] == pytest.approx(one["metrics"]["validation:tu"], abs=0.1)


@pytest.mark.slow
def test_two_instances_with_the_same_seed_repeat_to_the_last_bit(
    start: Start, pair: Callable[..., list[Path]], tmp_path: Path
) -> None:
    models = []
    for _ in range(2):
        roots = pair(epochs="2")
        for process in [start(root) for root in roots]:
            assert process.wait(timeout=TIMEOUT_S) == 0
        models.append(read(roots[0] / "model").arrays)
        for root in roots:
            root.rename(tmp_path / f"done-{root.name}-{len(models)}")

    for name, value in models[0].items():
        np.testing.assert_array_equal(models[1][name], value)


@pytest.mark.slow
def test_two_instances_go_on_from_their_checkpoint_with_their_momentum(
    start: Start, pair: Callable[..., list[Path]], tmp_path: Path
) -> None:
    arrays = []
    for name, runs in (("whole", ["4"]), ("broken", ["2", "4"])):
        roots = pair(epochs=runs[0], num_patience_epochs="99")
        (roots[0] / "checkpoints").mkdir()
        for epochs in runs:
            for root in roots:
                path = root / "input" / "config" / "hyperparameters.json"
                path.write_text(json.dumps({**json.loads(path.read_text()), "epochs": epochs}))
            assert [process.wait(timeout=TIMEOUT_S) for process in [start(root) for root in roots]] == [0, 0]
        arrays.append(read(roots[0] / "model").arrays)
        for root in roots:
            root.rename(tmp_path / f"done-{root.name}-{name}")

    for name, value in arrays[0].items():
        np.testing.assert_array_equal(arrays[1][name], value)


@pytest.mark.parametrize(
    "killed", [pytest.param(0, id="primary", marks=pytest.mark.slow), pytest.param(1, id="secondary")]
)
def test_a_killed_peer_fails_the_job(start: Start, pair: Callable[..., list[Path]], killed: int) -> None:
    roots = pair(**ENDLESS)
    processes = [start(root) for root in roots]
    wait_for(processes[0].stdout, "epoch=2,")

    processes[killed].kill()
    survivor = processes[1 - killed]
    survivor.communicate(timeout=TIMEOUT_S)

    failure = (roots[1 - killed] / "output" / "failure").read_text()
    assert survivor.returncode == 1
    assert failure.startswith("AlgorithmError: ")
    assert "another instance" in failure
    assert not list(roots[1 - killed].glob("model/*"))


def test_a_fault_in_one_instances_shard_is_the_failure_of_both(start: Start, pair: Callable[..., list[Path]]) -> None:
    roots = pair()
    shard = roots[1] / "input" / "data" / "train" / "part-00000.pbr"
    shard.write_bytes(shard.read_bytes()[:-5])

    for process in [start(root) for root in roots]:
        process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 1

    reasons = {(root / "output" / "failure").read_text() for root in roots}
    assert len(reasons) == 1
    assert reasons.pop().startswith("ClientError: channel 'train', file 'part-00000.pbr', record 80:")


def test_sigterm_ends_training_soon_with_the_best_model_and_success(start: Start, make_job: JobMaker) -> None:
    root = make_job(hyperparameters=ENDLESS)
    process = start(root, "--tar")
    wait_for(process.stdout, "epoch=1,")

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0
    assert not (root / "output" / "failure").exists()
    with tarfile.open(root / "model.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["model.json", "model_algo-1", "params.npz"]


def test_sigterm_ends_two_instances_soon_with_the_best_model_and_success(
    start: Start, pair: Callable[..., list[Path]]
) -> None:
    roots = pair(**ENDLESS)
    processes = [start(root) for root in roots]
    wait_for(processes[0].stdout, "epoch=1,")

    for process in processes:
        process.send_signal(signal.SIGTERM)
    logs = [process.communicate(timeout=TIMEOUT_S)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], logs
    assert sorted(path.name for path in (roots[0] / "model").iterdir()) == ["model.json", "model_algo-1", "params.npz"]


# JAX aborts who has not left: at once when the primary ends, else when an instance's heartbeat is missed.
@pytest.mark.parametrize(
    ("first", "wait_s"),
    [
        pytest.param(0, 1, id="primary"),
        pytest.param(1, HEARTBEAT_TIMEOUT_S + 15, id="secondary", marks=pytest.mark.slow),
    ],
)
def test_an_instance_that_has_left_may_end_before_the_others(first: int, wait_s: int) -> None:
    code = """if True:
        import os, sys
        import numpy as np
        from training_scripts.ntm.learning.cluster import Hosts, Instances
        instances = Instances(Hosts(sys.argv[1], ("algo-1", "algo-2"), "lo"))
        instances.sum(np.zeros(1))
        instances.leave()
        sys.stdin.read()
        os._exit(0)
    """
    environment = {**os.environ, "NTM_COORDINATOR": f"127.0.0.1:{free_port()}"}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, host], cwd=PROJECT, stdin=subprocess.PIPE, env=environment)
        for host in HOSTS
    ]
    ended, other = processes[first], processes[1 - first]

    ended.communicate(timeout=TIMEOUT_S)
    with pytest.raises(subprocess.TimeoutExpired):
        other.wait(timeout=wait_s)
    other.communicate(timeout=TIMEOUT_S)

    assert [ended.returncode, other.returncode] == [0, 0]


def test_a_job_leaves_the_others_before_it_writes_the_model(
    monkeypatch: pytest.MonkeyPatch, make_job: JobMaker, planted: Planted
) -> None:
    root = make_job("algo-1", train=planted(160, 1), hosts=HOSTS, host="algo-1", hyperparameters={"epochs": "1"})
    written_before: list[list[Path]] = []

    class Others(Alone):
        def leave(self) -> None:
            written_before.append(list(root.glob("model/*")))

    monkeypatch.setattr(job, "Instances", lambda _: Others())
    Job(root).run(lambda: False)

    assert written_before == [[]]
    assert list(root.glob("model/*"))


def test_a_failed_job_exits_with_1_and_its_reason_without_a_traceback(start: Start, make_job: JobMaker) -> None:
    root = make_job(hyperparameters={"num_topics": "1"})

    process = start(root)
    output, _ = process.communicate(timeout=TIMEOUT_S)

    reason = "ClientError: hyperparameter 'num_topics' is '1', but should be 2 to 1000"
    assert process.returncode == 1
    assert (root / "output" / "failure").read_text() == reason
    assert output.strip() == reason
    assert not list(root.glob("model/*"))


def test_a_process_that_the_kernel_ends_still_leaves_a_reason(start: Start, make_job: JobMaker) -> None:
    root = make_job(hyperparameters=ENDLESS)
    process = start(root)
    wait_for(process.stdout, "epoch=1,")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    os.kill(int(children[0]), signal.SIGKILL)
    process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 1
    assert (
        (root / "output" / "failure")
        .read_text()
        .startswith("AlgorithmError: the training process was ended by SIGKILL")
    )


def test_the_name_that_lets_instances_meet_where_the_machines_own_name_does_not_resolve_is_there() -> None:
    assert "interface" in str(jaxlib._jax.make_gloo_tcp_collectives.__doc__)
