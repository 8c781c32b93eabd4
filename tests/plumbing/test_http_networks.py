"""Whom a request counts for: one network is one name, however its address is written."""

import ipaddress

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from survey_app.http import client_network, network_of, pseudonym

V4 = "192.0.2.33"
CASES = {
    # as servers and proxies write them
    "192.0.2.33": V4,
    "192.0.2.33:51234": V4,
    " 192.0.2.33 ": V4,
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "[2001:db8:1:2:3:4:5:6]": "2001:db8:1:2::/64",
    "[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
    "2001:DB8:1:2::": "2001:db8:1:2::/64",
    "2001:db8:1:3::": "2001:db8:1:3::/64",
    "fe80::1%eth0": "fe80::/64",
    "[fe80::1%eth0]:80": "fe80::/64",
    "::1": "::/64",
    # an IPv4 address behind it
    "::ffff:192.0.2.33": V4,
    "::ffff:c000:221": V4,
    "[::ffff:192.0.2.33]:8080": V4,
    "64:ff9b::192.0.2.33": V4,
    "64:ff9b::c000:221": V4,
    "64:ff9b:0:0:0:1:c000:221": "64:ff9b::/64",
    "64:ff9b:1::c000:221": "64:ff9b:1::/64",
    "2002:c000:221::1": V4,
    "2002:c000:221:ffff:1:2:3:4": V4,
    "[2002:c000:221:5::1]:80": V4,
    "2001:0:4136:e378:8000:63bf:3fff:fdde": V4,
    "2001:0:c633:6401:0:1:3fff:fdde": V4,
    "2001:1::1": "2001:1::/64",
    # no address
    "": "unknown",
    "unknown": "unknown",
    "_hidden": "unknown",
    "localhost": "unknown",
    "192.0.2": "unknown",
    "192.0.2.256": "unknown",
    "192.0.2.033": "unknown",
    "192.0.2.33:": "unknown",
    "192.0.2.33:http": "unknown",
    "192.0.2.33:123456": "unknown",
    "192.0.2.33:80:90": "unknown",
    "[192.0.2.33": "unknown",
    "[::1": "unknown",
    "[::1]x": "unknown",
    "[]:80": "unknown",
    "12345678": "unknown",
    "1.2.3.4, 192.0.2.33": "unknown",
    "for=192.0.2.33": "unknown",
    "192.0.2.33\0": "unknown",
    "١٩٢.٠.٢.٣٣": "unknown",
}


@pytest.mark.parametrize(("written", "network"), CASES.items())
def test_which_network_an_address_counts_as(written: str, network: str) -> None:
    assert network_of(written) == network


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1), st.integers(0, 2**64 - 1))
def test_a_tunnel_gives_nobody_more_networks(
    address: ipaddress.IPv4Address, inner: int, rest: int
) -> None:
    sixtofour = ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80) | inner)
    teredo = ipaddress.IPv6Address((0x20010000 << 96) | (rest << 32) | (int(address) ^ 0xFFFFFFFF))
    assert network_of(str(sixtofour)) == network_of(str(teredo)) == str(address)


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_a_port_changes_nothing(address: ipaddress.IPv6Address, port: int) -> None:
    assert network_of(f"[{address}]:{port}") == network_of(str(address)) != "unknown"


@given(st.text(max_size=60))
def test_nothing_that_a_proxy_may_write_breaks_it(text: str) -> None:
    assert network_of(text)


def name_of(app: Flask, address: str) -> str:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        return client_network()


def test_the_name_for_counting_is_as_secret_as_the_secret(app: Flask, settings: object) -> None:
    names = [name_of(app, address) for address in (V4, f"{V4}:80", "192.0.2.34", "2001:db8::1")]
    assert names[0] == names[1] and len(set(names)) == 3
    assert all(len(name) == 32 and int(name, 16) for name in names)
    with app.app_context():
        assert pseudonym(V4) == names[0]
        app.config["SECRET_KEY"] = "another secret" * 3
        assert pseudonym(V4) != names[0]
