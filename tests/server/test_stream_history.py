"""Ten minutes of a stream: rates, losses of each interval, and a bound."""

from server.stream_history import MOST, SECONDS, StreamHistory
from streaming.figures import ActivityStats, PublisherStats, TrackStats


def stats(packets: int, lost: int, *, viewers: int = 3) -> ActivityStats:
    video = TrackStats("H264", 1_000_000, 25.0, 1280, 720)
    audio = TrackStats("opus", 64_000)
    return ActivityStats(PublisherStats(1.0, video, audio, packets, lost), viewers)


def test_a_loss_is_told_of_the_interval_in_which_it_was() -> None:
    history = StreamHistory()
    for at, reading in enumerate((stats(100, 5), stats(190, 15), stats(290, 14), None, stats(10, 0))):
        history.add("k04", reading, 1000 + 2 * at)
    moments = history.of("k04")
    assert [moment.loss for moment in moments] == [None, 10.0, 0.0, None, None]
    assert [moment.bitrate for moment in moments] == [1_064_000] * 3 + [None, 1_064_000]
    assert moments[0].viewers == 3
    assert history.latest("k04") == moments[-1]


def test_it_is_bounded_and_forgets() -> None:
    history = StreamHistory()
    for at in range(2 * MOST):
        history.add("k04", stats(at, 0), 1000 + at)
    assert len(history.of("k04")) == MOST
    history.add("k05", None, 1000 + 2 * MOST + SECONDS + 1)
    assert history.of("k04") == []
    assert history.latest("k04") is None
