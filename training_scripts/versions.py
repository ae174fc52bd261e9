"""How versions of a corpus and a vocabulary are computed: SHA-256 over bytes that mean the same everywhere."""

from __future__ import annotations

import hashlib
import json


def canonical_json(value: object) -> bytes:
    """Return the one encoding of `value` that hashes and files use: sorted keys, no spaces, UTF-8, a final newline."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def sha256_hex(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def vocabulary_hash(vocabulary_file: bytes) -> str:
    """Return the version of a vocabulary: of the bytes of its `vocab.txt`, one word a line in id order."""
    return sha256_hex(vocabulary_file)
