"""A fresh server in each shape, and a second one with SAML for the case that needs it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.identity_provider import identity_provider
from tests.support.server import running_server


@dataclass
class Fresh:
    """What the recorded cases run against."""

    url: str
    email: str
    password: str
    saml_url: str


@pytest.fixture(scope="module")
def saml_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("xmlsec1") is None:
        yield ""
        return
    with identity_provider(tmp_path_factory.mktemp("idp")) as provider:
        settings = {
            "KIROKU_SAML_ENABLED": "1",
            "KIROKU_SAML_METADATA_URL": f"{provider.url}/metadata",
            "KIROKU_SAML_IDP_NAME": "Studio Login",
        }
        with running_server(**settings) as server:
            yield server.url


@pytest.fixture(scope="module")
def contract_server(request: pytest.FixtureRequest, saml_url: str) -> Iterator[Fresh]:
    with running_server(request.module.SHAPE) as server:
        yield Fresh(server.url, server.email, server.password, saml_url)
