"""The private names of aiortc and pylibsrtp that `streaming/` uses: each fails here, by its name, when it moves."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Literal

from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from streaming.dtls import HandshakeQueue, SecureTransport, make_certificate
from streaming.kernel import ffi as our_ffi

CONTEXT = "struct srtp_ctx_t_ *"


def test_libsrtp_is_reached_by_the_binding() -> None:
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        kind = ffi.typeof(getattr(lib, name))
        assert [argument.kind for argument in kind.args] == ["pointer"] * 3, name
        assert (kind.args[0].cname, kind.args[2].cname) == (CONTEXT, "int *"), name


def test_a_session_keeps_its_context_in_a_pointer() -> None:
    assert "_srtp" in vars(Session()), "pylibsrtp.Session._srtp"
    assert ffi.typeof(Session()._srtp).cname == f"{CONTEXT} *"


def test_memory_of_another_ffi_is_taken() -> None:
    assert ffi.typeof("char *").kind == our_ffi.typeof("char *").kind


def test_the_certificate_has_its_parts() -> None:
    certificate = make_certificate()
    assert isinstance(certificate._cert, x509.Certificate), "RTCCertificate._cert"
    key = certificate._key
    assert isinstance(key, ec.EllipticCurvePrivateKey), "RTCCertificate._key"
    assert isinstance(key.curve, ec.SECP256R1), "FFmpeg's muxer and OpenSSL 4 agree on P-256"
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]


def test_the_transport_asks_its_wire_for_three_things() -> None:
    assert list(inspect.signature(RTCDtlsTransport._set_role).parameters) == ["self", "role"]
    source = inspect.getsource(RTCDtlsTransport)
    used = {name for name in ("role", "_recv", "_send") if f"transport.{name}" in source}
    assert used == {"role", "_recv", "_send"}


async def test_a_handshake_fills_the_private_names() -> None:
    ends: list[SecureTransport] = []
    certificate, queue = make_certificate(), HandshakeQueue()

    def wire(other: int) -> Callable[[bytes], None]:
        def send(data: bytes) -> None:
            ends[other].feed(data)

        return send

    roles: list[tuple[Literal["client", "server"], int]] = [("server", 1), ("client", 0)]
    for role, other in roles:
        ends.append(
            SecureTransport(
                certificate,
                queue,
                role=role,
                fingerprints=[("sha-256", certificate.fingerprint)],
                send=wire(other),
                on_closed=lambda: None,
            )
        )
    await asyncio.wait_for(asyncio.gather(*(end.start() for end in ends)), 5)
    for end in ends:
        transport = end._transport
        for name in ("_rx_srtp", "_tx_srtp", "_ssl", "_task"):
            assert getattr(transport, name) is not None, f"RTCDtlsTransport.{name}"
        assert transport.state == "connected"
        assert end.profile == "SRTP_AEAD_AES_256_GCM"
    for end in ends:
        await end.close()
