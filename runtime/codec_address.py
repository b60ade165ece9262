"""Where the codec endpoint is: an address that only the installation's secret makes."""

from runtime.crypto import hmac_hex

CODEC_PATH = "/api/temporal-codec"


def codec_tag(secret: str) -> str:
    """Return the part of the address that is the permission."""
    return hmac_hex(secret, "temporal codec endpoint")[:40]


def codec_endpoint(base_url: str, secret: str) -> str:
    """Return the address for `--ui-codec-endpoint` and `temporal --codec-endpoint`."""
    return f"{base_url}{CODEC_PATH}/{codec_tag(secret)}"
