"""The container contract of a training job, in this process; see test_training_process.py for the process itself."""

from __future__ import annotations

import json
import os
import re
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training_scripts import mxnet_arrays
from training_scripts.ntm import topic_words
from training_scripts.ntm.artifact import read
from training_scripts.ntm.failure import ClientError, failure_reason
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.learning import checkpoint, job
from training_scripts.ntm.learning.job import Job

JobMaker = Callable[..., Path]
Planted = Callable[[int, int], csr_matrix]


def run(root: Path, *, interrupted: Callable[[], bool] = lambda: False) -> None:
    Job(root).run(interrupted)


def change(root: Path, name: str, **changes: object) -> None:
    path = root / "input" / "config" / name
    document = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))


def test_a_job_leaves_model_metrics_and_a_log_that_metric_definitions_can_read(
    make_job: JobMaker, planted: Planted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING_JOB_NAME", "topics-2026")
    monkeypatch.setenv("CORPUS_HASH", "c0ffee")
    root = make_job(validation=planted(60, 2))
    vocabulary = root / "input" / "data" / "auxiliary" / "vocab.txt"
    vocabulary.parent.mkdir()
    vocabulary.write_text("".join(f"word{number}\n" for number in range(40)))

    run(root)

    document = read(root / "model").document
    metrics = json.loads((root / "output" / "metrics" / "final.json").read_text())
    log = capsys.readouterr().out
    epochs = re.findall(r"#quality_metric: host=\S+, epoch=(\d+), validation total_loss <loss>=(\S+)", log)
    assert [int(epoch) for epoch, _ in epochs] == [1, 2, 3, 4]
    assert min(float(loss) for _, loss in epochs) == pytest.approx(metrics["validation:total_loss"], rel=1e-4)
    assert set(metrics) == {"train:total_loss", "validation:total_loss", "validation:tu", "validation:npmi"}
    assert (document["model_version"], document["corpus_hash"]) == ("topics-2026", "c0ffee")
    assert (root / "model" / "vocab.txt").read_bytes() == vocabulary.read_bytes()
    assert document["hyperparameters"]["num_topics"] == "4"
    assert [topic["id"] for topic in document["topics"]] == [0, 1, 2, 3]
    assert sum(topic["share"] for topic in document["topics"]) == pytest.approx(1, abs=1e-4)
    assert all(len(topic["words"]) == 10 and topic["words"][0].startswith("word") for topic in document["topics"])
    assert " ".join(document["topics"][0]["words"]) in log
    assert document["topic_words"] == topic_words.RULE
    assert all(set(topic["label"].split(", ")) <= set(topic["words"]) for topic in document["topics"])
    assert not (root / "output" / "failure").exists()


def test_each_epoch_logs_the_built_ins_lines_of_progress_and_throughput(
    make_job: JobMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_job(hyperparameters={"num_patience_epochs": "100"})

    run(root)

    log = capsys.readouterr().out
    told = [json.loads(line.removeprefix("#metrics ")) for line in log.splitlines() if line.startswith("#metrics ")]
    progress = re.findall(r"#progress_metric: host=algo-1, completed (\S+) % of epochs", log)
    throughput = re.findall(r"#throughput_metric: host=algo-1, train throughput=(\S+) records/second", log)
    documents = int(re.findall(r"channel train: (\d+) documents", log)[0])
    assert [float(percent) for percent in progress] == [25, 50, 75, 100]
    assert len(throughput) == 4
    assert min(map(float, throughput)) > 0
    assert [line["Dimensions"]["epoch"] for line in told] == [0, 1, 2, 3]
    assert [line["Metrics"]["Total Records Seen"]["sum"] for line in told] == [documents * n for n in (1, 2, 3, 4)]


def test_the_job_leaves_the_member_that_notebooks_of_the_built_in_read(make_job: JobMaker) -> None:
    root = make_job()

    run(root)

    model = read(root / "model")
    with zipfile.ZipFile(root / "model" / "model_algo-1") as archive:
        decoder = mxnet_arrays.read(archive.read("params"))["arg:projection_weight"]
    np.testing.assert_array_equal(decoder, model.arrays["topics"].T)


def test_the_model_says_what_its_losses_measure_also_where_nobody_has_set_it(make_job: JobMaker) -> None:
    told, untold = make_job("told", hyperparameters={"document_weight_words": "20"}), make_job("untold")

    definitions = []
    for root in (told, untold):
        run(root)
        definitions.append(read(root / "model").document["loss_definition"])

    assert definitions == [
        "open-ntm-1 document_weight_words=20.0 prior_variance=1.0",
        "open-ntm-1 document_weight_words=150.0 prior_variance=1.0",
    ]


def test_without_a_job_name_the_model_is_named_by_its_content(make_job: JobMaker, planted: Planted) -> None:
    one, same, other = (make_job(name) for name in ("one", "same", "other"))
    change(other, "hyperparameters.json", seed="5")

    versions = []
    for root in (one, same, other):
        run(root)
        versions.append(read(root / "model").document["model_version"])

    assert versions[0] == versions[1] != versions[2]


def test_a_seed_may_come_by_the_environment_and_the_hyperparameter_wins(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, plain, both = (make_job(name) for name in ("told", "plain", "both"))
    change(both, "hyperparameters.json", seed="5")

    run(plain)
    monkeypatch.setenv("NTM_SEED", "7")
    for root in (told, both):
        run(root)
    seeds = [read(root / "model").document["hyperparameters"]["seed"] for root in (plain, told, both)]

    assert seeds == ["0", "7", "5"]


def test_csv_and_recordio_dense_and_sparse_train_the_same_model(make_job: JobMaker, planted: Planted) -> None:
    from training_scripts import recordio

    sparse, dense, csv = (make_job(name) for name in ("sparse", "dense", "csv"))
    counts = planted(160, 1)
    with (dense / "input" / "data" / "train" / "part-00000.pbr").open("wb") as stream:
        recordio.write_dense(stream, counts.toarray())
    (csv / "input" / "data" / "train" / "part-00000.pbr").unlink()
    np.savetxt(csv / "input" / "data" / "train" / "rows.csv", counts.toarray(), fmt="%i", delimiter=",")
    change(csv, "inputdataconfig.json", train={"ContentType": "text/csv;label_size=0"})

    models = []
    for root in (sparse, dense, csv):
        run(root)
        models.append(read(root / "model").arrays)

    for other in models[1:]:
        for name, value in models[0].items():
            np.testing.assert_array_equal(value, other[name])


def test_pipe_mode_reads_one_fifo_an_epoch_and_no_more_than_it_needs(make_job: JobMaker) -> None:
    root = make_job()
    change(
        root,
        "inputdataconfig.json",
        train={"ContentType": "application/x-recordio-protobuf", "TrainingInputMode": "Pipe"},
    )
    content = (root / "input" / "data" / "train" / "part-00000.pbr").read_bytes()
    fifo = root / "input" / "data" / "train_0"
    os.mkfifo(fifo)
    feeder = threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True)
    feeder.start()

    run(root)

    feeder.join(timeout=10)
    assert not feeder.is_alive()
    assert (root / "model" / "model.json").exists()


def test_the_server_answers_what_the_trainer_infers(make_job: JobMaker, planted: Planted) -> None:
    from training_scripts.hyperparameters import parse_job_hyperparameters
    from training_scripts.ntm.learning.training import Trainer
    from training_scripts.ntm.reading.documents import Documents
    from training_scripts.ntm.sums import Alone

    counts = planted(50, 9)
    for number, changes in enumerate(
        ({}, {"batch_norm": "true", "encoder_layers_activation": "relu"}, {"input_weighting": "counts"})
    ):
        root = make_job(f"job{number}", hyperparameters=changes)
        run(root)
        artifact = read(root / "model")
        settings = parse_job_hyperparameters(artifact.document["hyperparameters"])
        documents = Documents.load(lambda: iter([counts]), feature_dim=40, max_memory_mb=64, seed=0)
        trainer = Trainer(settings.ntm, settings.switches, documents=documents, validation=None, cluster=Alone())
        trainer.idf = artifact.arrays.get("idf")

        theirs = trainer.topic_weights(artifact.arrays, artifact.arrays, documents)

        np.testing.assert_allclose(NtmInference(artifact).topic_weights(counts, raw=True), theirs, atol=1e-6)


def test_a_model_is_served_sharper_than_it_was_trained_and_is_another_by_its_exponent(
    make_job: JobMaker, planted: Planted
) -> None:
    sharp, plain = make_job("sharp"), make_job("plain", hyperparameters={"weight_exponent": "1"})
    counts = planted(50, 9)

    for root in (sharp, plain):
        run(root)
    served, theta = (NtmInference(read(root / "model")).topic_weights(counts) for root in (sharp, plain))

    raised = theta.astype(np.float64) ** 1.25
    np.testing.assert_allclose(served, raised / raised.sum(axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(served.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(NtmInference(read(sharp / "model")).topic_weights(counts, raw=True), theta)
    versions = [read(root / "model").document["model_version"] for root in (sharp, plain)]
    assert versions[0] != versions[1]


def test_a_models_hyperparameters_name_the_prior_and_the_weight_that_its_topics_led_to(make_job: JobMaker) -> None:
    root = make_job("job", hyperparameters={"optimizer": "adam"})

    run(root)

    told = read(root / "model").document["hyperparameters"]
    assert [told[name] for name in ("prior_variance", "kl_weight", "topic_information")] == ["4.0", "1.0", "0.0"]


def test_an_interrupted_job_goes_on_from_its_checkpoint_as_if_nothing_had_been(make_job: JobMaker) -> None:
    whole, broken = make_job("whole"), make_job("broken")
    (broken / "checkpoints").mkdir()
    asked = iter([False, True])

    run(whole)
    run(broken, interrupted=lambda: next(asked))
    assert read(broken / "model").document["epochs"] == 2
    run(broken)

    expected, got = read(whole / "model"), read(broken / "model")
    assert got.document["epochs"] == 4
    for name, value in expected.arrays.items():
        np.testing.assert_array_equal(got.arrays[name], value)


def test_no_checkpoint_is_written_where_nobody_collects_it(make_job: JobMaker) -> None:
    root = make_job()

    run(root)

    assert not (root / "checkpoints").exists()


def test_a_checkpoint_of_other_settings_is_refused(make_job: JobMaker) -> None:
    root = make_job()
    (root / "checkpoints").mkdir()
    run(root)
    change(root, "hyperparameters.json", num_topics="5")

    with pytest.raises(ClientError, match=f"{checkpoint.CHECKPOINT_FILE} is of a job with num_topics 4, .* has 5"):
        run(root)


def with_embeddings(root: Path, content: bytes) -> Path:
    folder = root / "input" / "data" / "auxiliary"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\ufeff" + "".join(f"word{number}\r\n" for number in range(40)), encoding="utf-8")
    (folder / "embeddings.txt").write_bytes(content)
    return root


def block_vectors() -> bytes:
    vectors = np.eye(4)[np.arange(40) // 10]
    lines = (f"word{number} {' '.join(map(str, vector))} \n" for number, vector in enumerate(vectors))
    return ("40 4\n" + "".join(lines)).encode()


def test_embeddings_in_the_auxiliary_channel_give_wetc(make_job: JobMaker, capsys: pytest.CaptureFixture[str]) -> None:
    root = with_embeddings(make_job(), block_vectors() + b". . . 1 0 0 0\n\xff 1 0 0 0\nword0 1 0\n")
    change(root, "hyperparameters.json", epochs="30")

    run(root)

    # The planted topics are blocks of ten words, and so are the vectors: what coheres in one coheres in the other.
    assert json.loads((root / "output" / "metrics" / "final.json").read_text())["train:wetc"] > 0.7
    told = capsys.readouterr().out
    assert "embeddings.txt: 40 of 40 words have a vector of 4 numbers; 2 lines that are no vector were passed" in told
    assert told.index("embeddings.txt") < told.index("epoch=1")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04zip", b"word1 word2\n", b"\x1f\x8b\x08cut"])
def test_embeddings_of_no_use_cost_nothing_but_their_measure(make_job: JobMaker, content: bytes) -> None:
    root = with_embeddings(make_job(), content)

    run(root)

    metrics = json.loads((root / "output" / "metrics" / "final.json").read_text())
    assert "train:wetc" not in metrics
    assert "train:npmi" in metrics


def test_no_measure_costs_a_trained_model(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = with_embeddings(make_job(), block_vectors())

    def failing(*_: object) -> float:
        raise ZeroDivisionError("of a measure")

    monkeypatch.setattr(job, "mean_npmi", failing)

    run(root)

    assert set(json.loads((root / "output" / "metrics" / "final.json").read_text())) == {"train:total_loss"}
    assert any((root / "model").iterdir())
    assert (
        "the quality of the topics cannot be measured, the model is kept: ZeroDivisionError" in capsys.readouterr().out
    )


def wrong_width(root: Path) -> None:
    change(root, "hyperparameters.json", feature_dim="41")


def no_train(root: Path) -> None:
    change(root, "inputdataconfig.json", train=None, test={"ContentType": "text/csv"})


def empty_train(root: Path) -> None:
    (root / "input" / "data" / "train" / "part-00000.pbr").unlink()


def negative(root: Path) -> None:
    change(root, "inputdataconfig.json", train={"ContentType": "text/csv"})
    folder = root / "input" / "data" / "train"
    (folder / "part-00000.pbr").unlink()
    (folder / "rows.csv").write_text("1,2" + ",0" * 38 + "\n" + "1,-2" + ",0" * 38 + "\n")


def damaged(root: Path) -> None:
    path = root / "input" / "data" / "train" / "part-00000.pbr"
    path.write_bytes(path.read_bytes()[:-9])


def json_channel(root: Path) -> None:
    change(root, "inputdataconfig.json", train={"ContentType": "application/json"})


def labelled(root: Path) -> None:
    change(root, "inputdataconfig.json", train={"ContentType": "text/csv;label_size=1"})


def big_batch(root: Path) -> None:
    change(root, "hyperparameters.json", mini_batch_size="161")


def bad_hyperparameter(root: Path) -> None:
    change(root, "hyperparameters.json", epochs="0")


def odd_channel(root: Path) -> None:
    change(root, "inputdataconfig.json", training={"ContentType": "text/csv"})


def short_vocabulary(root: Path) -> None:
    folder = root / "input" / "data" / "auxiliary"
    folder.mkdir()
    (folder / "vocab.txt").write_text("bike\ncar\n")


def latin_vocabulary(root: Path) -> None:
    folder = root / "input" / "data" / "auxiliary"
    folder.mkdir()
    (folder / "vocab.txt").write_bytes(b"caf\xe9\n" * 40)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (wrong_width, r"channel 'train', file 'part-00000.pbr', record 1: .*40.*41"),
        (no_train, "no 'train' channel"),
        (empty_train, "channel 'train' holds no file"),
        (negative, r"channel 'train', file 'rows.csv', row 2, column 2: '-2' is not a finite count of 0 or more"),
        (damaged, r"channel 'train', file 'part-00000.pbr', record 160: .*ends within"),
        (json_channel, "'application/json', but should be application/x-recordio-protobuf or text/csv"),
        (labelled, "label_size=1.*no labels"),
        (big_batch, "160 training documents, fewer than mini_batch_size 161"),
        (bad_hyperparameter, "'epochs' is '0', but should be 1 or more"),
        (odd_channel, "channel 'training' is unknown"),
        (short_vocabulary, "vocab.txt has 2 words, where feature_dim is 40"),
        (latin_vocabulary, "vocab.txt is not UTF-8: byte 4 of line 1 is 0xe9"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_user_can_mend_is_said_in_one_line(
    make_job: JobMaker, spoil: Callable[[Path], None], expected: str
) -> None:
    root = make_job()
    spoil(root)

    with pytest.raises(ClientError) as refusal:
        run(root)

    reason = failure_reason(refusal.value)
    assert re.search(expected, reason), reason
    assert reason.startswith("ClientError: ")
    assert "\n" not in reason


def test_a_fault_that_is_not_the_users_is_told_apart() -> None:
    assert failure_reason(RuntimeError("out of\nluck")) == "AlgorithmError: RuntimeError: out of luck"


def test_the_failure_text_fits_what_sagemaker_shows() -> None:
    assert len(failure_reason(ClientError("x" * 5000))) == 1024


def test_resource_configuration_names_the_primary(make_job: JobMaker) -> None:
    root = make_job(hosts=("algo-1", "algo-2"), host="algo-2")

    hosts = job._hosts(root / "input" / "config" / "resourceconfig.json")

    assert (hosts.rank, hosts.names, hosts.coordinator.rpartition(":")[0]) == (1, ("algo-1", "algo-2"), "algo-1")
