"""Which addresses are public, and what names resolve to, in whatever form they are written."""

from __future__ import annotations

import ipaddress

import pytest

from semblante.errors import Refused
from semblante.public_address import is_public, resolve_public


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "193.0.6.139", "2001:4860:4860::8888", "2a00::1"])
def test_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "0",
        "::ffff:7f00:1",
    ],
)
def test_other_forms_of_an_inner_address(host: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve_public(host, 80)
    assert caught.value.code == "url_not_public"


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".example", "a..b"])
def test_names_that_are_none(host: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve_public(host, 80)
    assert caught.value.code == "url_failed"


def test_networks_of_the_operator() -> None:
    allowed = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    assert resolve_public("127.0.0.1", 80, allowed) == ["127.0.0.1"]
    with pytest.raises(Refused):
        resolve_public("10.0.0.1", 80, allowed)
