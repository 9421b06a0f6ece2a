"""Offers as encoders, browsers and players make them, and the answers to them."""

import re

import pytest
from aiortc.sdp import SessionDescription

from streaming import sdp
from streaming.errors import BadOffer
from streaming.publisher import choose
from tests.streaming.peers import H264, OPUS, VP8, offer, value


def answer(text: str, *, sending: bool = True, tracks: list[sdp.Track] | None = None) -> str:
    parsed = sdp.parse_offer(text, sending=sending)
    grant = sdp.Grant(
        id="session",
        ufrag="ufrag",
        password="p" * 32,
        fingerprint="AA:BB",
        setup="passive",
        candidates=sdp.candidates(["192.0.2.7", "2001:db8::7"], 8189),
        tracks=choose(parsed) if tracks is None else tracks,
    )
    assert sdp.Grant.from_json(grant.to_json()) == grant
    return sdp.write_answer(parsed, grant, sending=sending)


def sections(text: str) -> list[str]:
    return re.split(r"^(?=m=)", text, flags=re.MULTILINE)[1:]


def test_an_answer_accepts_a_publisher_on_one_port() -> None:
    text = answer(offer("sendonly"))
    video, audio = sections(text)
    assert video.startswith("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n")
    assert audio.startswith("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
    assert "a=ice-lite\r\n" in text
    assert "a=group:BUNDLE 0 1\r\n" in text
    for section in (video, audio):
        for line in ("a=recvonly", "a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", "a=setup:passive"):
            assert f"{line}\r\n" in section
        assert "a=candidate:1 1 udp 2130706431 192.0.2.7 8189 typ host\r\n" in section
        assert "a=candidate:2 1 udp 2130706175 2001:db8::7 8189 typ host\r\n" in section
        assert "a=end-of-candidates\r\n" in section
        assert f"a=extmap:5 {sdp.TRANSPORT_CC}\r\n" in section
    for feedback in ("nack", "nack pli", "ccm fir", "transport-cc"):
        assert f"a=rtcp-fb:96 {feedback}\r\n" in video
    assert "goog-remb" not in text
    assert re.search(r"^a=fmtp:96 .*;x-google-start-bitrate=\d+\r$", video, re.MULTILINE), "Chromium begins at 720p"
    assert "x-google" not in audio
    read = SessionDescription.parse(text)
    assert [media.direction for media in read.media] == ["recvonly", "recvonly"]


def test_without_transport_wide_feedback_a_bandwidth_estimate_is_agreed() -> None:
    text = "\r\n".join(line for line in offer("sendonly").splitlines() if "extmap" not in line) + "\r\n"
    video, audio = sections(answer(text))
    assert "a=rtcp-fb:96 goog-remb\r\n" in video
    assert "a=extmap" not in video + audio


@pytest.mark.parametrize("profile", ["42001f", "42e01f", "42C01E", "4d001f", "64001f", "640c1f", "nonsense"])
def test_both_baseline_variants_of_h264_and_no_other(profile: str) -> None:
    text = offer("sendonly", (H264,)).replace("42e01f", profile)
    if profile.lower().startswith("42"):
        assert f"profile-level-id={profile}" in answer(text)
    else:
        with pytest.raises(BadOffer, match="constrained baseline, VP8 or Opus"):
            sdp.parse_offer(text, sending=True)


def test_packetization_mode_0_cannot_carry_fragments() -> None:
    with pytest.raises(BadOffer):
        sdp.parse_offer(offer("sendonly", (H264,)).replace("packetization-mode=1;", ""), sending=True)


def test_h264_comes_before_vp8_whatever_the_offers_order() -> None:
    text = offer("sendonly", (VP8,)).replace("SAVPF 100", "SAVPF 100 96 97")
    text = text.rstrip() + (
        "\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42001f\r\n"
        "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    )
    (video,) = sections(answer(text))
    assert video.startswith("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n")
    assert "a=fmtp:97 apt=96\r\n" in video
    assert "VP8" not in video
    (video,) = sections(answer(offer("sendonly", (VP8,))))
    assert "a=rtpmap:100 VP8/90000\r\n" in video


def test_sections_of_no_use_are_rejected_in_their_place() -> None:
    text = offer("recvonly", (H264, OPUS, VP8))
    text += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\n"
    first, second, third, data = sections(answer(text, sending=False))
    assert first.startswith("m=video 9 ")
    assert second.startswith("m=audio 9 ")
    assert third.startswith("m=video 0 UDP/TLS/RTP/SAVPF 100\r\n"), "a second camera"
    assert data.startswith("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n")
    assert "a=inactive\r\na=mid:3\r\n" in data
    assert "a=group:BUNDLE 0 1\r\n" in answer(text, sending=False)


def test_a_viewers_answer_names_the_stream() -> None:
    tracks = [sdp.Track(0, "H264", 96, ssrc=12345), sdp.Track(1, "opus", 111, ssrc=999)]
    video, audio = sections(answer(offer("recvonly"), sending=False, tracks=tracks))
    assert "a=sendonly\r\n" in video
    assert "a=ssrc:12345 cname:minsheng\r\n" in video
    assert "a=ssrc:999 cname:minsheng\r\n" in audio
    assert "a=msid:minsheng video\r\n" in video
    assert "x-google" not in video
    assert "transport-cc" not in video


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: "", "no SDP"),
        (lambda text: "{}", "no SDP"),
        (lambda text: "v=0\r\n", "no media section"),
        (lambda text: text + "a=x:" + "y" * sdp.MAX_SDP, "more than"),
        (lambda text: text.replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (lambda text: text.replace("sendonly", "recvonly"), "nothing the relay can carry"),
        (lambda text: text.replace("a=group:BUNDLE 0 1\r\n", ""), "BUNDLE"),
        (lambda text: re.sub("a=ice-ufrag.*\r\n", "", text), "ice-ufrag"),
        (lambda text: text.replace("a=ice-pwd:0123456789abcdefghijkl", "a=ice-pwd:short"), "ice-pwd"),
        (lambda text: re.sub("a=fingerprint:sha-256", "a=fingerprint:md5", text), "sha-256"),
        (lambda text: text.replace("m=video 9", "m=video 0").replace("m=audio 9", "m=audio 0"), "nothing"),
        (lambda text: "v=0\r\n" + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 40, "too many"),
    ],
)
def test_a_bad_offer_is_refused_with_a_sentence(change: object, sentence: str) -> None:
    assert callable(change)
    with pytest.raises(BadOffer, match=sentence):
        sdp.parse_offer(change(offer("sendonly")), sending=True)


def test_fragments_are_read_and_written() -> None:
    assert sdp.read_fragment("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n") is None
    text = sdp.write_fragment("ufrag", "p" * 22, sdp.candidates(["192.0.2.7"], 9))
    assert sdp.read_fragment(text) == ("ufrag", "p" * 22)
    assert value(text, "candidate").endswith("192.0.2.7 9 typ host")
    for wrong in ("", "hello", "a=ice-ufrag:abcd\r\n", "a=ice-pwd:" + "p" * 22, "a=" + "x" * sdp.MAX_SDP):
        with pytest.raises(BadOffer):
            sdp.read_fragment(wrong)
