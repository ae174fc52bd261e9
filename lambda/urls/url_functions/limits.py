"""Sizes the services and this function agree on. Pure numbers: settings may lower some of them, never raise them."""

from __future__ import annotations

from typing import Final

ENDPOINT_PAYLOAD_BYTES: Final = 6_291_456
"""Largest body of one InvokeEndpoint call on instances; 4 MB on a serverless endpoint."""

URL_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""Largest request and largest answer that a Function URL carries. Binary travels in base64: about 4.5 MB."""

ENDPOINT_TIMEOUT_S: Final = 60
"""Time the service gives a container for one answer."""

MAX_FEATURE_DIM: Final = 1_000_000

MAX_COUNT: Final = 2**24
"""Largest count of one word. The model computes in float32, which no longer tells larger counts apart."""

LARGEST_ZERO: Final = 2.0**-150
"""Largest number that float32, in which counts travel, rounds to 0: it counts as 0."""

DEFAULT_MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""Largest body after decompression."""

DEFAULT_MAX_ROWS: Final = 10_000
"""Most documents in one request."""

MAX_JSON_MEMORY_BYTES: Final = 320 * 1024 * 1024
"""Most memory that the text and the objects of one JSON body may take: a few megabytes of `[[],[],…` would take
gigabytes. With all else a request then takes less than the 512 MB of the smallest function."""

MAX_RECORDS_BYTES: Final = 128 * 1024 * 1024
"""Most that the records of one RecordIO body may take on their way to the endpoint, where a byte may become 7."""

MAX_UNBROKEN_CHARACTERS: Final = 1 << 20
"""Longest run without white space in a raw document of more than an eighth of that: it is counted at once."""

MAX_TOPICS: Final = 1000
"""Most topics a model may have."""

WEIGHT_BYTES: Final = 24
"""Longest that JSON writes one weight with what separates it from the next: a float64 in 22 characters, `, `."""

ROW_BYTES: Final = 96
"""Longest that an answer's row is beside its weights."""
