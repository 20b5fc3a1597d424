"""Which hosts only this network can reach; names are looked up nowhere here."""

from __future__ import annotations

import pytest

from pipeline.delivery.hosts import addresses_of, is_private

NAMES = {
    "minio.example.org": ["192.168.1.7"],
    "both.example.org": ["10.0.0.1", "8.8.8.8"],
    "six.example.org": ["fd00::1", "fe80::2%eth0"],
    "nat.example.org": ["100.64.0.1"],
    "store.example.org": ["8.8.8.8"],
}


def never(host):
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize(
    "server",
    [
        "127.0.0.1:8333",
        "http://10.0.0.1:9000",
        "172.16.9.9",
        "169.254.1.1",
        "0.0.0.0:80",
        "[::1]:9000",
        "[fe80::1%25eth0]:80",
        "localhost:4566",
        "LOCALHOST",
        "s3.localhost",
        "nas.local",
        "minio.storage.svc.cluster.local:9000",
        "store.internal.",
        "box.home.arpa",
    ],
)
def test_what_is_private_by_its_name_or_address_is_looked_up_nowhere(server):
    assert is_private(server, never)


@pytest.mark.parametrize(
    "server",
    [
        "s3.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
        "x.s3.api.aws",
        "8.8.8.8",
    ],
)
def test_aws_is_never_private_nor_looked_up(server):
    assert not is_private(server, never)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minio.example.org", True),
        ("six.example.org", True),
        ("nat.example.org", True),
        ("both.example.org", False),
        ("store.example.org", False),
        ("unknown.example.org", False),
        ("amazonaws.com.example.org", False),
        ("", False),
    ],
)
def test_a_name_is_judged_by_all_its_addresses(name, expected):
    assert is_private(f"{name}:9000", lambda host: NAMES.get(host, [])) is expected


@pytest.mark.parametrize("name", ["no-such-name.invalid", "a" * 300, "\udcff"])
def test_a_name_that_cannot_be_looked_up_has_no_address(name):
    assert addresses_of(name) == []
