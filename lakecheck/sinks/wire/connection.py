"""One guarded connection to a STOMP broker: nothing in it waits without end."""

from __future__ import annotations

import contextlib
import select
import ssl
import threading
import time
from collections import deque

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.wire.answers import trouble_of
from lakecheck.sinks.wire.brokers import Access, Broker
from lakecheck.sinks.wire.dial import dial, why_no_tls
from lakecheck.sinks.wire.frames import Frame, NoFrame, Reader, frame

# After traffic, ActiveMQ's next beat comes up to two intervals later.
BEATS_MISSED, GRACE = 2.5, 1.0
CHUNK = 256 * 2**10  # bytes read at once
ENOUGH = 1000  # frames at hand
CLOSING_WITHIN = 5.0  # s


class Lost(SinkTrouble):
    """The broker has closed the connection and said no reason."""


class Connection:
    """Sends and receives frames for one thread; heart-beats are sent by one of its own."""

    def __init__(self, broker: Broker, access: Access) -> None:
        """Connect and log in; raises SinkTrouble."""
        self.broker = broker
        self._access = access
        self._socket = dial(broker, access)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._reader = Reader()
        self._frames: deque[Frame] = deque()
        self._ended: SinkTrouble | None = None
        self._lock = threading.Lock()  # of the socket: TLS takes one thread at a time
        self._midst = False  # of a frame, where no heart-beat may go
        self._sent = self._heard = time.monotonic()
        self._silence = 0.0  # seconds after which the broker counts as frozen; 0: for ever
        self._closed = threading.Event()
        try:
            self._log_in()
        except BaseException:
            self.drop()
            raise

    @property
    def user(self) -> str:
        """Who we are there."""
        return self.broker.user or self._access.user

    def send(self, data: bytes) -> None:
        """Send whole frames; raises SinkTrouble where that does not go on."""
        view = memoryview(data)
        last = time.monotonic()
        while view:
            wanted, broken = 0, ""
            with self._lock:
                self._midst = True
                try:
                    view = view[self._socket.send(view) :]
                    last = self._sent = time.monotonic()
                    self._midst = bool(view)
                    continue
                except (BlockingIOError, ssl.SSLWantWriteError):
                    wanted = select.POLLOUT
                except ssl.SSLWantReadError:
                    pass
                except OSError as error:
                    broken = f"{self.broker.name} has closed the connection ({_why(error)})"
            self._take()  # it may have said why
            if broken:
                self._end(broken)
            if self._ended:
                raise self._reason()
            self._check_silence()
            if time.monotonic() - last > self._access.timeout:
                raise SinkTrouble(
                    f"{self.broker.name} takes nothing more since {self._access.timeout:g} s; it "
                    "is frozen, or its memory or store is full"
                )
            self._wait(wanted, 1.0)

    def receive(self, within: float) -> Frame | None:
        """Give the next frame, None where none comes in time; raises SinkTrouble."""
        deadline = time.monotonic() + within
        while True:
            if self._frames:
                return self._frames.popleft()
            self._take()
            if self._frames:
                continue
            if self._ended:
                raise self._ended
            self._check_silence()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._wait(0, min(left, 1.0))

    def sound(self) -> bool:
        """Say whether it still stands, as far as can be seen without waiting."""
        self._take()
        if self._ended or any(each.command == "ERROR" for each in self._frames):
            return False
        return not self._silence or time.monotonic() - self._heard <= self._silence

    def close(self) -> None:
        """Say good-bye where somebody listens, waiting until the broker has heard it."""
        with contextlib.suppress(SinkTrouble):
            if not self._ended:
                self.send(frame("DISCONNECT", {"receipt": "bye"}))
                deadline = time.monotonic() + min(CLOSING_WITHIN, self._access.timeout)
                while (left := deadline - time.monotonic()) > 0:
                    answer = self.receive(left)
                    if answer and answer.headers.get("receipt-id") == "bye":
                        break
        self.drop()

    def drop(self) -> None:
        """Close at once, as after trouble."""
        self._closed.set()
        with self._lock, contextlib.suppress(OSError):
            self._socket.close()

    def _log_in(self) -> None:
        access, broker = self._access, self.broker
        beat = str(round(access.heartbeat * 1000))
        headers = {"accept-version": "1.2", "host": broker.host, "heart-beat": f"{beat},{beat}"}
        if self.user:
            headers["login"] = self.user
            headers["passcode"] = broker.password if broker.user else access.password
        if access.client_id:
            headers["client-id"] = access.client_id
        for name in ("login", "passcode", "client-id"):
            if "\n" in headers.get(name, ""):
                raise SinkTrouble(f"{name} may have no line ends", lasting=True)
        self.send(frame("CONNECT", headers))
        try:
            answer = self.receive(access.timeout)
        except Lost as error:
            shown = "user, password and certificate" if access.certificate else "user and password"
            told = f"{error} at the log-in; check {shown}{self._other_port()}"
            raise Lost(told) from error
        if answer is None:
            raise SinkTrouble(
                f"{broker.name} does not answer within {access.timeout:g} s; it is frozen or "
                f"overloaded{self._other_port()}"
            )
        if answer.command != "CONNECTED":
            raise trouble_of(broker.name, answer, self.user)
        self._agree(answer.headers.get("heart-beat", "0,0"))

    def _other_port(self) -> str:
        if self.broker.tls:
            return ""
        return "; if its port is one of TLS, write stomp+ssl:// in url"

    def _agree(self, theirs: str) -> None:
        """Take the heart-beats that both sides can keep."""
        ours = self._access.heartbeat
        try:
            they_send, they_want = (int(each) / 1000 for each in theirs.split(","))
        except ValueError:
            they_send = they_want = 0.0
        if ours and they_send:
            self._silence = max(ours, they_send) * BEATS_MISSED + GRACE
        if ours and they_want:
            every = max(ours, they_want)
            threading.Thread(target=self._beat, args=(every,), daemon=True).start()

    def _beat(self, every: float) -> None:
        while not self._closed.wait(every / 4):
            if time.monotonic() - self._sent < every / 2:
                continue
            with self._lock:
                if self._midst or self._closed.is_set():
                    continue
                # A connection that is gone is the other thread's to find.
                with contextlib.suppress(OSError, ValueError):
                    self._socket.send(b"\n")
                    self._sent = time.monotonic()

    def _take(self) -> None:
        """Take in what has arrived."""
        while not self._ended:
            with self._lock:
                try:
                    received = self._socket.recv(CHUNK)
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return
                except OSError as error:
                    self._end(f"{self.broker.name} has closed the connection ({_why(error)})")
                    return
            if not received:
                self._end(f"{self.broker.name} has closed the connection")
                return
            self._heard = time.monotonic()
            try:
                self._frames.extend(self._reader.feed(received))
            except NoFrame as error:
                self._end(f"{self.broker.name}: {error}")
            if len(self._frames) >= ENOUGH:
                return  # the rest can wait in the kernel

    def _wait(self, wanted: int, most: float) -> None:
        self._poll.register(self._socket, select.POLLIN | wanted)
        self._poll.poll(max(0.0, most) * 1000)

    def _check_silence(self) -> None:
        # Asked only after looking: what came while the caller was away counts as heard now.
        if self._silence and time.monotonic() - self._heard > self._silence:
            raise SinkTrouble(
                f"{self.broker.name} has been silent for {self._silence:g} s although it promised "
                "heart-beats; it is frozen, or the network is gone"
            )

    def _reason(self) -> SinkTrouble:
        """Why it ended: what the broker said last, or that it said nothing."""
        for answer in self._frames:
            if answer.command == "ERROR":
                return trouble_of(self.broker.name, answer, self.user)
        assert self._ended
        return self._ended

    def _end(self, sentence: str) -> None:
        self._ended = self._ended or Lost(sentence)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return why_no_tls(error)
    if isinstance(error, TimeoutError):
        return "what was sent was not acknowledged"
    return error.strerror or str(error)
