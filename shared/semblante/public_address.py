"""Which addresses a URL that a stranger sent may lead to: those of the public internet.

A name, or a number in any form that the system's resolver understands (decimal, hexadecimal,
octal, IPv6 in brackets), is resolved first; what is judged, and connected to, is the address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from semblante.errors import Refused

Network = IPv4Network | IPv6Network
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""Outside of it lie loopback, private, link-local, multicast, IPv4-mapped and NAT64 addresses."""
NOT_PUBLIC = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; older Pythons take half of it as global
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2001::/23"),  # protocol assignments, with Teredo, which wraps IPv4 addresses
    IPv6Network("2002::/16"),  # 6to4, which wraps IPv4 addresses
    IPv6Network("3fff::/20"),  # documentation; older Pythons take it as global
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether `address` is one host of the public internet."""
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    is_exception = any(address in network for network in NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not is_exception


def resolve_public(host: str, port: int, allowed: Sequence[Network] = ()) -> list[str]:
    """Return the addresses of `host`, each public or within the networks `allowed`.

    Raises:
        Refused: `url_failed`, when the name is unknown; `url_not_public`, when a single one of
            its addresses is not allowed: such a name is made to deceive, or is internal.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("url_failed", "The name %(host)r cannot be resolved.", host=host) from error
    addresses = [str(sockaddr[0]) for *_, sockaddr in found]
    for text in addresses:
        address = ipaddress.ip_address(text)
        if not is_public(address) and not any(address in network for network in allowed):
            raise Refused(
                "url_not_public",
                "%(host)r is not on the public internet; send the file instead, or have the "
                "server's operator add its network to SEMBLANTE_URL_NETWORKS.",
                host=host,
            )
    return list(dict.fromkeys(addresses))
