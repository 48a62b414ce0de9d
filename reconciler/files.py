"""Where attachments lie: a folder, or a bucket that speaks S3. The only file that knows which.

A name is chance and is written once; nothing is ever written over. What is said to be kept is on
the disk, so a power cut right after takes nothing away.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.errors import Unavailable
from reconciler.settings import Settings

FOLDER = "attachments"
_SECONDS = 10


class Files(Protocol):
    """Bytes by name. Each call may wait, so none is made inside a transaction."""

    def put(self, name: str, body: bytes) -> None:
        """Keep `body` for good, under a name that is new. Raises Unavailable."""

    def get(self, name: str) -> bytes | None:
        """What was kept, or None where it is not there. Raises Unavailable."""

    def delete(self, name: str) -> None:
        """Forget a name; one that is not there is forgotten already. Raises Unavailable."""

    def older_than(self, instant: datetime) -> Iterator[str]:
        """Names that were last written before. Raises Unavailable."""


def files_of(settings: Settings) -> Files:
    """Where the settings say that attachments lie."""
    url = settings.attachments_url.reveal()
    return _bucket(url) if url else Folder(settings.data_dir / FOLDER)


@dataclass(frozen=True, slots=True)
class Folder:
    """Files in a folder, spread over folders by the last two letters of their names."""

    root: Path

    def put(self, name: str, body: bytes) -> None:
        """Write beside, make it last, and give it its name."""
        with _unavailable():
            place = self._place(name)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = place.with_name(f".{name}")
            try:
                with beside.open("xb") as written:
                    written.write(body)
                    written.flush()
                    os.fsync(written.fileno())
                place.hardlink_to(beside)
            finally:
                beside.unlink(missing_ok=True)
            for folder in (place.parent, self.root, self.root.parent):
                _sync(folder)

    def get(self, name: str) -> bytes | None:
        """Read it whole."""
        with _unavailable():
            try:
                return self._place(name).read_bytes()
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        """Take it away."""
        with _unavailable():
            self._place(name).unlink(missing_ok=True)

    def older_than(self, instant: datetime) -> Iterator[str]:
        """Walk the folder."""
        with _unavailable():
            for found in self.root.glob("??/*"):
                with suppress(FileNotFoundError):
                    written = datetime.fromtimestamp(found.stat().st_mtime, UTC)
                    if written < instant:
                        yield found.name

    def _place(self, name: str) -> Path:
        assert name.lstrip(".").replace("_", "").isalnum(), "names are made here"
        return self.root / name[-2:] / name


@dataclass(frozen=True, slots=True)
class Bucket:
    """Files in a bucket, or whatever else the client reaches."""

    store: Any

    def put(self, name: str, body: bytes) -> None:
        """One request; the bucket says when it is safe."""
        with _unavailable_bucket():
            self.store.put(name, body, mode="create")

    def get(self, name: str) -> bytes | None:
        """Read it whole."""
        with _unavailable_bucket():
            try:
                return bytes(self.store.get(name).bytes())
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        """Take it away."""
        with _unavailable_bucket(), suppress(FileNotFoundError):
            self.store.delete(name)

    def older_than(self, instant: datetime) -> Iterator[str]:
        """List the bucket, page by page."""
        with _unavailable_bucket():
            for page in self.store.list():
                yield from (one["path"] for one in page if one["last_modified"] < instant)


def _bucket(url: str) -> Bucket:
    from obstore.store import S3Store  # noqa: PLC0415  tens of megabytes that a folder does without

    parts = urlsplit(url)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    known = {"access_key_id": parts.username, "secret_access_key": parts.password}
    scheme = "http" if parts.scheme == "s3+http" else "https"
    host = parts.netloc.rpartition("@")[2]
    region = parse_qs(parts.query).get("region", ["us-east-1"])[0]
    config: dict[str, Any] = {name: unquote(value) for name, value in known.items() if value}
    return Bucket(
        S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=f"{scheme}://{host}",
            region=region,
            virtual_hosted_style_request=False,
            client_options={"timeout": f"{_SECONDS}s", "allow_http": scheme == "http"},
            retry_config={"max_retries": 2},
            **config,
        )
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _unavailable() -> Iterator[None]:
    """Whatever goes wrong out there is one thing to whoever asks: it is out of reach."""
    try:
        yield
    except OSError as error:
        raise Unavailable("the attachments are out of reach") from error


@contextmanager
def _unavailable_bucket() -> Iterator[None]:
    """The same, of a bucket."""
    from obstore.exceptions import BaseError  # noqa: PLC0415  as below

    with _unavailable():
        try:
            yield
        except BaseError as error:
            raise Unavailable("the attachments are out of reach") from error
