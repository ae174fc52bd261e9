"""Where one local cloud keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folder of one local cloud: everything that it writes is below `root`.

    Attributes:
        run: names the life of one cloud, whose own working files no other removes.
    """

    root: Path
    run: str = ""

    @property
    def lock(self) -> Path:
        """Locked by the cloud that lives here, from before it writes anything until its process is gone."""
        return self.root / "lock"

    @property
    def running(self) -> Path:
        """Address and process id of the emulator, while it runs."""
        return self.root / "running.json"

    @property
    def keys(self) -> Path:
        """The secrets of the run, for its owner alone; gone when the emulator is."""
        return self.root / "root_keys.json"

    @property
    def log(self) -> Path:
        """What the emulator itself says."""
        return self.root / "emulator.log"

    @property
    def work(self) -> Path:
        """Files of this run's jobs, endpoints and functions; removed at its end."""
        return self.works / self.run

    @property
    def works(self) -> Path:
        """The working files of every run; who holds the lock removes those of the dead."""
        return self.root / "work"

    @property
    def state(self) -> Path:
        """What MiniStack keeps between runs: a key pair, so that it is not made anew each time."""
        return self.root / "state"

    @property
    def cdk(self) -> Path:
        """The CDK CLI's own home: it caches which account an access key belongs to."""
        return self.root / "cdk-home"

    @property
    def cdk_accounts(self) -> Path:
        """The CDK CLI's cache of the accounts that access keys belong to."""
        return self.cdk / "cache" / "accounts_partitions.json"

    @property
    def aws_config(self) -> Path:
        """An AWS configuration file of our own, so that the user's is neither read nor written."""
        return self.root / "aws" / "config"

    @property
    def aws_credentials(self) -> Path:
        """The credentials file that goes with it."""
        return self.root / "aws" / "credentials"
