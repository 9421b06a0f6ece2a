"""The codecs that the relay carries: how an offer names them, and what their payloads say about keyframes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import unpack_from

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import H264Profile, parse_h264_profile_level_id

from streaming.h264 import dimensions as h264_dimensions

VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir")
"""RTCP feedback that the relay understands for video (RFC 4585 section 4.2, RFC 5104 section 7.1)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec that may be forwarded.

    `starts_keyframe` looks at one RTP payload and says whether it belongs to the beginning of a picture that can be
    decoded without earlier ones; `dimensions` gives width and height in pixels where that payload names them.
    """

    name: str
    kind: str
    clock_rate: int
    matches: Callable[[RTCRtpCodecParameters], bool]
    fmtp: Callable[[Mapping[str, object]], str | None]
    feedback: tuple[str, ...] = ()
    starts_keyframe: Callable[[bytes], bool] | None = None
    dimensions: Callable[[bytes], tuple[int, int] | None] | None = None


def h264_units(payload: bytes) -> list[bytes]:
    """The NAL units that begin in an RTP payload (RFC 6184 sections 5.6 to 5.8); a fragment gives its header alone."""
    if not payload:
        return []
    kind = payload[0] & 0x1F
    if kind < 24:
        return [payload]
    if kind == 24:  # STAP-A
        units, position = [], 1
        while position + 2 < len(payload):
            (size,) = unpack_from("!H", payload, position)
            units.append(payload[position + 2 : position + 2 + size])
            position += 2 + size
        return [unit for unit in units if unit]
    if kind == 28 and len(payload) > 1 and payload[1] & 0x80:  # the first fragment of an FU-A
        return [bytes([payload[0] & 0xE0 | payload[1] & 0x1F])]
    return []


def _h264_starts_keyframe(payload: bytes) -> bool:
    # 7 is a sequence parameter set, 5 a slice of an IDR picture: the former comes first where both are in band.
    return any(unit[0] & 0x1F in (5, 7) for unit in h264_units(payload))


def _h264_dimensions(payload: bytes) -> tuple[int, int] | None:
    for unit in h264_units(payload):
        if unit[0] & 0x1F == 7:
            return h264_dimensions(unit)
    return None


def _h264_matches(offered: RTCRtpCodecParameters) -> bool:
    # Packetization mode 0 cannot carry the fragments that every publisher sends (RFC 6184 section 6.2).
    if str(offered.parameters.get("packetization-mode", "0")) != "1":
        return False
    # RFC 6184 section 8.1: without the parameter, baseline at level 1 is meant.
    profile, _level = parse_h264_profile_level_id(str(offered.parameters.get("profile-level-id", "42000a")))
    return profile in (H264Profile.PROFILE_CONSTRAINED_BASELINE, H264Profile.PROFILE_BASELINE)


def _h264_fmtp(offered: Mapping[str, object]) -> str:
    # The profile is answered as it was offered (RFC 6184 section 8.2.2).
    level = offered.get("profile-level-id", "42e01f")
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={level}"


def _vp8_frame(payload: bytes) -> bytes:
    """The VP8 data behind the payload descriptor, if this packet begins a frame (RFC 7741 section 4.2)."""
    if not payload or not payload[0] & 0x10 or payload[0] & 0x07:  # not the start of the first partition
        return b""
    position = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return b""
        extended = payload[1]
        position = 2
        if extended & 0x80:
            position += 2 if len(payload) > position and payload[position] & 0x80 else 1
        position += bool(extended & 0x40) + bool(extended & 0x30)
    return payload[position:]


def _vp8_starts_keyframe(payload: bytes) -> bool:
    frame = _vp8_frame(payload)
    return len(frame) > 0 and not frame[0] & 0x01  # RFC 6386 section 9.1: the bit is clear in a key frame


def _vp8_dimensions(payload: bytes) -> tuple[int, int] | None:
    frame = _vp8_frame(payload)
    if len(frame) < 10 or frame[0] & 0x01 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


def _any(offered: RTCRtpCodecParameters) -> bool:
    return True


def _no_fmtp(offered: Mapping[str, object]) -> None:
    return None


H264 = Codec("H264", "video", 90000, _h264_matches, _h264_fmtp, VIDEO_FEEDBACK, _h264_starts_keyframe, _h264_dimensions)
VP8 = Codec("VP8", "video", 90000, _any, _no_fmtp, VIDEO_FEEDBACK, _vp8_starts_keyframe, _vp8_dimensions)
OPUS = Codec("opus", "audio", 48000, _any, lambda offered: "minptime=10;useinbandfec=1;stereo=1")

CODECS: tuple[Codec, ...] = (H264, VP8, OPUS)
"""In the order in which a publisher's are preferred: every browser plays H.264, and HLS and MP4 take it as it is."""

BY_NAME = {codec.name: codec for codec in CODECS}


def match(offered: RTCRtpCodecParameters, kind: str) -> Codec | None:
    """The codec that an offered format stands for, or None where the relay does not carry it."""
    name = offered.mimeType.partition("/")[2].lower()
    for codec in CODECS:
        if codec.kind == kind and codec.name.lower() == name and codec.clock_rate == offered.clockRate:
            return codec if codec.matches(offered) else None
    return None
