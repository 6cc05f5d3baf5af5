import pytest

from server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a file that do not kill it."""
    server = Server(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture
def mortal(tmp_path):
    """A server of the test's own, to be killed."""
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture
def kinesis(server):
    return server.client("kinesis")
