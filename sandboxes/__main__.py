"""Serve every provider's stand-in from one process: `python -m sandboxes --help`."""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn

from sandboxes.app import Config, build_app
from sandboxes.server import CuttableProtocol
from sandboxes.vendor import Options

_SHUTDOWN_SECONDS = 2  # hanging calls are cut when the process is asked to stop
# Longer than our clients keep a connection: one that closes just as it is used again is no answer.
_IDLE_SECONDS = 75


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    args = _parser().parse_args(arguments)
    public_url = (args.public_url or f"http://{args.host}:{args.http_port}").rstrip("/")
    token = args.control_token or secrets.token_urlsafe(24)
    if not args.control_token:
        sys.stderr.write(f"control token: {token}\n")
    urls = {"duffel": args.webhook_url_duffel, "stripe": args.webhook_url_stripe}
    config = Config(
        data_dir=args.data_dir,
        control_token=token,
        host=args.host,
        smtp_port=args.smtp_port or None,
        seed=args.seed,
        options=Options(
            public_url=public_url,
            search_rate=args.search_rate,
            currency=args.currency,
            webhook_urls={vendor: url for vendor, url in urls.items() if url},
            webhook_secrets={
                "duffel": args.webhook_secret_duffel,
                "stripe": args.webhook_secret_stripe,
            },
        ),
    )
    # The server raises the signal again once it has closed everything; that is a clean end.
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(
        build_app(config),
        host=args.host,
        port=args.http_port,
        http=CuttableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=_IDLE_SECONDS,
    )


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    def env(name: str, default: str = "") -> str:
        return os.environ.get(f"SANDBOX_{name}", default)

    parser = argparse.ArgumentParser(prog="sandboxes", description=__doc__)
    add = parser.add_argument
    add("--host", default=env("HOST", "127.0.0.1"))
    add("--http-port", type=int, default=int(env("HTTP_PORT", "8090")))
    add("--smtp-port", type=int, default=int(env("SMTP_PORT", "8025")), help="0: no SMTP")
    add("--data-dir", type=Path, default=Path(env("DATA_DIR", ".sandboxes")))
    add("--control-token", default=env("CONTROL_TOKEN"), help="made up and printed if not given")
    add("--seed", type=int, default=int(env("SEED", "1")), help="prices follow from it")
    add("--search-rate", type=int, default=int(env("SEARCH_RATE", "120")), help="a minute")
    add("--currency", default=env("CURRENCY", "USD"))
    add("--public-url", default=env("PUBLIC_URL"))
    add("--webhook-url-duffel", default=env("WEBHOOK_URL_DUFFEL"))
    add("--webhook-url-stripe", default=env("WEBHOOK_URL_STRIPE"))
    add("--webhook-secret-duffel", default=env("WEBHOOK_SECRET_DUFFEL", "sandbox-duffel-secret"))
    add("--webhook-secret-stripe", default=env("WEBHOOK_SECRET_STRIPE", "whsec_sandbox"))
    return parser


if __name__ == "__main__":
    main()
