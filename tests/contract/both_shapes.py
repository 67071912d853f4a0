"""Run every recorded case against a fresh server of each shape and print both tables: `make contract`."""

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.contract import runner
from tests.support.identity_provider import identity_provider
from tests.support.server import SHAPES, running_server


def main() -> int:
    """Return 0 when every case is as recorded in both shapes."""
    failed = 0
    with ExitStack() as stack:
        more = []
        if shutil.which("xmlsec1"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kiroku-idp-")))
            provider = stack.enter_context(identity_provider(folder))
            settings = {
                "KIROKU_SAML_ENABLED": "1",
                "KIROKU_SAML_METADATA_URL": f"{provider.url}/metadata",
                "KIROKU_SAML_IDP_NAME": "Studio Login",
            }
            more = ["--saml-url", stack.enter_context(running_server(**settings)).url]
        for shape in SHAPES:
            print(f"\n{shape}\n{'=' * len(shape)}", flush=True)
            with running_server(shape) as server:
                failed += runner.main([server.url, server.email, server.password, *more])
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
