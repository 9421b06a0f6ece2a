"""Segments of a broadcast and the playlists made of them (RFC 8216): pure.

A *part* is what one muxer wrote without a break: it has an initialisation segment `PART-init.mp4` and segments
`PART-0.m4s`, `PART-1.m4s`, … whose times begin at 0. Between two parts, and where segments of a part were not kept,
stands a discontinuity.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil

JOURNAL = "journal.jsonl"
"""The list of the segments that are kept, a line each, written when the segment is whole."""
INDEX = "index.m3u8"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment on the disk: `seconds` long, begun at `at` (seconds since 1970)."""

    part: str
    number: int
    seconds: float
    at: float
    size: int

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.part}-{self.number}.m4s"

    @property
    def init(self) -> str:
        """The name of the file that comes before it."""
        return f"{self.part}-init.mp4"

    def follows(self, other: Segment) -> bool:
        """Whether it goes on where the other ended, in the same part."""
        return self.part == other.part and self.number == other.number + 1

    def line(self) -> str:
        """Its line of the journal."""
        return json.dumps(asdict(self)) + "\n"


@dataclass(frozen=True, slots=True)
class Span:
    """An uninterrupted stretch of a recording.

    `begins` is the second of the recording, `seconds` its length, `at` when it was sent, in seconds since 1970.
    """

    begins: float
    seconds: float
    at: float


def read_journal(text: str) -> list[Segment]:
    """The segments of a journal; what follows a torn line, the last of a process that was killed, does not count."""
    segments: list[Segment] = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            segments.append(Segment(**entry))
        except (ValueError, TypeError):
            break
    return segments


def runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments in stretches without a break."""
    run: list[Segment] = []
    for segment in segments:
        if run and not segment.follows(run[-1]):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def spans(segments: Sequence[Segment]) -> list[Span]:
    """Where each stretch lies in the recording, and when it was sent."""
    found: list[Span] = []
    begins = 0.0
    for run in runs(segments):
        seconds = sum(segment.seconds for segment in run)
        found.append(Span(round(begins, 3), round(seconds, 3), round(run[0].at, 3)))
        begins += seconds
    return found


def second_of(stretches: Iterable[Span], moment: float) -> float | None:
    """The second of the recording at which `moment` (seconds since 1970) was on air.

    A moment within an interruption lies at the seam, where the recording goes on; one before the first or after the
    last second has none.
    """
    previous: Span | None = None
    for span in stretches:
        if moment < span.at:
            return span.begins if previous is not None else None
        if moment <= span.at + span.seconds:
            return round(span.begins + moment - span.at, 3)
        previous = span
    return None


def write_playlist(
    segments: Sequence[Segment], *, ended: bool, sequence: int = 0, discontinuities: int = 0, target: int = 0
) -> str:
    """A playlist of these segments: live, or with `ended` the whole (VOD).

    `sequence` is the number of the first segment, `discontinuities` counts those that left the playlist, `target` is
    the longest segment so far in whole seconds: it may not change while a playlist lives.
    """
    longest = max([target, *(ceil(segment.seconds) for segment in segments)], default=1)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{max(1, longest)}"]
    if ended:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    lines += [
        f"#EXT-X-MEDIA-SEQUENCE:{sequence}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for number, run in enumerate(runs(segments)):
        if number:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f'#EXT-X-MAP:URI="{run[0].init}"')
        for segment in run:
            moment = datetime.fromtimestamp(segment.at, UTC).isoformat(timespec="milliseconds")
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{moment.replace('+00:00', 'Z')}")
            lines += [f"#EXTINF:{segment.seconds:.6f},", segment.name]
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"
