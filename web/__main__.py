"""``python -m web serve`` runs the front."""

import sys

import structlog
import uvicorn

from shared import telemetry
from web.app import create_front
from web.settings import WebSettings


def serve(settings: WebSettings) -> None:
    """Runs the front until SIGINT or SIGTERM."""
    telemetry.start_logging("web", settings.log_level)
    config = uvicorn.Config(
        create_front(settings),
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody stands before the front whose word about the caller counts
        timeout_graceful_shutdown=3,
    )
    listening = config.bind_socket()
    host, port = listening.getsockname()[:2]
    structlog.get_logger(__name__).info("listening", host=host, port=port)
    uvicorn.Server(config).run(sockets=[listening])


def main() -> int:
    """Runs the command that the arguments name."""
    if sys.argv[1:] not in (["serve"], []):
        sys.stderr.write("usage: python -m web serve\n")
        return 2
    serve(WebSettings())
    return 0


if __name__ == "__main__":
    sys.exit(main())
