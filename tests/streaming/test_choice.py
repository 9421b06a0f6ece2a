"""Which layer a viewer gets, as numbers; and VP8's numbers that go on over layers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.layers import MAX_PATIENCE, PATIENCE, SETTLE_SECONDS, Choice, Layer, begin, decide
from streaming.reception import EARLY, Reception
from streaming.vp8 import Pictures, Renumbering, places

LOW, MIDDLE, HIGH = Layer("l", 150_000), Layer("m", 500_000), Layer("h", 1_800_000)
ALL = [LOW, MIDDLE, HIGH]


def test_a_newcomer_begins_in_the_middle() -> None:
    assert begin(ALL, 5.0) == Choice("m", 5.0, PATIENCE)
    assert begin([LOW], 5.0) == Choice("l", 5.0, PATIENCE)
    assert begin([], 5.0) is None


def test_a_good_way_leads_up_step_by_step_and_stays() -> None:
    choice, seen = Choice("l", 0.0, PATIENCE), []
    for tenth in range(600):
        now = tenth / 10
        rate = next(layer.bitrate for layer in ALL if layer.name == choice.name)
        choice = decide(choice, ALL, int(1.4 * rate), 0.0, now)  # an estimate stays half above what is sent
        seen.append(choice.name)
    assert list(dict.fromkeys(seen)) == ["l", "m", "h"]
    assert seen.index("m") >= 10 * PATIENCE
    assert seen[-1] == "h"


def test_a_narrow_way_leads_down_at_once_to_what_fits() -> None:
    assert decide(Choice("h", 0.0, PATIENCE), ALL, 600_000, 0.0, 20.0).name == "m"
    assert decide(Choice("h", 0.0, PATIENCE), ALL, 100_000, 0.0, 20.0).name == "l"
    assert decide(Choice("h", 0.0, PATIENCE), ALL, None, 0.3, 20.0).name == "m"
    assert decide(Choice("h", 0.0, PATIENCE), ALL, 600_000, 0.0, SETTLE_SECONDS / 2).name == "h", (
        "reports of the layer before"
    )
    assert decide(Choice("l", 0.0, PATIENCE), ALL, 10_000, 0.9, 20.0).name == "l"


def test_an_estimate_that_still_grows_is_no_reason_to_leave() -> None:
    """Chromium's was 410 kb/s when it came to a layer of 620, and took six seconds to reach it."""
    layers = [Layer("m", 250_000), Layer("h", 620_000)]
    choice = decide(Choice("m", 0.0, PATIENCE), layers, 410_000, 0.0, PATIENCE)
    assert choice.name == "h"
    for second in range(30):
        choice = decide(choice, layers, int(410_000 * 1.08**second), 0.0, PATIENCE + second)
    assert choice.name == "h"
    # It falls: the way does not carry it.
    assert decide(choice, layers, 500_000, 0.0, 60.0).name == "m"


def test_who_fails_waits_longer_each_time() -> None:
    """A way of 900 kb/s for layers of 500 and 1,800: the higher one is tried ever more seldom."""
    choice, tries, before = Choice("m", 0.0, PATIENCE), [], "m"
    for tenth in range(6000):
        now = tenth / 10
        rate = next(layer.bitrate for layer in ALL if layer.name == choice.name)
        crowded = rate > 900_000 and now - choice.since > 2  # the queue has filled, and the estimate falls
        choice = decide(choice, ALL, 600_000 if crowded else int(1.4 * min(rate, 700_000)), 0.0, now)
        if choice.name == "h" and before != "h":
            tries.append(now)
        before = choice.name
    pauses = [second - first for first, second in pairwise(tries)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > MAX_PATIENCE
    assert len(tries) <= 12


def test_a_layer_that_ends_is_left() -> None:
    assert decide(Choice("h", 0.0, PATIENCE), [LOW, MIDDLE], None, 0.0, 1.0).name == "m"
    assert decide(Choice("h", 0.0, PATIENCE), [LOW, MIDDLE], 300_000, 0.0, 1.0).name == "l"
    assert decide(Choice("h", 0.0, PATIENCE), [], None, 0.0, 1.0) == Choice("h", 0.0, PATIENCE)


@given(
    st.lists(st.integers(0, 5_000_000), max_size=4),
    st.sampled_from("0123x"),
    st.none() | st.integers(0, 2**40),
    st.floats(0, 1),
    st.floats(0, 1e6),
)
def test_the_choice_is_always_one_of_those_that_are_there(
    rates: list[int], name: str, estimate: int | None, loss: float, now: float
) -> None:
    layers = [Layer(str(place), rate) for place, rate in enumerate(sorted(rates))]
    choice = decide(Choice(name, 0.0, PATIENCE), layers, estimate, loss, now)
    assert not layers or choice.name in {layer.name for layer in layers}
    assert PATIENCE <= choice.patience <= MAX_PATIENCE


def vp8(picture: int, base: int, *, begins: bool = True, key: bool = False) -> bytes:
    """A payload with both numbers; its first byte of data says whether it is a keyframe."""
    head = bytes([0x90 if begins else 0x80, 0xE0, 0x80 | picture >> 8, picture & 0xFF, base & 0xFF, 0x20])
    return head + bytes([0 if key else 1]) + b"data"


def numbers(payload: bytes) -> tuple[int, int]:
    return (payload[2] & 0x7F) << 8 | payload[3], payload[4]


def test_one_encoder_keeps_its_bytes() -> None:
    layer = Renumbering(Pictures())
    for picture in range(0x7FF0, 0x8010):
        payload = vp8(picture & 0x7FFF, picture & 0xFF, key=picture % 5 == 0)
        assert layer(payload, keyframe=picture % 5 == 0) == payload


def test_a_switch_at_any_keyframe_sees_higher_numbers() -> None:
    pictures = Pictures()
    low, high = Renumbering(pictures), Renumbering(pictures)
    seen = [numbers(low(vp8(100 + step, 7 + step, key=step == 0), keyframe=step == 0)) for step in range(10)]
    begins = numbers(high(vp8(30_000, 250, key=True), keyframe=True))
    assert begins == (seen[-1][0] + 1, seen[-1][1] + 1)
    assert numbers(high(vp8(30_001, 251), keyframe=False)) == (begins[0] + 1, begins[1] + 1)
    # Back to the other, whose picture before its keyframe comes late: that keeps its old number.
    back = numbers(low(vp8(112, 19, key=True), keyframe=True))
    assert back[0] == begins[0] + 2
    assert numbers(low(vp8(109, 16), keyframe=False))[0] == seen[-1][0]


def test_another_publishers_pictures_follow_on() -> None:
    layer = Renumbering(Pictures())
    first = numbers(layer(vp8(5, 5, key=True), keyframe=True))
    layer.restart()
    second = numbers(layer(vp8(20_000, 99, key=True), keyframe=True))
    assert second == (first[0] + 1, first[1] + 1)


@given(st.lists(st.binary(max_size=12), max_size=30), st.booleans())
def test_any_payload_keeps_its_length(payloads: list[bytes], keyframe: bool) -> None:
    layer = Renumbering(Pictures())
    for payload in payloads:
        changed = layer(payload, keyframe=keyframe)
        assert len(changed) == len(payload)
        found = places(payload)
        if found is None or found.picture is None:
            assert changed == payload


def test_a_first_packet_that_was_overtaken_is_taken() -> None:
    reception = Reception(1, 90_000)
    assert reception.add(1, 0, 1.0)
    assert reception.add(65_534, 0, 1.0), "three before"
    assert reception.due(1.0) == [65_535, 0]
    assert reception.add(0, 0, 1.0)
    assert not reception.add(0, 0, 1.0)
    assert reception.lost == 1
    assert not reception.add((65_534 - EARLY - 1) & 0xFFFF, 0, 1.0), "too far back"
