"""The folder of one broadcast: which segments are listed, which are kept as the recording, which are deleted."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import shutil
import time
from collections import deque
from pathlib import Path

from streaming.playlist import INDEX, JOURNAL, Segment, read_journal, runs, write_playlist

log = logging.getLogger(__name__)

SOUND = "sound"
"""The folder within a broadcast's in which its sound is by itself."""
LISTED = 8
"""Segments in the live playlist."""
LINGERING = 4
"""Segments that left the playlist and stay a little, for who asked for the list just now."""
RESERVE = 512 * 1024 * 1024
"""Bytes of the disk that a recording leaves free: the database needs them more."""


class Shelf:
    """Owns the folder. `keep` is how many bytes of recording may be in it; 0 = only what is listed."""

    def __init__(self, folder: Path, *, reserve: int = RESERVE) -> None:
        self._folder = folder
        self._reserve = reserve
        self._window: deque[tuple[Segment, bool]] = deque()
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
        journal = folder / JOURNAL
        kept = read_journal(journal.read_text()) if journal.exists() else []
        names = {segment.name for segment in kept} | {segment.init for segment in kept}
        for old in folder.iterdir():
            if old.name not in names and old != journal and old.is_file():
                old.unlink()
        if kept:  # without a torn line at its end
            self._put(JOURNAL, "".join(segment.line() for segment in kept).encode(), lasting=True)
        self._kept_parts = {segment.part for segment in kept}
        self._sequence = int(time.time())  # ascends, also past a packager that was killed
        self._discontinuities = len(list(runs(kept)))  # players index arrays with it: it has to be small
        self._target = 1
        self._keep = 0
        self.kept_bytes = sum(segment.size for segment in kept)
        self.kept_seconds = sum(segment.seconds for segment in kept)
        self.segments = 0
        self.stopped: str | None = None
        """Why the recording stopped by itself: `limit` or `disk`."""

    def keep(self, size: int) -> None:
        """Keep segments from now on, `size` bytes in all; 0 = none."""
        self._keep, self.stopped = size, None

    def part_name(self) -> str:
        """A name that no part has had."""
        number = int(time.time())
        while (self._folder / f"{number:x}-init.mp4").exists():
            number += 1
        return f"{number:x}"

    def init(self, part: str, data: bytes) -> None:
        """Put down what comes before a part's segments."""
        self._put(f"{part}-init.mp4", data, lasting=self._keep > 0)

    def add(self, segment: Segment, data: bytes) -> None:
        """Put down a segment, list it, and delete what is neither listed nor kept."""
        kept = self._may_keep(segment.size)
        if not self._put(segment.name, data, lasting=kept):
            return
        self.segments += 1
        if kept:
            try:
                with (self._folder / JOURNAL).open("a") as journal:
                    journal.write(segment.line())
                    journal.flush()
                    os.fsync(journal.fileno())
            except OSError as error:
                kept = self._refuse(error)
        if kept:
            self._kept_parts.add(segment.part)
            self.kept_bytes += segment.size
            self.kept_seconds += segment.seconds
        self._window.append((segment, kept))
        while len(self._window) > LISTED + LINGERING:
            self._drop(*self._window.popleft())
        self._target = max(self._target, round(segment.seconds + 0.499))
        listed = [segment for segment, _ in self._window]
        left = listed[: max(0, len(listed) - LISTED)]
        if len(self._window) > LISTED:
            self._sequence += 1
            if len(list(runs(listed[len(left) - 1 :]))) > len(list(runs(listed[len(left) :]))):
                self._discontinuities += 1
        text = write_playlist(
            listed[len(left) :],
            ended=False,
            sequence=self._sequence,
            discontinuities=self._discontinuities,
            target=self._target,
        )
        self._put(INDEX, text.encode())

    def report(self) -> str:
        """Its figures as a line of JSON."""
        return json.dumps(
            {
                "segments": self.segments,
                "kept_bytes": self.kept_bytes,
                "kept_seconds": round(self.kept_seconds, 3),
                "keeping": self._keep > 0 and self.stopped is None,
                "stopped": self.stopped,
            }
        )

    def _may_keep(self, size: int) -> bool:
        if self._keep == 0 or self.stopped is not None:
            return False
        if self.kept_bytes + size > self._keep:
            self.stopped = "limit"
        elif shutil.disk_usage(self._folder).free < self._reserve:
            self.stopped = "disk"
        if self.stopped is not None:
            log.error("the recording in %s stops: %s", self._folder, self.stopped)
        return self.stopped is None

    def _refuse(self, error: OSError) -> bool:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise error
        self.stopped = "disk"
        log.error("the recording in %s stops: %s", self._folder, error)
        return False

    def _put(self, name: str, data: bytes, *, lasting: bool = False) -> bool:
        """Write a file at once or not at all; returns whether there was room.

        `lasting`: it is on the disk then, its name as well, whatever happens to the power.
        """
        draft = self._folder / f".{name}"
        try:
            with draft.open("wb") as file:
                file.write(data)
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(draft, self._folder / name)
            if lasting:
                sync_folder(self._folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return self._refuse(error)
        return True

    def _drop(self, segment: Segment, kept: bool) -> None:
        if not kept:
            (self._folder / segment.name).unlink(missing_ok=True)
        if segment.part not in self._kept_parts and all(other.part != segment.part for other, _ in self._window):
            (self._folder / segment.init).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
