"""Segments, their journal and playlists, and which second of a recording a moment was: pure."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streaming.playlist import Segment, Span, read_journal, runs, second_of, spans, write_playlist


def part(name: str, seconds: Sequence[float], at: float, first: int = 0) -> list[Segment]:
    """The segments of a part that begins at `at`."""
    return [Segment(name, first + n, s, at + sum(seconds[:n]), 100) for n, s in enumerate(seconds)]


INTERRUPTED = [*part("a", [2, 2, 1], 1000.0), *part("b", [2, 2], 1030.0)]


def test_an_interruption_does_not_move_what_comes_after_it() -> None:
    stretches = spans(INTERRUPTED)
    assert stretches == [Span(0, 5, 1000.0), Span(5, 4, 1030.0)]
    moments = {999.9: None, 1000.0: 0, 1003.5: 3.5, 1005.0: 5, 1020.0: 5, 1030.0: 5, 1032.0: 7, 1034.0: 9, 1034.1: None}
    assert {moment: second_of(stretches, moment) for moment in moments} == moments
    assert second_of([], 1000.0) is None


lengths = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=5)


@given(lengths, st.lists(st.integers(0, 50), min_size=5, max_size=5), st.integers(0, 1000))
def test_every_second_of_a_recording_comes_from_a_moment(parts: list[list[int]], gaps: list[int], step: int) -> None:
    segments: list[Segment] = []
    at = 5000.0
    for number, seconds in enumerate(parts):
        segments += part(f"{number:x}", seconds, at)
        at += sum(seconds) + gaps[number]
    stretches = spans(segments)
    total = sum(map(sum, parts))
    assert stretches[-1].begins + stretches[-1].seconds == total
    for span in stretches:
        assert second_of(stretches, span.at + span.seconds / 2) == span.begins + span.seconds / 2
    moment = 5000.0 + step * (at - 5000.0) / 1000
    second = second_of(stretches, moment)
    if moment <= stretches[-1].at + stretches[-1].seconds:
        assert second is not None
        assert 0 <= second <= total


def test_segments_that_were_not_kept_are_a_break() -> None:
    kept = [*part("a", [2, 2], 1000.0), *part("a", [2], 1010.0, first=5)]
    assert [len(run) for run in runs(kept)] == [2, 1]
    assert spans(kept) == [Span(0, 4, 1000.0), Span(4, 2, 1010.0)]


def test_the_whole_playlist_says_where_it_breaks_and_that_it_ends() -> None:
    lines = write_playlist(INTERRUPTED, ended=True).splitlines()
    assert lines[:4] == ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD"]
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert lines.count("#EXT-X-DISCONTINUITY") == 1
    at = lines.index("#EXT-X-DISCONTINUITY")
    assert lines[at - 1 : at + 4] == [
        "a-2.m4s",
        "#EXT-X-DISCONTINUITY",
        '#EXT-X-MAP:URI="b-init.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:17:10.000Z",
        "#EXTINF:2.000000,",
    ]
    live = write_playlist(INTERRUPTED[2:], ended=False, sequence=7, discontinuities=3, target=4)
    assert "ENDLIST" not in live
    assert "VOD" not in live
    assert "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n" in live
    assert "#EXT-X-TARGETDURATION:4\n" in live


@given(st.integers(0, 400))
def test_a_torn_journal_loses_what_was_torn_alone(cut: int) -> None:
    text = "".join(segment.line() for segment in INTERRUPTED)
    kept = read_journal(text[: max(0, len(text) - cut)])
    assert kept == INTERRUPTED[: len(kept)]
    assert len(kept) >= len(INTERRUPTED) - 1 - cut // 60
