"""The mailbox folder: exactly once, whatever dies and however many write."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.deliver import maildir
from tasks.deliver.maildir import MaildirTransport
from tasks.errors import MailDeferred, MailRefused, MailUnsure, TransportDown
from tasks.records import Message

MAIL = Message(
    key="2026-03-02.7",
    message_id="<2026-03-02.7@news.example.org>",
    sender="digest@news.example.org",
    recipient="ada@example.org",
    body=b"Subject: hello\r\n\r\nGood morning.\r\n",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "mailbox"


def names(folder: Path) -> list[str]:
    """Everything in the mailbox, as tmp/…, new/… or cur/…."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


def test_a_finished_mail_lies_in_new_under_its_key_byte_for_byte(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        handover = way.offer(MAIL)
        assert [name.partition("/")[0] for name in names(folder)] == ["tmp"]
        reply = handover.finish()
    assert (reply.code, reply.text) == (250, "delivered as 2026-03-02.7")
    assert names(folder) == ["new/2026-03-02.7"]
    assert (folder / "new" / MAIL.key).read_bytes() == MAIL.body


def test_nothing_is_made_before_the_first_offer(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        assert way.delivered(MAIL.message_id, MAIL.key) is False
        assert not folder.exists()


def test_only_the_owner_may_look(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        way.offer(MAIL).finish()
    modes = {path: path.stat().st_mode & 0o777 for path in (folder, *folder.glob("*"))}
    assert set(modes.values()) == {0o700}
    assert (folder / "new" / MAIL.key).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", ["new/{}", "cur/{}:2,", "cur/{}:2,RS", "cur/{}"])
def test_a_mail_that_arrived_earlier_is_not_delivered_again(folder: Path, place: str) -> None:
    with MaildirTransport(folder) as way:
        way.offer(MAIL).finish()
        found = folder / place.format(MAIL.key)
        (folder / "new" / MAIL.key).rename(found)
        assert way.delivered(MAIL.message_id, MAIL.key) is True
        assert way.delivered(MAIL.message_id, MAIL.key[:-1]) is False
        reply = way.offer(replace(MAIL, body=b"another")).finish()
    assert (reply.code, reply.text) == (250, "already delivered")
    assert names(folder) == [str(found.relative_to(folder))]
    assert found.read_bytes() == MAIL.body


def test_an_abandoned_mail_leaves_nothing(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        handover = way.offer(MAIL)
        handover.abandon()
        handover.abandon()
        with pytest.raises(RuntimeError, match="already ended"):
            handover.finish()
    assert names(folder) == []


def test_unfinished_mails_are_abandoned_with_the_transport(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        way.offer(MAIL)
        way.offer(replace(MAIL, key="other")).finish()
    assert names(folder) == ["new/other"]


@pytest.mark.parametrize(
    "key", ["", ".hidden", "..", "a/b", "../escape", "a:2,S", "a b", "a\n", "é", "x" * 201, "a\x00"]
)
def test_a_key_that_is_no_safe_file_name_is_refused(folder: Path, key: str) -> None:
    with MaildirTransport(folder) as way, pytest.raises(MailRefused, match="cannot be a file's"):
        way.offer(replace(MAIL, key=key))
    assert not folder.exists()


def test_old_files_of_ours_are_swept_and_nobody_elses(folder: Path) -> None:
    tmp = folder / "tmp"
    tmp.mkdir(parents=True)
    old = time.time() - 37 * 3600
    for name in ("dead.0123.paperround", "young.0123.paperround", "another-program"):
        (tmp / name).write_bytes(b"half a ma")
        os.utime(tmp / name, (old, old) if "young" not in name else None)
    (tmp / "folder.paperround").mkdir()
    os.utime(tmp / "folder.paperround", (old, old))
    with MaildirTransport(folder) as way:
        way.offer(MAIL).finish()
    assert sorted(path.name for path in tmp.iterdir()) == [
        "another-program",
        "folder.paperround",
        "young.0123.paperround",
    ]


def test_twenty_finishers_of_one_mail_leave_one_file(folder: Path) -> None:
    barrier = threading.Barrier(20)
    replies: list[str] = []

    def finisher() -> None:
        with MaildirTransport(folder) as way:
            handover = way.offer(MAIL)
            barrier.wait(10)
            replies.append(handover.finish().text)

    threads = [threading.Thread(target=finisher) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(replies) == ["already delivered"] * 19 + ["delivered as 2026-03-02.7"]
    assert names(folder) == ["new/2026-03-02.7"]


def test_the_file_system_refuses_the_second_copy_even_when_nobody_looked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MaildirTransport, "delivered", lambda *_: False)
    with MaildirTransport(folder) as way:
        way.offer(MAIL).finish()
        assert way.offer(replace(MAIL, body=b"another")).finish().text == "already delivered"
    assert (folder / "new" / MAIL.key).read_bytes() == MAIL.body


def test_several_processes_share_one_mailbox_and_a_killed_one_leaves_only_a_stale_file(
    folder: Path,
) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path; from tasks.records import Message;"
        "from tasks.deliver.maildir import MaildirTransport;"
        "mail = Message(key='k', message_id='<k@x>', sender='a@b', recipient='c@d', body=b'x');"
        "handover = MaildirTransport(Path(sys.argv[1])).offer(mail);"
        "print('ready', flush=True); sys.stdin.readline(); handover.finish()"
    )
    command = [sys.executable, "-c", program, str(folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    processes[0].kill()
    for process in processes:
        process.communicate("go\n", timeout=20)
    assert [process.returncode for process in processes] == [-9, 0, 0, 0]
    assert [name for name in names(folder) if not name.startswith("tmp/")] == ["new/k"]
    assert len(names(folder)) == 2


# --- disks that fail -----------------------------------------------------------------------------
@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 4 kB: what a full disk looks like from inside a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        with pytest.raises(TransportDown, match=r"File too large.*Make room") as caught:
            way.offer(replace(MAIL, body=b"x" * 5000))
        assert str(folder) in str(caught.value)
        assert caught.value.phase == "body"
        assert names(folder) == []
        assert way.offer(MAIL).finish().code == 250


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    way = MaildirTransport(tmp_path / "state" / "mailbox")
    for attempt in (lambda: way.offer(MAIL), way.check, lambda: way.delivered("", MAIL.key)):
        with pytest.raises(TransportDown, match="Not a directory") as caught:
            attempt()
        assert caught.value.phase == "connect"


def test_a_mailbox_that_vanished_under_our_feet_defers_the_mail(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        handover = way.offer(MAIL)
        (folder / "new").rmdir()
        with pytest.raises(MailDeferred) as caught:
            handover.finish()
        assert caught.value.phase == "dot"
        with pytest.raises(TransportDown):
            way.check()
    assert names(folder) == []


def test_a_disk_that_does_not_confirm_the_name_leaves_the_mail_unsure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MaildirTransport(folder) as way:
        handover = way.offer(MAIL)

        def failing(descriptor: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(maildir.os, "fsync", failing)
        with pytest.raises(MailUnsure, match="did not confirm"):
            handover.finish()
        # The doubt is the disk's: what can be seen is said.
        assert way.delivered(MAIL.message_id, MAIL.key) is True


def test_the_check_tries_everything_and_leaves_nothing(folder: Path) -> None:
    with MaildirTransport(folder) as way:
        assert way.check() == f"the mailbox folder {folder} can be written"
        assert str(folder) in repr(way)
    assert names(folder) == []
