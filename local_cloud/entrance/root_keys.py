"""The secrets of one run of a local cloud: a root key an account, and the token of its control paths.

All of them follow from one random seed, so that any account has its key without a list. The seed is in one file of
mode 600 in the cloud's home: whoever may read it is root.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from local_cloud.shared.errors import LocalCloudError

SEED_BYTES = 32
KEY_SUFFIX_DIGITS = 16
FILE_MODE = 0o600
_ACCESS_KEY = re.compile(rf"LOCAL(?P<account>[0-9]{{12}})[0-9A-F]{{{KEY_SUFFIX_DIGITS}}}", re.ASCII)


@dataclass(frozen=True)
class RootKeys:
    """What is known of a run by its seed alone."""

    seed: bytes

    @classmethod
    def create(cls, file: Path) -> Self:
        """Make the secrets of a new run, and keep them in `file`, which only its owner may read.

        Raises:
            OSError: the file cannot be written.
        """
        made = cls(secrets.token_bytes(SEED_BYTES))
        # A new file: one that is there might be somebody else's, or readable for all.
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            json.dump({"seed": made.seed.hex()}, stream)
        return made

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the secrets of the run whose file this is.

        Raises:
            LocalCloudError: the file is missing, damaged or another user's.
        """
        try:
            return cls(bytes.fromhex(json.loads(file.read_text(encoding="ascii"))["seed"]))
        except OSError as error:
            raise LocalCloudError(f"the keys of the local cloud in {file} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise LocalCloudError(f"{file} does not hold the keys of a local cloud") from None

    @property
    def token(self) -> str:
        """What a request to a control path carries."""
        return self.secret("control paths")

    def access_key(self, account: str) -> str:
        """Return the access key id of an account's root."""
        return f"LOCAL{account}{self.secret(f'access key {account}')[:KEY_SUFFIX_DIGITS].upper()}"

    def secret_key(self, account: str) -> str:
        """Return the secret access key of an account's root."""
        return self.secret(f"secret key {account}")

    def account_of(self, access_key: str) -> str | None:
        """Return the account whose root has this access key id in this run; None where nobody has."""
        match = _ACCESS_KEY.fullmatch(access_key)
        if match is None or not hmac.compare_digest(self.access_key(match["account"]), access_key):
            return None
        return match["account"]

    def secret(self, purpose: str) -> str:
        """Return a secret of this run for one purpose: 64 hexadecimal digits."""
        return hmac.new(self.seed, purpose.encode(), hashlib.sha256).hexdigest()
