"""A page that hangs, crashes or devours costs its own turn, and nobody else anything."""

from __future__ import annotations

import contextlib
import gc
import http.client
import http.server
import io
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.errors import PageError
from tasks.parse import child, frames, killable
from tasks.parse.killable import Parser
from tasks.parse.page import parse_page
from tasks.records import ParsedEntry, ParsedPage, RawPage, RejectedItem

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages"
ROOT = Path(__file__).parents[1]

ACTOR = """
import os, signal, sys, time
from tasks.parse import child
from tasks.records import ParsedPage
before = []
def parse(page):
    words = page.body.decode().split()
    before.append(words)
    if words[0] == "hang": time.sleep(60)
    if words[0] == "die" or (words[0] == "die-if-used" and len(before) > 1):
        os.kill(os.getpid(), signal.SIGSEGV)
    if words[0] == "devour": bytearray(2**30)
    if words[0] == "stumble": return {}["missing"]
    if words[0] == "chatter":
        print("chatter" * 1000); os.write(1, b"noise"); words.append(repr(sys.stdin.read()))
    said = {"pid": os.getpid(), "environment": sorted(os.environ)}.get(words[0], words)
    return ParsedPage(shape=str(said), entries=())
child.main(parse)
"""


def page(body: bytes | str) -> RawPage:
    data = body.encode() if isinstance(body, str) else body
    return RawPage(url="https://feeds.example.org/f.xml", body=data, fetched_at=NOW)


@pytest.fixture
def actor(tmp_path) -> Iterator[tuple[str, ...]]:
    script = tmp_path / "actor.py"
    script.write_text(ACTOR)
    yield (sys.executable, "-P", str(script))
    gc.collect()  # a pipe or process left behind is an error here, not in a later test


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(seconds=60) as shared:
        yield shared


def refused(parser: Parser, body: bytes | str) -> PageError:
    with pytest.raises(PageError) as caught:
        parser.parse(page(body))
    return caught.value


def pid(parser: Parser) -> int:
    return int(parser.parse(page("pid")).shape)


def answering(script: str) -> tuple[str, ...]:
    """A child that says it is ready and then, to any page, does what `script` says with `out`."""
    ready = (
        "import os, pickle, sys; from tasks.parse import frames\n"
        "out = sys.stdout.buffer\n"
        "frames.write(out, b''); frames.read(sys.stdin.buffer)\n"
    )
    return (sys.executable, "-P", "-c", ready + script)


# --- the way there and back ----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["feeds/rss.xml", "arxiv/rss.xml", "arxiv/list_new.html"])
def test_a_page_comes_back_as_it_would_without_a_child(parser, name):
    given = page((PAGES / name).read_bytes())
    found = parser.parse(given)
    assert found == parse_page(given)
    assert found.entries


def test_a_page_error_crosses_with_its_reason_and_words(parser):
    given = page("<opml></opml>")
    with pytest.raises(PageError) as here:
        parse_page(given)
    there = refused(parser, given.body)
    assert (there.reason, str(there)) == (here.value.reason, str(here.value))


def test_every_kind_of_answer_may_pass_and_nothing_else():
    full = ParsedPage(
        shape="x",
        entries=(ParsedEntry(title="t", published=NOW),),
        day=date(2026, 8, 15),
        rejected=(RejectedItem(position=1, reason="r"),),
    )
    for answer in (full, PageError("empty", "m")):
        found = killable._Answer(io.BytesIO(pickle.dumps(answer))).load()
        assert (type(found), str(found)) == (type(answer), str(answer))
    with pytest.raises(pickle.UnpicklingError, match="system is no answer"):
        killable._Answer(io.BytesIO(pickle.dumps(os.system))).load()


# --- limits --------------------------------------------------------------------------------------
def test_a_page_that_hangs_is_ended_and_the_next_one_is_read(actor):
    with Parser(seconds=1, command=actor) as parser:
        first = pid(parser)
        error = refused(parser, "hang")
        assert error.reason == "timeout"
        assert "within 1 seconds" in str(error)
        assert pid(parser) != first


def test_a_page_that_crashes_is_blamed_only_in_a_fresh_child(actor):
    with Parser(command=actor) as parser:
        first = pid(parser)
        assert parser.parse(page("die-if-used")).shape == "['die-if-used']"
        assert pid(parser) != first
        error = refused(parser, "die")
        assert error.reason == "crashed"
        assert f"exit {-signal.SIGSEGV}" in str(error)
        assert pid(parser)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is not kept elsewhere")
def test_a_page_that_devours_memory_is_ended(actor):
    with Parser(memory=2**28, command=actor) as parser:
        assert refused(parser, "devour").reason == "crashed"
        assert pid(parser)


def test_a_parser_that_stumbles_is_named_and_the_child_stays(actor):
    with Parser(command=actor) as parser:
        first = pid(parser)
        error = refused(parser, "stumble")
        assert (error.reason, str(error)) == ("crashed", "The parser failed: KeyError: 'missing'")
        assert pid(parser) == first


def test_what_libraries_print_and_read_does_not_touch_the_answers(actor):
    with Parser(command=actor) as parser:
        assert parser.parse(page("chatter")).shape == "['chatter', \"''\"]"
        assert parser.parse(page("next")).shape == "['next']"


def test_a_child_is_renewed_after_its_share_of_pages(actor):
    with Parser(pages=2, command=actor) as parser:
        pids = [pid(parser) for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_the_child_gets_no_secret(actor, monkeypatch):
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", "hush")
    with Parser(command=actor) as parser:
        found = parser.parse(page("environment")).shape
    assert "PYTHONPATH" in found
    assert "PAPERROUND_SECRET_KEY" not in found


# --- children that misbehave ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("frames.write(out, b'no pickle')", "crashed"),
        ("frames.write(out, pickle.dumps(os.getpid))", "crashed"),
        ("frames.write(out, pickle.dumps(7))", "crashed"),
        ("out.write(b'\\xff' * 4); out.flush(); sys.stdin.read()", "too_large"),
        ("out.write(b'\\0\\0\\1\\0half'); out.flush()", "crashed"),
        ("sys.stdin.close(); os._exit(0)", "crashed"),
    ],
)
def test_an_answer_that_is_none_blames_the_page(script, reason):
    with Parser(command=answering(script)) as parser:
        assert refused(parser, "x").reason == reason


def test_a_page_written_to_a_dead_child_is_a_crash_not_a_broken_pipe():
    ready = "from tasks.parse import frames; import sys; frames.write(sys.stdout.buffer, b'')"
    with Parser(command=(sys.executable, "-P", "-c", ready)) as parser:
        assert refused(parser, b"x" * 1_000_000).reason == "crashed"


def test_a_child_that_does_not_start_is_no_page_s_fault():
    with (
        Parser(command=(sys.executable, "-c", "raise SystemExit(3)")) as parser,
        pytest.raises(RuntimeError, match="does not start: exit 3"),
    ):
        parser.parse(page("x"))


# --- company -------------------------------------------------------------------------------------
def test_threads_share_a_parser(actor):
    with Parser(command=actor) as parser, ThreadPoolExecutor(3) as pool:
        shapes = list(pool.map(lambda n: parser.parse(page(f"page {n}")).shape, range(30)))
        assert len(parser._idle) <= 3
    assert shapes == [str(["page", str(n)]) for n in range(30)]


def in_a_fork(parser: Parser, theirs: int, answer: multiprocessing.SimpleQueue[bool]) -> None:
    found = pid(parser)
    answer.put(found != theirs and pid(parser) == found)
    parser.close()


def test_a_daemon_forked_from_the_owner_starts_its_own_children(actor):
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    with Parser(command=actor) as parser:
        ours = pid(parser)
        fork = context.Process(target=in_a_fork, args=(parser, ours, answer), daemon=True)
        fork.start()
        fork.join(30)
        assert fork.exitcode == 0
        assert answer.get()
        assert pid(parser) == ours
    answer.close()
    fork.close()


def test_a_child_of_another_process_is_let_go(actor, monkeypatch):
    with Parser(command=actor) as parser:
        ours = pid(parser)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(killable.os, "getpid", lambda: -1)
            theirs = pid(parser)
        assert theirs != ours
        monkeypatch.setattr(killable.os, "getpid", lambda: -1)
    os.waitpid(ours, 0)  # it ends by itself, for its input has ended


def test_a_caller_s_own_time_limit_leaves_no_stale_answer(actor):
    def late(number: int, frame: object) -> None:
        raise InterruptedError("the worker's time is up")

    before = signal.signal(signal.SIGUSR1, late)
    try:
        with Parser(command=actor) as parser:
            first = pid(parser)
            timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            with pytest.raises(InterruptedError):
                parser.parse(page("hang"))
            timer.join()
            assert pid(parser) != first
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_closed_parser_leaves_nothing_behind_and_starts_nothing(actor):
    open_before = len(os.listdir("/dev/fd"))
    with Parser(command=actor) as parser:
        process = pid(parser)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert len(os.listdir("/dev/fd")) == open_before
    with pytest.raises(RuntimeError, match="closed"):
        parser.parse(page("x"))


def test_a_child_at_work_while_its_parser_is_closed_ends_with_its_page(actor, monkeypatch):
    parser = Parser(command=actor)
    process = pid(parser)
    ask = killable._Child.ask

    def ask_and_close(self: killable._Child, given: RawPage, seconds: float) -> object:
        answer = ask(self, given, seconds)
        parser.close()
        return answer

    monkeypatch.setattr(killable._Child, "ask", ask_and_close)
    assert parser.parse(page("x")).shape == "['x']"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_children_end_with_a_killed_parent(actor):
    script = (
        "import os, signal, sys; from datetime import datetime, UTC\n"
        "from tasks.parse.killable import Parser; from tasks.records import RawPage\n"
        f"parser = Parser(command={actor!r})\n"
        "parser.parse(RawPage(url='', body=b'x', fetched_at=datetime.now(UTC)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # The child inherits standard error: the pipe ends when parent and child are both gone.
    done = subprocess.run(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, timeout=30, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")


# --- the child itself ----------------------------------------------------------------------------
def test_a_child_without_a_parent_is_ended_by_its_alarm():
    script = (
        "import time; from tasks.parse.child import alarmed\n"
        "alarmed(lambda page: time.sleep(60), 0.05)(None)"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=30, cwd=ROOT)
    assert done.returncode == -signal.SIGALRM


def test_the_child_bounds_itself_before_it_says_that_it_is_ready(monkeypatch):
    events: list[object] = []
    requests = io.BytesIO()
    frames.write(requests, pickle.dumps(page("<opml></opml>")))
    requests.seek(0)
    answers = io.BytesIO()

    @contextlib.contextmanager
    def pipes() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
        events.append("pipes")
        yield requests, answers

    monkeypatch.setattr(child, "private_pipes", pipes)
    monkeypatch.setattr(sys, "argv", ["child", "3", "1000000"])
    monkeypatch.setattr(child.resource, "setrlimit", lambda *limit: events.append(limit))
    monkeypatch.setattr(child.signal, "setitimer", lambda *timer: events.append(timer))
    child.main()
    assert events == [
        (child.resource.RLIMIT_AS, (1_000_000, 1_000_000)),
        (child.resource.RLIMIT_CORE, (0, 0)),
        "pipes",
        (signal.ITIMER_REAL, 8.0),
        (signal.ITIMER_REAL, 0),
    ]
    answers.seek(0)
    assert frames.read(answers) == b""
    assert pickle.loads(frames.read(answers) or b"").reason == "list_of_feeds"


def test_without_limits_on_the_platform_pages_are_read_all_the_same(monkeypatch):
    monkeypatch.setattr(child, "resource", None)
    monkeypatch.delattr(child.signal, "setitimer")
    child.limit_memory(1)
    assert child.alarmed(parse_page, 1.0) is parse_page


def test_the_child_answers_a_stumble_and_dies_of_hunger(capsys):
    def answered(error: Exception) -> object:
        def parse(page: RawPage) -> ParsedPage:
            raise error

        requests, answers = io.BytesIO(), io.BytesIO()
        frames.write(requests, pickle.dumps(page("x")))
        requests.seek(0)
        child.serve(requests, answers, parse=parse)
        answers.seek(0)
        return pickle.loads(frames.read(answers) or b"")

    assert str(answered(KeyError("k"))) == "The parser failed: KeyError: 'k'"
    assert "Traceback" in capsys.readouterr().err
    with pytest.raises(MemoryError):
        answered(MemoryError())


def test_standard_input_and_output_are_moved_away():
    saved = os.dup(0), os.dup(1)
    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    try:
        os.dup2(asked, 0)
        os.dup2(answer, 1)
        with child.private_pipes() as (requests, answers):
            os.write(ask, b"question")
            assert os.read(0, 10) == b""
            assert requests.read(8) == b"question"
            os.write(1, b"")
            assert os.fstat(1).st_ino == os.fstat(2).st_ino
            frames.write(answers, b"reply")
        assert os.read(answered, 100) == b"\0\0\0\5reply"
    finally:
        for fd, place in zip(saved, (0, 1), strict=True):
            os.dup2(fd, place)
        for fd in (*saved, asked, ask, answered, answer):
            os.close(fd)


# --- bombs ---------------------------------------------------------------------------------------
HITS: list[str] = []


class Counting(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        HITS.append(self.path)
        self.send_error(404)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def counted() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/canary"
    server.shutdown()
    thread.join()
    server.server_close()


ARXIV = " xmlns:arxiv='http://arxiv.org/schemas/atom'"


def bomb(title: str, doctype: str = "", *, marks: str = "") -> str:
    item = f"<item><title>start {title} end</title><guid>oai:arXiv.org:2608.90001v1</guid></item>"
    return (
        f"<?xml version='1.0'?>{doctype}<rss version='2.0'{marks}><channel>{item}</channel></rss>"
    )


LAUGHS = (
    "<!DOCTYPE rss [<!ENTITY a0 'lol'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]>"
)
QUADRATIC = f"<!DOCTYPE rss [<!ENTITY a '{'x' * 100_000}'>]>"


@pytest.mark.parametrize("marks", ["", ARXIV], ids=["feed", "arxiv"])
@pytest.mark.parametrize(
    ("title", "doctype"), [("&a9;", LAUGHS), ("&a;" * 1000, QUADRATIC)], ids=["laughs", "quadratic"]
)
def test_entities_do_not_grow(parser, title, doctype, marks):
    found = parser.parse(page(bomb(title, doctype, marks=marks)))
    assert len(found.entries) == 1
    assert len(found.entries[0].title) <= 500


@pytest.mark.parametrize("marks", ["", ARXIV], ids=["feed", "arxiv"])
@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE rss [<!ENTITY x SYSTEM '{file}'>]>",
        "<!DOCTYPE rss [<!ENTITY x SYSTEM '{web}'>]>",
        "<!DOCTYPE rss SYSTEM '{web}'>",
        "<!DOCTYPE rss PUBLIC '-//A//B' '{web}' [<!ENTITY x SYSTEM '{file}'>]>",
        "<!DOCTYPE rss [<!ENTITY % p SYSTEM '{web}'> %p;]>",
    ],
)
def test_nothing_outside_of_the_page_is_read(parser, counted, tmp_path, doctype, marks):
    secret = tmp_path / "secret.txt"
    secret.write_text("stolen")
    doctype = doctype.format(file=secret.as_uri(), web=counted)
    try:
        found = repr(parser.parse(page(bomb("&x;", doctype, marks=marks))))
    except PageError as error:
        found = str(error)
    assert "stolen" not in found
    assert HITS == []


def test_the_canary_can_sing(counted):
    with contextlib.closing(http.client.HTTPConnection(counted.split("/")[2])) as line:
        line.request("GET", "/canary")
        assert line.getresponse().status == 404
    assert HITS.pop() == "/canary"


@pytest.mark.parametrize(
    "body",
    [
        "<rss version='2.0'><channel>" + "<item></item>" * 200_000 + "</channel></rss>",
        "<rss version='2.0'><channel><item "
        + " ".join(f"a{n}='x'" for n in range(32_000))
        + "/></channel></rss>",
    ],
    ids=["items", "attributes"],
)
def test_a_page_made_to_take_long_is_ended_at_the_limit(body):
    with Parser(seconds=1) as parser:
        assert refused(parser, body).reason == "timeout"
        assert parser.parse(page((PAGES / "feeds" / "rss.xml").read_bytes())).entries


@pytest.mark.parametrize(
    "body",
    [
        "<rss version='2.0'><channel><item><description>" + "<a>" * 50_000,
        "<rss version='2.0'><channel>" + "<item>" * 10_000,
        f"<rss version='2.0'{ARXIV}><channel>" + "<item>" * 10_000,
        "<feed xmlns='http://www.w3.org/2005/Atom'>" + "<entry>" * 10_000,
    ],
    ids=["markup", "items", "arxiv", "entries"],
)
def test_deep_nesting_ends_in_words(parser, body):
    with contextlib.suppress(PageError):
        assert parser.parse(page(body)).entries == ()
