"""What may be said of an address: nothing that may be a key."""

import pytest

from oracle.addresses import HIDDEN, scrubbed, shown


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://rpc.example.org/v2/k3yk3yk3y", "https://rpc.example.org"),
        ("http://me:pass@10.0.0.7:8545?token=k3yk3yk3y#k3yk3yk3y", "http://10.0.0.7:8545"),
        ("wss://rpc.example.org/k3yk3yk3y", "wss://rpc.example.org"),
        ("rpc.example.org/k3yk3yk3y", "rpc.example.org"),
        ("localhost:8545/k3yk3yk3y", "localhost:8545"),
        ("http://[2001:db8::1]:8545/k3yk3yk3y", "http://[2001:db8::1]:8545"),
        ("https://m%65:p%40ss@xn--bcher-kva.example/k3yk3yk3y", "https://xn--bcher-kva.example"),
        ("http://rpc.example.org\\k3yk3yk3y", "http://rpc.example.org"),
        # nobody can tell host and password apart in these
        ("http://me:k3y/k3yk3y@rpc.example.org", f"http://{HIDDEN}"),
        ("http://me:k3y#k3yk3y@rpc.example.org", f"http://{HIDDEN}"),
        ("http://rpc.example.org\uff0fk3yk3yk3y", f"http://{HIDDEN}"),
        ("http://rpc.example.org:k3yk3yk3y/", f"http://{HIDDEN}"),
        ("http://me%40k3yk3yk3y/", f"http://{HIDDEN}"),
        ("http:rpc.example.org/k3yk3yk3y", HIDDEN),
        ("/home/me/k3yk3yk3y/geth.ipc", HIDDEN),
        ("k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y", HIDDEN),
        ("", HIDDEN),
    ],
)
def test_scheme_host_and_port_are_shown(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_texts_of_others_lose_urls_and_secrets() -> None:
    address = "https://me:p%40ssword@rpc.example.org:8443/v2/k3yk3yk3y?apikey=ap1k3yap1k3y"
    said = (
        "HTTPSConnectionPool(host='rpc.example.org', port=8443): Max retries exceeded with url: /v2/k3yk3yk3y "
        f"(403 Client Error: Forbidden for url: {address}) project k3yk3yk3y of me, p@ssword, ap1k3yap1k3y is unknown; "
        "see https://docs.example.org/errors?id=7"
    )
    left = scrubbed(said, address)
    for secret in ("k3yk3yk3y", "p@ssword", "p%40ssword", "ap1k3y", "id=7"):
        assert secret not in left
    assert "403 Client Error: Forbidden" in left and "https://docs.example.org" in left and "is unknown" in left


def test_texts_without_addresses_stay_as_they_are() -> None:
    said = "execution reverted: at most 500 blocks at once / query returned more than 10000 results: [0x1, 0x2]"
    assert scrubbed(said) == scrubbed(said, "http://127.0.0.1:8545") == said
