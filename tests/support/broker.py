"""RabbitMQ for tests, first found wins; a test that needs it never skips, it fails and says what to do.

In this order: `KIROKU_TEST_AMQP_URL`; a broker on 127.0.0.1:5672; a container, where a Docker engine answers; the
machine's `rabbitmq-server` as a child of the tests, which root on Debian installs first.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

import amqp

VARIABLE = "KIROKU_TEST_AMQP_URL"
LOCAL_URL = "amqp://guest:guest@127.0.0.1:5672/%2F"
IMAGE = "rabbitmq:3.13"
START_SECONDS = 90.0
STOP_SECONDS = 30.0
# Debian's /usr/sbin scripts change to the system's user and data folder; the scripts they wrap do neither.
WRAPPED_SCRIPTS = Path("/usr/lib/rabbitmq/bin")
ADVICE = (
    "The distributed tests need RabbitMQ. Do one of these: set KIROKU_TEST_AMQP_URL to a broker, run one on "
    "127.0.0.1:5672 with the user guest, start Docker, or install the package rabbitmq-server. Tried: "
)

Ctl = Callable[[Sequence[str]], None]


class Broker:
    """A RabbitMQ; only one that the tests started themselves (`owned`) can be killed, restarted and stopped."""

    owned = False

    def __init__(self, url: str, ctl: Ctl | None = None) -> None:
        """Take the URL of its default virtual host, and what runs `rabbitmqctl` for it."""
        self.url = url
        self._ctl = ctl

    def fresh_vhost(self) -> str:
        """Return the URL of a new, empty virtual host; that of the default one where we may not create any."""
        name, user = f"kiroku-{uuid4().hex[:12]}", urlsplit(self.url).username or "guest"
        if self._ctl is None:
            return self.url
        try:
            self._ctl(["add_vhost", name])
            self._ctl(["set_permissions", "-p", name, user, ".*", ".*", ".*"])
        except (OSError, subprocess.SubprocessError):
            return self.url
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_vhost(self, url: str) -> None:
        """Delete a virtual host that `fresh_vhost` made."""
        if self._ctl is not None and url != self.url:
            self._ctl(["delete_vhost", urlsplit(url).path[1:]])

    def kill(self) -> None:
        """End a broker of our own as a power cut would: kill -9."""
        raise RuntimeError("this broker is not ours to kill")

    def restart(self) -> None:
        """Start a broker of our own again on the same port and data, after a clean stop if it still runs."""
        raise RuntimeError("this broker is not ours to restart")

    def stop(self) -> None:
        """End a broker of our own for good and remove its data; leave any other alone."""


class OwnBroker(Broker):
    """The machine's RabbitMQ as a child: its own ports, node name, cookie, name daemon (epmd) and data folder."""

    owned = True

    def __init__(self, settings: str = "") -> None:
        """Start it, with further lines of `rabbitmq.conf`; takes some seconds."""
        self._server, control = _script("rabbitmq-server"), _script("rabbitmqctl")
        self._folder = Path(tempfile.mkdtemp(prefix="kiroku-test-mq-"))
        self._port, dist_port, epmd_port = _free_ports(3)
        self._environment = self._write_settings(dist_port, epmd_port, settings)
        super().__init__(f"amqp://guest:guest@127.0.0.1:{self._port}/%2F", _ctl(control, self._environment))
        # Started by Erlang, the name daemon would outlive us and be everybody's; as our child it is ours to end.
        self._epmd = self._spawn([str(_script("epmd")), "-port", str(epmd_port), "-address", "127.0.0.1"])
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        atexit.register(self.stop)
        try:
            self.restart()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int | None:
        """The process id of the Erlang machine; None when it does not run."""
        return self._process.pid if self._process else None

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Start it again on the same port and data, after a clean stop if it still runs."""
        self._end()
        self._process = self._spawn([str(self._server)])
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace").strip()
                raise RuntimeError(f"rabbitmq-server did not start: {said[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it for good, with its name daemon, and remove its data."""
        if os.getpid() != self._owner:
            return  # a forked child that ends must not take the broker along
        atexit.unregister(self.stop)
        self._end()
        self._epmd.terminate()
        self._epmd.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self.kill()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C ends the tests, and they end the broker
            )

    def _write_settings(self, dist_port: int, epmd_port: int, settings: str) -> dict[str, str]:
        """Write the files of a private node and return the environment of its programs."""
        folder = self._folder
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(
            f"log.console.level = warning\ndisk_free_limit.absolute = 10MB\n{settings}"
        )
        (folder / ".erlang.cookie").write_text(uuid4().hex)
        (folder / ".erlang.cookie").chmod(0o400)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return inherited | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(epmd_port),
            "RABBITMQ_NODENAME": f"kiroku-{folder.name[-8:]}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(dist_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            # By these two the script becomes the Erlang machine instead of waiting for it, so that kill -9 reaches it.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput",
        }


@cache
def find_broker() -> Broker:
    """Return the broker of this test session; raises RuntimeError with advice when there is none to be had."""
    if url := os.environ.get(VARIABLE):
        if not answers(url):
            raise RuntimeError(f"{VARIABLE} is set, but no broker answers there. {ADVICE}that one.")
        return Broker(url)
    if answers(LOCAL_URL):
        return Broker(LOCAL_URL, _ctl(Path("rabbitmqctl"), dict(os.environ)))
    reasons = ["nothing on 127.0.0.1:5672"]
    for way in (_container, OwnBroker):
        try:
            return way()
        except Exception as error:  # an engine or a package fails in many ways, and each leaves the next way open
            reasons.append(str(error))
    raise RuntimeError(ADVICE + "; ".join(reasons))


@contextmanager
def broker_url() -> Iterator[str]:
    """Give the URL of a virtual host for one use, on the broker of this session."""
    broker = find_broker()
    url = broker.fresh_vhost()
    try:
        yield url
    finally:
        if not broker.owned:
            broker.drop_vhost(url)


@contextmanager
def own_broker(settings: str = "") -> Iterator[OwnBroker]:
    """Give a broker that a test may kill and restart: always a child, whatever else there is."""
    broker = OwnBroker(settings)
    try:
        yield broker
    finally:
        broker.stop()


def answers(url: str) -> bool:
    """Tell whether a broker completes an AMQP handshake at `url`: an open port alone proves nothing."""
    parts = urlsplit(url)
    secure = parts.scheme == "amqps"
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    host, vhost = f"{parts.hostname}:{parts.port or (5671 if secure else 5672)}", unquote(parts.path[1:]) or "/"
    try:
        with amqp.Connection(host, user, password, virtual_host=vhost, ssl=secure, connect_timeout=2, read_timeout=10):
            return True
    except (OSError, amqp.AMQPError):
        return False


def _container() -> Broker:
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        raise RuntimeError("no Docker engine")
    import docker  # type: ignore[import-untyped]
    from testcontainers.rabbitmq import RabbitMqContainer

    docker.from_env(timeout=5).ping()
    container = RabbitMqContainer(IMAGE)
    container.start()
    atexit.register(container.stop)

    def ctl(arguments: Sequence[str]) -> None:
        code, output = container.exec(["rabbitmqctl", *arguments])
        if code:
            raise subprocess.SubprocessError(output)

    return Broker(f"amqp://guest:guest@{container.get_container_host_ip()}:{container.get_exposed_port(5672)}/%2F", ctl)


def _ctl(program: Path, environment: dict[str, str]) -> Ctl:
    def ctl(arguments: Sequence[str]) -> None:
        subprocess.run([program, *arguments], env=environment, check=True, capture_output=True, timeout=60)

    return ctl


def _script(name: str) -> Path:
    """Find one of RabbitMQ's programs, after installing it where we may."""
    if os.geteuid() == 0 and shutil.which("apt-get") and not _find(name):
        _install()
    if found := _find(name):
        return found
    raise FileNotFoundError(f"there is no {name} on this machine, and only root on Debian can install it by itself")


def _find(name: str) -> Path | None:
    found = shutil.which(name, path=f"{WRAPPED_SCRIPTS}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    return Path(found) if found else None


def _install() -> None:
    """Install the Debian package without letting it start a system service."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    policy = Path("/usr/sbin/policy-rc.d")  # what Debian asks before it starts a service; 101 means no
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "rabbitmq-server"]):
            command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *arguments]
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]
