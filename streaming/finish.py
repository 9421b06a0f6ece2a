"""Makes one seekable file of a recording, and its whole playlist: `python -m streaming.finish FOLDER`.

A process of its own: it reads gigabytes. What it says at its end is a line of JSON: bytes, seconds and the SHA-256 of
the file, and the stretches of the recording.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from fractions import Fraction
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any

import av

from streaming.playlist import INDEX, JOURNAL, Segment, read_journal, runs, spans, write_playlist
from streaming.shelf import SOUND, sync_folder

FILE = "recording.mp4"


class Joined(RawIOBase):
    """Files one after another, as one; nothing is read before it is wanted."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = iter(paths)
        self._file: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._file is None:
                path = next(self._paths, None)
                if path is None:
                    return 0
                self._file = path.open("rb")
            read = self._file.readinto(buffer)
            if read:
                return int(read)
            self._file.close()
            self._file = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def present(folder: Path) -> list[Segment]:
    """The segments of the journal whose files are there and whole."""
    journal = folder / JOURNAL
    if not journal.exists():
        return []

    def whole(segment: Segment) -> bool:
        path = folder / segment.name
        return (folder / segment.init).exists() and path.exists() and path.stat().st_size == segment.size

    return [segment for segment in read_journal(journal.read_text()) if whole(segment)]


@contextmanager
def _open(folder: Path, run: Sequence[Segment]) -> Iterator[Any]:
    paths = [folder / run[0].init, *(folder / segment.name for segment in run)]
    with BufferedReader(Joined(paths)) as joined, av.open(joined, format="mp4") as source:
        yield source


def _packets(folder: Path, run: Sequence[Segment], begins: float) -> Iterator[tuple[str, Any]]:
    """The packets of a stretch, moved to where it lies in the recording; nothing lies outside it."""
    with _open(folder, run) as source:
        first: Fraction | None = None
        for packet in source.demux():
            if packet.dts is None or packet.stream.type not in {"video", "audio"}:
                continue
            at = packet.dts * packet.time_base
            if first is None and packet.stream.type == "video":
                first = at
            if first is None or at < first:
                continue
            moved = round((Fraction(begins).limit_denominator(90_000) - first) / packet.time_base)
            packet.dts += moved
            packet.pts = (packet.pts + moved) if packet.pts is not None else packet.dts
            yield packet.stream.type, packet


def write_file(folder: Path, segments: Sequence[Segment]) -> Path:
    """Write the recording as an MP4 that begins with its index (`faststart`). Raises OSError, FFmpegError."""
    path, draft = folder / FILE, folder / f".{FILE}"
    try:
        with ExitStack() as sources:
            templates: dict[str, Any] = {}
            for run in runs(segments):
                for stream in sources.enter_context(_open(folder, run[:1])).streams:
                    templates.setdefault(stream.type, stream)
                if {"audio", "video"} <= templates.keys():
                    break
            _join(folder, segments, templates, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(folder)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _join(folder: Path, segments: Sequence[Segment], templates: dict[str, Any], path: Path) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as output:
        streams = {kind: output.add_stream_from_template(stream) for kind, stream in templates.items()}
        last = dict.fromkeys(streams, Fraction(-1))
        for run, span in zip(runs(segments), spans(segments), strict=True):
            for kind, packet in _packets(folder, run, span.begins):
                at = packet.dts * packet.time_base
                if at <= last[kind]:
                    continue  # sound that reaches over the seam
                last[kind] = at
                packet.stream = streams[kind]
                output.mux(packet)


def finish(folder: Path) -> dict[str, Any]:
    """Playlist and file of the folder's recording; nothing is kept where no segment is."""
    segments = present(folder)
    result: dict[str, Any] = {"bytes": 0, "seconds": 0.0, "sha256": None, "spans": []}
    if not segments:
        return result
    shutil.rmtree(folder / SOUND, ignore_errors=True)  # where a packager was killed
    path = write_file(folder, segments)
    draft = folder / f".{INDEX}"
    draft.write_text(write_playlist(segments, ended=True))
    os.replace(draft, folder / INDEX)
    with path.open("rb") as file:
        result["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    result["bytes"] = path.stat().st_size + sum(segment.size for segment in segments)
    result["seconds"] = round(sum(segment.seconds for segment in segments), 3)
    result["spans"] = [asdict(span) for span in spans(segments)]
    return result


def main() -> int:
    """Do it at leisure: whoever is on air goes first."""
    os.nice(10)
    print(json.dumps(finish(Path(sys.argv[1]))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
