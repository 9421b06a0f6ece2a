"""Offers in, answers out: what WHIP and WHEP say in SDP (RFC 9725, RFC 8829, RFC 8866).

Both run in the service's process, so that text of up to ten thousand bytes is never parsed between two packets. The
relay gets an `Offer` and gives a `Grant`; both cross the control socket as JSON.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from aiortc.sdp import MediaDescription, SessionDescription

from streaming import codecs, simulcast
from streaming.errors import BadOffer, NotAcceptable

MAX_SDP = 65536
"""Characters; a browser's offer has about 10,000."""

MAX_MEDIA = 32

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

START_BITRATE = "x-google-start-bitrate=1200"
"""Kilobits a second with which Chromium begins, instead of 300: else it shows a quarter of the picture at first, and
takes most of half a minute to the whole. Its own congestion control goes on from there; others ignore the parameter
(RFC 8866 section 6.15: what a format's parameters mean is the format's own affair)."""
START_BITRATE_SIMULCAST = "x-google-start-bitrate=2600"
"""The same for three layers, of which the highest would else be left out at first."""

_HASHES = ("sha-256", "sha-384", "sha-512")
_ICE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of an offer that the relay can carry."""

    codec: str
    payload_type: int
    fmtp: str | None
    rtx: int | None = None
    remb: bool = False
    """Whether its maker would say how much it can receive (draft-alvestrand-rmcat-remb)."""


@dataclass(frozen=True, slots=True)
class Media:
    """One m-section. `formats` is empty where it is of no use here and will be rejected.

    `rids` are its layers, where it offers several; what follows are identifiers of header extensions.
    """

    kind: str
    mid: str | None
    protocol: str
    first_format: str
    formats: list[Format] = field(default_factory=list)
    ssrcs: list[int] = field(default_factory=list)
    rtx_ssrcs: list[int] = field(default_factory=list)
    transport_cc: int | None = None
    rids: list[str] = field(default_factory=list)
    mid_extension: int | None = None
    rid: int | None = None
    repaired_rid: int | None = None
    abs_send_time: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the relay needs of an offer. `setup` is the offerer's DTLS role as in RFC 8842."""

    ufrag: str
    password: str
    setup: Literal["actpass", "active", "passive"]
    fingerprints: list[tuple[str, str]]
    media: list[Media]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        media = [
            Media(**{**section, "formats": [Format(**entry) for entry in section["formats"]]})
            for section in value["media"]
        ]
        return cls(
            **{**value, "media": media, "fingerprints": [(name, digest) for name, digest in value["fingerprints"]]}
        )


@dataclass(frozen=True, slots=True)
class Track:
    """What was agreed for one m-section, given by its index in the offer."""

    index: int
    codec: str
    payload_type: int
    ssrc: int | None = None
    rtx: int | None = None
    rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The relay's half of a session: what the answer says."""

    id: str
    ufrag: str
    password: str
    fingerprint: str
    setup: Literal["active", "passive"]
    candidates: list[str]
    tracks: list[Track]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(**{**value, "tracks": [Track(**track) for track in value["tracks"]]})


def parse_offer(text: str, *, sending: bool) -> Offer:
    """Read an offer whose maker wants to send (WHIP) or to receive (WHEP).

    Raises BadOffer with a sentence that says what is missing.
    """
    if len(text) > MAX_SDP:
        raise BadOffer(f"The SDP has more than {MAX_SDP} characters.")
    if not text.startswith("v=0"):
        raise BadOffer("The body is no SDP: it does not begin with v=0.")
    try:
        description = SessionDescription.parse(text)
    except Exception as error:  # aiortc.sdp asserts, indexes and converts: any of these means the same here
        raise BadOffer("The SDP cannot be read.") from error
    if not 0 < len(description.media) <= MAX_MEDIA:
        raise BadOffer("The SDP has no media section, or too many.")
    bundle_only = _bundle_only(text)
    media = [
        _media(section, lines, sending=sending, bundle_only=alone)
        for section, lines, alone in zip(description.media, simulcast.sections(text), bundle_only, strict=True)
    ]
    _keep_first_of_each_kind(media)
    used = [section for section, parsed in zip(description.media, media, strict=True) if parsed.formats]
    if not used:
        kinds = "H.264 constrained baseline, VP8 or Opus"
        raise NotAcceptable(f"The SDP offers nothing the relay can carry: it takes {kinds}, with rtcp-mux.")
    if sending:
        _require_whole(description.media, media, bundle_only)
    bundled = {item for group in description.group if group.semantic == "BUNDLE" for item in group.items}
    if len(used) > 1 and not all(section.rtp.muxId in bundled for section in used):
        raise BadOffer("The media sections must share one transport (a=group:BUNDLE).")
    # A section that is bundle-only leaves the transport to the others (RFC 9143 section 7.1.3).
    return _with_transport(next((s for s in used if s.ice is not None and s.ice.usernameFragment), used[0]), media)


def _bundle_only(text: str) -> list[bool]:
    """For each media section whether it has `a=bundle-only`, which aiortc does not read."""
    found: list[bool] = []
    for line in text.splitlines():
        if line.startswith("m="):
            found.append(False)
        elif line == "a=bundle-only" and found:
            found[-1] = True
    return found


def _require_whole(sections: list[MediaDescription], media: list[Media], bundle_only: list[bool]) -> None:
    """One stream of at most one track of each kind, and all of it (RFC 9725 sections 4.4.2 and 4.4.3).

    Raises NotAcceptable: half a session would mislead whoever publishes.
    """
    for section, parsed, alone in zip(sections, media, bundle_only, strict=True):
        if not parsed.formats and (section.port != 0 or alone):
            raise NotAcceptable(
                f"The SDP offers {section.kind} that the relay cannot carry, or a second track (a=mid:{parsed.mid})."
            )
    streams = {section.msid.split()[0] for section in sections if section.msid} - {"-"}
    if len(streams) > 1:
        raise NotAcceptable("The SDP offers several streams (a=msid); the relay takes one.")


def _with_transport(section: MediaDescription, media: list[Media]) -> Offer:
    ice = section.ice
    ufrag, password = (ice.usernameFragment, ice.password) if ice is not None else (None, None)
    if not _is_ice(ufrag, 4) or not _is_ice(password, 22):
        raise BadOffer("The SDP lacks a valid a=ice-ufrag or a=ice-pwd (RFC 8839 section 5.4).")
    if section.dtls is None:
        raise BadOffer("The SDP lacks a=setup (RFC 8842 section 5.1).")
    fingerprints = [
        (entry.algorithm.lower(), entry.value)
        for entry in section.dtls.fingerprints
        if entry.algorithm.lower() in _HASHES
    ]
    if not fingerprints:
        raise BadOffer("The SDP lacks an a=fingerprint with sha-256, sha-384 or sha-512.")
    roles: dict[str, Literal["actpass", "active", "passive"]] = {
        "auto": "actpass",
        "client": "active",
        "server": "passive",
    }
    return Offer(str(ufrag), str(password), roles[section.dtls.role], fingerprints, media)


def _is_ice(value: str | None, least: int) -> bool:
    return value is not None and least <= len(value) <= 256 and _ICE_CHARACTERS.issuperset(value)


def _media(section: MediaDescription, lines: str, *, sending: bool, bundle_only: bool) -> Media:
    mid = section.rtp.muxId or None
    nothing = Media(section.kind, mid, section.profile, str(section.fmt[0]))
    wanted = ("sendonly", "sendrecv", None) if sending else ("recvonly", "sendrecv", None)
    if section.kind not in ("audio", "video") or section.direction not in wanted:
        return nothing
    # Port 0 is a section that its maker rejected (RFC 3264 section 6), unless it is only there with the others,
    # whose transport and multiplexing it shares (RFC 9143 section 6). 9 stands for "not known yet".
    if not bundle_only and (section.port == 0 or not section.rtcp_mux):
        return nothing
    rtx = {
        int(str(codec.parameters["apt"])): codec.payloadType
        for codec in section.rtp.codecs
        if codec.mimeType.lower().endswith("/rtx") and isinstance(codec.parameters.get("apt"), int)
    }
    formats = []
    for offered in section.rtp.codecs:
        payload_type = offered.payloadType
        if payload_type is None or not 0 <= payload_type < 128:
            continue
        try:
            codec = codecs.match(offered, section.kind)
        except ValueError:  # an H.264 profile that nobody has heard of is no reason to refuse the others
            continue
        if codec is not None:
            fmtp = codec.fmtp(offered.parameters)
            remb = any(feedback.type == "goog-remb" for feedback in offered.rtcpFeedback)
            formats.append(Format(codec.name, payload_type, fmtp, rtx.get(payload_type), remb))

    def extension(uri: str) -> int | None:
        return next((e.id for e in section.rtp.headerExtensions if e.uri == uri and 0 < e.id < 15), None)

    rtx_ssrcs = [
        int(group.items[1]) for group in section.ssrc_group if group.semantic == "FID" and len(group.items) > 1
    ]
    return Media(
        section.kind,
        mid,
        section.profile,
        str(section.fmt[0]),
        formats,
        [source.ssrc for source in section.ssrc if source.ssrc not in rtx_ssrcs],
        rtx_ssrcs,
        extension(TRANSPORT_CC),
        # Layers are told apart by an extension alone: without it there is one.
        simulcast.layers(lines) if sending and section.kind == "video" and extension(RID) is not None else [],
        extension(MID),
        extension(RID),
        extension(REPAIRED_RID),
        extension(SEND_TIME),
    )


def _keep_first_of_each_kind(media: list[Media]) -> None:
    seen = set()
    for section in media:
        if section.kind in seen:
            section.formats.clear()
        if section.formats:
            seen.add(section.kind)


def read_fragment(text: str) -> tuple[str, str] | None:
    """The ICE user name fragment and password of an `application/trickle-ice-sdpfrag` (RFC 8840 section 9).

    None where it carries candidates without them. Raises BadOffer.
    """
    if len(text) > MAX_SDP:
        raise BadOffer(f"The SDP fragment has more than {MAX_SDP} characters.")
    values = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in ("a=ice-ufrag", "a=ice-pwd"):
            values[name] = value.strip()
        elif line and not line.startswith(("a=", "m=")):
            raise BadOffer("The body is no SDP fragment.")
    if not values and "a=candidate:" in text:
        return None
    ufrag, password = values.get("a=ice-ufrag"), values.get("a=ice-pwd")
    if not _is_ice(ufrag, 4) or not _is_ice(password, 22):
        raise BadOffer("The SDP fragment lacks a valid a=ice-ufrag or a=ice-pwd (RFC 8840 section 9).")
    return str(ufrag), str(password)


def write_fragment(ufrag: str, password: str, candidates: list[str]) -> str:
    """The answer to an ICE restart (RFC 9725 section 4.3.3)."""
    lines = ["a=ice-lite", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}"]
    lines += [f"a=candidate:{candidate}" for candidate in candidates]
    return "\r\n".join([*lines, "a=end-of-candidates"]) + "\r\n"


def candidates(addresses: list[str], port: int) -> list[str]:
    """The values of a=candidate for the one port (RFC 8839 section 5.1), the first address first in preference.

    UDP comes before TCP (RFC 6544 section 4.2: a lower type preference, and 4 for the direction of a passive one), in
    the list as well: FFmpeg's muxer reads the first candidate alone.
    """
    over_udp = [
        f"{index + 1} 1 udp {(126 << 24) | ((65535 - index) << 8) | 255} {address} {port} typ host"
        for index, address in enumerate(addresses)
    ]
    over_tcp = [
        f"{len(addresses) + index + 1} 1 tcp {(105 << 24) | (((4 << 13) | (8191 - index)) << 8) | 255} "
        f"{address} {port} typ host tcptype passive"
        for index, address in enumerate(addresses)
    ]
    return over_udp + over_tcp


def write_answer(offer: Offer, grant: Grant, *, sending: bool) -> str:
    """The answer to `offer`; `sending` tells that its maker sends, so that the relay receives."""
    agreed = {track.index: track for track in grant.tracks}
    mids = [offer.media[track.index].mid for track in grant.tracks]
    lines = [
        "v=0",
        f"o=minsheng {secrets.randbits(62)} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
    ]
    if all(mid is not None for mid in mids):
        lines.append("a=group:BUNDLE " + " ".join(str(mid) for mid in mids))
    lines.append("a=msid-semantic:WMS *")
    for index, section in enumerate(offer.media):
        track = agreed.get(index)
        if track is None:
            lines += [f"m={section.kind} 0 {section.protocol} {section.first_format}", "c=IN IP4 0.0.0.0", "a=inactive"]
            if section.mid is not None:
                lines.append(f"a=mid:{section.mid}")
        else:
            lines += _agreed(section, track, grant, sending=sending)
    return "\r\n".join(lines) + "\r\n"


def _agreed(section: Media, track: Track, grant: Grant, *, sending: bool) -> list[str]:
    codec = codecs.BY_NAME[track.codec]
    payload_type = track.payload_type
    formats = [payload_type] if track.rtx is None else [payload_type, track.rtx]
    channels = "/2" if codec.kind == "audio" else ""
    lines = [
        f"m={section.kind} 9 {section.protocol} {' '.join(map(str, formats))}",
        "c=IN IP4 0.0.0.0",
        "a=recvonly" if sending else "a=sendonly",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        f"a=rtpmap:{payload_type} {codec.name}/{codec.clock_rate}{channels}",
    ]
    if section.mid is not None:
        lines.append(f"a=mid:{section.mid}")
    offered = next(entry for entry in section.formats if entry.payload_type == payload_type)
    fmtp = offered.fmtp
    if sending and codec.kind == "video":
        start = START_BITRATE_SIMULCAST if section.rids else START_BITRATE
        fmtp = f"{fmtp};{start}" if fmtp is not None else start
    if fmtp is not None:
        lines.append(f"a=fmtp:{payload_type} {fmtp}")
    feedback = list(codec.feedback)
    extensions: list[tuple[int | None, str]] = []
    if sending and section.transport_cc is not None:
        feedback.append("transport-cc")
        extensions.append((section.transport_cc, TRANSPORT_CC))
    elif sending and codec.kind == "video":
        feedback.append("goog-remb")
    if section.rids:
        extensions += [(section.mid_extension, MID), (section.rid, RID), (section.repaired_rid, REPAIRED_RID)]
    if not sending and offered.remb:
        feedback.append("goog-remb")
        extensions.append((section.abs_send_time, SEND_TIME))
    lines += [f"a=extmap:{identifier} {uri}" for identifier, uri in extensions if identifier is not None]
    lines += [f"a=rtcp-fb:{payload_type} {value}" for value in feedback]
    if section.rids:
        lines += [f"a=rid:{rid} recv" for rid in section.rids]
        lines.append("a=simulcast:recv " + ";".join(section.rids))
    if track.rtx is not None:
        lines += [f"a=rtpmap:{track.rtx} rtx/{codec.clock_rate}", f"a=fmtp:{track.rtx} apt={payload_type}"]
    if track.ssrc is not None:
        lines.append(f"a=msid:minsheng {section.kind}")
        if track.rtx_ssrc is not None:
            lines.append(f"a=ssrc-group:FID {track.ssrc} {track.rtx_ssrc}")
        lines += [f"a=ssrc:{ssrc} cname:minsheng" for ssrc in (track.ssrc, track.rtx_ssrc) if ssrc is not None]
    lines += [f"a=ice-ufrag:{grant.ufrag}", f"a=ice-pwd:{grant.password}"]
    lines += [f"a=candidate:{candidate}" for candidate in grant.candidates]
    lines += ["a=end-of-candidates", f"a=fingerprint:sha-256 {grant.fingerprint}", f"a=setup:{grant.setup}"]
    return lines
