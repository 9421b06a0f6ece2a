"""Reception of one stream of a publisher: what is missing, and the report about it (RFC 3550 section 6.4, RFC 4585)."""

from __future__ import annotations

from aiortc.rtp import RtcpReceiverInfo, clamp_packets_lost

from streaming.packet import newer

MAX_MISSING = 256
"""Packets that may be missing at a time; with more, a keyframe serves better than all of them."""
RETRY_SECONDS = 0.05
MAX_TRIES = 6
EARLY = 16
"""Packets from before the first one that arrived are taken, as long as so few have come: they were overtaken."""


class Reception:
    """Counts the packets of one SSRC and knows which ones to ask for again."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.recovered = 0
        self._clock_rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self._cycles = 0
        self._missing: dict[int, tuple[float, int]] = {}
        self._expected_before = 0
        self._packets_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self.report_middle = 0
        self.report_time = 0.0
        self.report_ntp = 0
        self.report_timestamp = 0

    def add(self, sequence: int, timestamp: int, now: float) -> bool:
        """Take note of a packet. False if it is a duplicate of one seen in its order."""
        if self._base is None:
            self._base = self._highest = sequence
        elif newer(sequence, self._highest):
            gap = (sequence - self._highest - 1) & 0xFFFF
            if gap <= MAX_MISSING:
                for step in range(gap):
                    self._missing[(self._highest + 1 + step) & 0xFFFF] = (0.0, 0)
                while len(self._missing) > MAX_MISSING:
                    del self._missing[next(iter(self._missing))]
            else:
                self._missing.clear()
            if sequence < self._highest:
                self._cycles += 0x10000
            self._highest = sequence
            self._measure_jitter(timestamp, now)
        elif sequence in self._missing:
            del self._missing[sequence]
            self.recovered += 1
        elif self.packets <= EARLY and 0 < (self._base - sequence) & 0xFFFF <= EARLY:
            self._begin_before(sequence)
        else:
            return False
        self.packets += 1
        return True

    def _begin_before(self, sequence: int) -> None:
        """The stream began earlier than it seemed."""
        assert self._base is not None
        for step in range(1, (self._base - sequence) & 0xFFFF):
            self._missing[(sequence + step) & 0xFFFF] = (0.0, 0)
        if sequence > self._base:
            self._cycles += 0x10000
        self._base = sequence

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < self._clock_rate * 10:  # not where the timestamp came round
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    @property
    def missing(self) -> bool:
        return bool(self._missing)

    def due(self, now: float) -> list[int]:
        """Sequence numbers to ask for now; each is asked for a few times, then given up."""
        wanted = []
        for sequence, (last, tries) in list(self._missing.items()):
            if now - last < RETRY_SECONDS:
                continue
            if tries == MAX_TRIES:
                del self._missing[sequence]
            else:
                self._missing[sequence] = (now, tries + 1)
                wanted.append(sequence)
        return wanted

    @property
    def lost(self) -> int:
        """Packets that never came, so far."""
        if self._base is None:
            return 0
        return max(0, self._cycles + self._highest - self._base + 1 - self.packets)

    def sender_report(self, ntp: int, timestamp: int, now: float) -> None:
        self.report_middle = (ntp >> 16) & 0xFFFFFFFF
        self.report_time = now
        self.report_ntp = ntp
        self.report_timestamp = timestamp

    def report(self, now: float) -> RtcpReceiverInfo:
        """The report block about what came since the last one."""
        expected = self.packets + self.lost
        expected_since, received_since = expected - self._expected_before, self.packets - self._packets_before
        self._expected_before, self._packets_before = expected, self.packets
        lost_since = max(0, expected_since - received_since)
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(255, (lost_since << 8) // expected_since) if expected_since else 0,
            packets_lost=clamp_packets_lost(self.lost),
            highest_sequence=(self._cycles + self._highest) & 0xFFFFFFFF,
            jitter=int(self._jitter),
            lsr=self.report_middle,
            dlsr=int((now - self.report_time) * 65536) & 0xFFFFFFFF if self.report_middle else 0,
        )
