"""Janus beside the relay, where it is installed: its streaming plugin, fed by RTP, watched by the same viewers.

Janus gets the publisher's packets in the clear over loopback, which spares it a decryption that the relay does. Its
viewers offer nothing: Janus makes the offer and leads the checks, and they answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from streaming.bench.peer import AUDIO, SSRCS, VIDEO, offer
from streaming.bench.run import FRAME, PICTURES, SOUND
from streaming.packet import HEADER, HEADER_SIZE

Row = tuple[str, str, str]
VIEWERS = 100
WHAT = f"Janus, streaming plugin, {VIEWERS} viewers: CPU per packet"
PLUGINS = "/usr/lib/x86_64-linux-gnu/janus"


async def rows(seconds: float) -> Sequence[Row]:
    """One row, with a dash where there is no Janus or it could not be measured."""
    if shutil.which("janus") is None:
        return [(WHAT, "–", "not installed here")]
    with tempfile.TemporaryDirectory(prefix="minsheng-janus-") as folder:
        try:
            async with asyncio.timeout(90):
                return [await _measure(Path(folder), seconds)]
        except (OSError, RuntimeError, ValueError, KeyError, TimeoutError, aiohttp.ClientError) as error:
            return [(WHAT, "–", f"could not be measured here: {type(error).__name__} {error}")]


async def _measure(folder: Path, seconds: float) -> Row:
    http, video, audio = (_free_port(kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_DGRAM))
    _configure(folder, http, video, audio)
    janus = await asyncio.create_subprocess_exec(
        "janus",
        "--configs-folder",
        str(folder),
        "--disable-colors",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    crowd = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streaming.bench.load",
        "each",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    publishing = asyncio.create_task(_publish(video, audio))
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{http}") as session:
            await _join(session, crowd)
        await asyncio.sleep(1)
        before, began, counted = _cpu(janus.pid), time.monotonic(), await _tell(crowd, count=True)
        await asyncio.sleep(seconds)
        after, passed, crowd_after = _cpu(janus.pid), time.monotonic() - began, await _tell(crowd, count=True)
    finally:
        publishing.cancel()
        await asyncio.wait([publishing])
        for process in (janus, crowd):
            if process.returncode is None:
                process.terminate()
            await process.wait()
    packets = crowd_after["media"] - counted["media"]
    if crowd_after["pictured"] < VIEWERS or packets <= 0:
        raise RuntimeError(f"{crowd_after['pictured']} of {VIEWERS} viewers have a picture")
    cost = (after - before) / packets * 1e6
    return (
        WHAT,
        f"{cost:.2f} µs",
        f"{packets / passed:,.0f} packets/s that arrived, {(after - before) / passed:.0%} of a core; a thread a viewer",
    )


def _configure(folder: Path, http: int, video: int, audio: int) -> None:
    plugins = next((str(path) for path in (Path(PLUGINS), Path("/usr/lib/janus")) if path.exists()), PLUGINS)
    (folder / "janus.jcfg").write_text(
        f'general: {{ configs_folder = "{folder}" plugins_folder = "{plugins}/plugins" '
        f'transports_folder = "{plugins}/transports" events_folder = "{plugins}/events" '
        f'loggers_folder = "{plugins}/loggers" debug_level = 2 }}\n'
        'nat: { ice_enforce_list = "lo" ice_ignore_list = "vmnet" }\n'
        'plugins: { disable = "libjanus_audiobridge.so,libjanus_echotest.so,libjanus_nosip.so,'
        "libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,"
        'libjanus_voicemail.so,libjanus_lua.so,libjanus_duktape.so" }\n'
        'transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,'
        'libjanus_websockets.so" }\n'
    )
    (folder / "janus.transport.http.jcfg").write_text(
        f'general: {{ json = "compact" base_path = "/janus" http = true port = {http} ip = "127.0.0.1" '
        "https = false }\n"
        "admin: { admin_http = false admin_https = false }\n"
    )
    (folder / "janus.plugin.streaming.jcfg").write_text(
        f'bench: {{ type = "rtp" id = 1 audio = true video = true audioport = {audio} audiopt = {AUDIO} '
        f'audiocodec = "opus" audiortpmap = "opus/48000/2" videoport = {video} videopt = {VIDEO} videocodec = "h264" '
        'videortpmap = "H264/90000" videofmtp = "profile-level-id=42e01f;packetization-mode=1" iface = "127.0.0.1" }\n'
    )


async def _publish(video: int, audio: int) -> None:
    """What the relay's publisher sends, in the clear."""
    loop = asyncio.get_running_loop()
    sequences = dict.fromkeys(SSRCS, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        begin, tick = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, begin + tick / (2 * PICTURES) - loop.time()))
            packets = [(AUDIO, SOUND, tick * 960, True)]
            if tick % 2 == 0:
                packets += [(VIDEO, size, tick * 1800, place == len(FRAME) - 1) for place, size in enumerate(FRAME)]
            for kind, size, stamp, marker in packets:
                data = bytearray(HEADER_SIZE + size)
                second = kind | (0x80 if marker else 0)
                HEADER.pack_into(data, 0, 0x80, second, sequences[kind], stamp & 0xFFFFFFFF, SSRCS[kind])
                data[HEADER_SIZE] = 0x65 if kind == VIDEO and tick % 100 == 0 else 0x41
                sequences[kind] = (sequences[kind] + 1) & 0xFFFF
                sock.sendto(data, ("127.0.0.1", video if kind == VIDEO else audio))
            tick += 1


async def _join(session: aiohttp.ClientSession, crowd: asyncio.subprocess.Process) -> None:
    fingerprint = (await _tell(crowd, fingerprint=True))["fingerprint"]
    for _ in range(100):
        try:
            root = await _ask(session, "/janus", janus="create")
            break
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    else:
        raise RuntimeError("it does not answer")
    path = f"/janus/{root['data']['id']}"
    for _ in range(VIEWERS):
        asked = time.monotonic()
        handle = await _ask(session, path, janus="attach", plugin="janus.plugin.streaming")
        place = f"{path}/{handle['data']['id']}"
        await _ask(session, place, janus="message", body={"request": "watch", "id": 1})
        text = (await _event(session, path, handle["data"]["id"]))["jsep"]["sdp"]
        answer = _answer(text, fingerprint)
        await _ask(session, place, janus="message", body={"request": "start"}, jsep={"type": "answer", "sdp": answer})
        await _tell(crowd, answer=_as_answer(text), asked=asked, controlled=True)
        await asyncio.sleep(0.02)


async def _event(session: aiohttp.ClientSession, path: str, handle: int) -> dict[str, Any]:
    """The next offer for a handle; what Janus says besides is passed over."""
    while True:
        async with session.get(path) as answer:
            event: dict[str, Any] = await answer.json(content_type=None)
        if event.get("sender") == handle and "jsep" in event:
            return event


async def _ask(session: aiohttp.ClientSession, path: str, **message: Any) -> dict[str, Any]:
    async with session.post(path, json={"transaction": os.urandom(6).hex(), **message}) as answer:
        result: dict[str, Any] = await answer.json(content_type=None)
    if result["janus"] not in ("success", "ack"):
        raise RuntimeError(f"Janus said {result}")
    return result


def _answer(text: str, fingerprint: str) -> str:
    """The viewer's answer: our usual offer, in the order of Janus' sections and with its mids."""
    sections = offer("recvonly", fingerprint).replace("a=setup:actpass", "a=setup:active").split("m=")
    by_kind = {section.split(" ")[0]: section for section in sections[1:]}
    found = re.findall(r"^m=(\w+) .*?^a=mid:(\S+)", text, re.MULTILINE | re.DOTALL)
    body = [re.sub(r"a=mid:\S+", f"a=mid:{mid}", f"m={by_kind[kind]}") for kind, mid in found]
    head = re.sub(r"a=group:BUNDLE .*?\r\n", f"a=group:BUNDLE {' '.join(mid for _, mid in found)}\r\n", sections[0])
    return head + "".join(body)


def _as_answer(text: str) -> str:
    """Janus' offer as the crowd reads an answer: with one candidate, over UDP and IPv4."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    udp = [line for line in lines if line.startswith("a=candidate:") and " udp " in line.lower() and "." in line]
    rest = [line for line in lines if not line.startswith("a=candidate:")]
    return "\r\n".join([*rest, *udp[:1]]) + "\r\n"


async def _tell(crowd: asyncio.subprocess.Process, **message: Any) -> dict[str, Any]:
    if crowd.stdin is None or crowd.stdout is None:
        raise RuntimeError("the crowd has no pipes")
    crowd.stdin.write(json.dumps(message).encode() + b"\n")
    result: dict[str, Any] = json.loads(await crowd.stdout.readline())
    return result


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
