"""The machine's own addresses, to advertise where the operator names none."""

from __future__ import annotations

import ifaddr


def own_addresses() -> list[str]:
    """Loopback first, then every address of an interface that is neither link-local nor temporary.

    Loopback is there for a browser on the same machine; others cannot reach it and go on to the next candidate.
    """
    found = ["127.0.0.1"]
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            host = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            if not host.startswith(("127.", "169.254.", "fe80", "::1")) and host not in found:
                found.append(host)
    return found
