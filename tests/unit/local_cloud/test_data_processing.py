from __future__ import annotations

import pytest

from local_cloud.sagemaker.jobs.transform.data_processing import Processing, ProcessingError
from local_cloud.shared.wire import Node

JSON_LINES = "application/jsonlines"


def processing(content_type: str, accept: str, **asked: str) -> Processing:
    request = {
        "DataProcessing": asked,
        "TransformInput": {"ContentType": content_type},
        "TransformOutput": {"Accept": accept},
    }
    return Processing(Node(request))


def sent(made: Processing, *records: bytes) -> list[bytes]:
    return [record.sent for record in made.prepare(records)]


def stored(made: Processing, records: list[bytes], answer: bytes) -> bytes:
    return made.finish(list(made.prepare(records)), answer)


def test_without_data_processing_bytes_pass_untouched_whatever_they_are() -> None:
    made = processing("application/x-recordio-protobuf", "")

    assert sent(made, b"\xff\x00") == [b"\xff\x00"]
    assert stored(made, [b"\xff"], b"\x00\xfe") == b"\x00\xfe"


def test_an_input_filter_drops_the_id_column_of_csv() -> None:
    assert sent(processing("text/csv", "text/csv", InputFilter="$[1:]"), b'"doc, 1",2,3\n', b"b,4,5\n") == [
        b"2,3\n", b"4,5\n",
    ]  # fmt: skip


def test_csv_answers_are_appended_to_their_rows() -> None:
    made = processing("text/csv", "text/csv", InputFilter="$[1:]", JoinSource="Input")

    assert stored(made, [b'"doc, 1",2\n', b"b,3\n"], b"0.1,0.9\n0.2,0.8\n") == b'"doc, 1",2,0.1,0.9\nb,3,0.2,0.8\n'


def test_an_output_filter_keeps_the_id_and_the_last_column_of_csv() -> None:
    made = processing("text/csv", "text/csv", JoinSource="Input", OutputFilter="$[0,-1]")

    assert stored(made, [b"a,1\n", b"b,2\n"], b"0.1,0.9\n0.2,0.8\n") == b"a,0.9\nb,0.8\n"


def test_numbers_in_csv_keep_their_digits() -> None:
    made = processing("text/csv", "text/csv", JoinSource="Input")

    assert stored(made, [b"1e-7,007\n"], b"0.10\n") == b"1e-7,007,0.10\n"


def test_an_answer_is_put_under_sagemaker_output_of_its_object() -> None:
    made = processing(JSON_LINES, JSON_LINES, JoinSource="Input")

    assert stored(made, [b'{"id":1}\n'], b'{"topic_weights":[0.25]}\n') == (
        b'{"id":1,"SageMakerOutput":{"topic_weights":[0.25]}}\n'
    )


def test_what_is_no_object_is_put_under_sagemaker_input() -> None:
    made = processing(JSON_LINES, JSON_LINES, JoinSource="Input")

    assert stored(made, [b"[1,2]\n"], b"3\n") == b'{"SageMakerInput":[1,2],"SageMakerOutput":3}\n'


def test_an_output_filter_alone_selects_from_the_answers() -> None:
    made = processing("text/csv", JSON_LINES, OutputFilter="$.topic_weights")

    assert stored(made, [b"1,2\n"], b'{"topic_weights":[0.5,0.5]}\n') == b"[0.5,0.5]\n"


def test_a_json_document_over_several_lines_is_one() -> None:
    made = processing("application/json", "application/json", JoinSource="Input", OutputFilter="$.SageMakerOutput.a")

    assert stored(made, [b'{\n "x": 1\n}'], b'{\n "a": 2\n}') == b"2\n"


@pytest.mark.parametrize("content", [b"{", b"\xff", b'"open'])
@pytest.mark.parametrize("content_type", [JSON_LINES, "application/json"])
def test_a_record_that_is_not_of_its_type_is_named_by_its_number(content: bytes, content_type: str) -> None:
    with pytest.raises(ProcessingError, match="record 2 cannot be read"):
        sent(processing(content_type, content_type, InputFilter="$[0:]"), b"[]\n", content)


def test_answers_of_another_number_are_not_joined() -> None:
    made = processing(JSON_LINES, JSON_LINES, JoinSource="Input")

    with pytest.raises(ProcessingError, match="2 records were answered with 1"):
        stored(made, [b"{}\n", b"{}\n"], b"{}\n")
