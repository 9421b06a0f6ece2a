"""What a film that is broadcast at its hour should do at a moment, and what a file has to be to be one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.programme.film import Begin, GoOn, Over, Phase, Showing, due, phase
from streaming.film import NoFilm, check
from tests.server.films import make_film

HOUR = datetime(2023, 9, 27, 6, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after the hour."""
    return HOUR + timedelta(seconds=seconds)


PLANNED = Showing(600.0, HOUR, None)
RUNNING = Showing(600.0, HOUR, at(2))


@pytest.mark.parametrize(
    ("showing", "state", "moment", "expected"),
    [
        (Showing(600.0, None, None), "live", 0, None),
        (PLANNED, "scheduled", -1, None),
        (PLANNED, "scheduled", 0, Begin()),
        (PLANNED, "live", 0, Begin()),
        (PLANNED, "ended", 0, None),
        (PLANNED, "scheduled", 599, Begin()),
        (PLANNED, "scheduled", 600, Over(Phase.MISSED)),
        (RUNNING, "live", 302, GoOn(300.0)),
        (RUNNING, "live", 0, GoOn(0.0)),
        (RUNNING, "live", 602, Over(Phase.FINISHED)),
        (RUNNING, "ended", 302, Over(Phase.STOPPED)),
        (Showing(600.0, HOUR, at(2), Phase.STOPPED), "live", 302, None),
    ],
    ids=[
        "nothing planned",
        "before its hour",
        "at its hour",
        "a host began earlier",
        "a host ended it before",
        "the service was away at the hour: from its beginning",
        "too late for all of it",
        "the service was away in the middle: where it would be",
        "the clock was put back",
        "to its end",
        "a host ended the activity",
        "stopped is stopped",
    ],
)
def test_what_is_due(showing: Showing, state: str, moment: float, expected: Begin | GoOn | Over | None) -> None:
    assert due(showing, state, at(moment)) == expected


@pytest.mark.parametrize(
    ("showing", "on_air", "moment", "expected"),
    [
        (Showing(600.0, None, None), False, 0, Phase.READY),
        (PLANNED, False, -60, Phase.PLANNED),
        (PLANNED, False, 1, Phase.STARTING),
        (RUNNING, True, 10, Phase.PLAYING),
        (RUNNING, False, 10, Phase.INTERRUPTED),
        (Showing(600.0, None, at(2), Phase.FINISHED), False, 700, Phase.FINISHED),
    ],
)
def test_what_the_console_says(showing: Showing, on_air: bool, moment: float, expected: Phase) -> None:
    assert phase(showing, on_air=on_air, now=at(moment)) is expected


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi", "flv"])
async def test_films_of_the_usual_kinds_are_taken(tmp_path: Path, ending: str) -> None:
    film = await check(str(make_film(tmp_path / f"film.{ending}", seconds=2)))
    assert film.seconds == pytest.approx(2, abs=0.25)
    assert (film.width, film.height, film.sound) == (160, 120, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no film at all",
        bytes(100_000),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"v=0\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        b"From: nobody\n\nA letter, which is text.",
    ],
    ids=["nothing", "text", "zeros", "a playlist of files", "a playlist of addresses", "a list", "SDP", "a letter"],
)
async def test_what_is_no_film_is_refused_and_opens_nothing_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(NoFilm):
        await check(str(path))


async def test_a_torn_film_is_refused(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "whole.mp4", seconds=2).read_bytes()
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(whole[: len(whole) // 2])  # its index stands at the end
    with pytest.raises(NoFilm):
        await check(str(torn))
