"""Saved pages: directories, files and archives, honest and hostile."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.errors import SourceError, UsageError
from tasks.fetch import archive, folder
from tasks.fetch.folder import Limits, day_of
from tasks.records import RawPage, Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
Files = dict[str, bytes]


def read(path: Path, limits: Limits = folder.LIMITS) -> tuple[list[RawPage], list[str]]:
    items = list(folder.pages(path, at=AT, limits=limits))
    return (
        [item for item in items if isinstance(item, RawPage)],
        [item for item in items if isinstance(item, str)],
    )


def names(path: Path) -> list[str]:
    return [page.name for page in read(path)[0]]


def tar(path: Path, members: Iterable[tuple[tarfile.TarInfo | str, bytes]]) -> Path:
    """Write a tar packed as the name says. A bare name is a regular file's."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as file:
        for info, body in members:
            entry = tarfile.TarInfo(info) if isinstance(info, str) else info
            entry.size = len(body)
            file.addfile(entry, io.BytesIO(body))
    pack = lzma.compress if path.name.endswith("xz") else gzip.compress
    path.write_bytes(pack(data.getvalue()))
    return path


def write_zip(path: Path, members: Iterable[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, body in members:
            file.writestr(info, body)
    return path


def pack(path: Path, files: Files) -> Path:
    return (write_zip if path.name.lower().endswith(".zip") else tar)(path, list(files.items()))


FORMS = ["a.zip", "a.tar.gz", "a.tgz", "a.tar.xz", "A.ZIP"]


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = "/etc/passwd"
    return info


# --- what comes out ------------------------------------------------------------------------------
def test_a_directory_gives_its_files_by_name(tmp_path: Path) -> None:
    root = tmp_path / "saved"
    for name in ("b/2024-05-28.html", "a.txt", ".hidden", "c.xml.status400"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    pages, notes = read(root)
    assert [(page.name, page.body.decode()) for page in pages] == [
        (name, name) for name in (".hidden", "a.txt", "b/2024-05-28.html", "c.xml.status400")
    ]
    assert notes == []
    page = pages[2]
    assert (page.url, page.kind, page.day) == (
        "folder:saved/b/2024-05-28.html",
        "auto",
        date(2024, 5, 28),
    )
    assert (page.content_type, page.fetched_at) == ("text/html", AT)
    assert (pages[0].content_type, pages[0].day) == ("", None)


def test_one_file_is_one_page(tmp_path: Path) -> None:
    path = tmp_path / "x_2024-12-11_y.json"
    path.write_bytes(b"[]")
    (page,) = read(path)[0]
    assert (page.url, page.name) == ("folder:x_2024-12-11_y.json", "x_2024-12-11_y.json")
    assert (page.day, page.content_type) == (date(2024, 12, 11), "application/json")


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_gives_its_files_by_name(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, {"z/2024-05-28.json": b"[1]", "é b.txt": b"", "a.md": b"x"})
    pages, notes = read(path)
    assert [(page.name, page.body) for page in pages] == [
        ("a.md", b"x"),
        ("z/2024-05-28.json", b"[1]"),
        ("é b.txt", b""),
    ]
    assert notes == []
    assert pages[1].day == date(2024, 5, 28)
    assert pages[2].url == f"folder:{form}/%C3%A9%20b.txt"


def test_archives_at_the_top_of_a_directory_are_opened(tmp_path: Path) -> None:
    pack(tmp_path / "b.tar.xz", {"1.txt": b"1"})
    pack(tmp_path / "a.zip", {"2.txt": b"2"})
    (tmp_path / "c.txt").write_bytes(b"3")
    pages, _ = read(tmp_path)
    assert [page.name for page in pages] == ["a.zip/2.txt", "b.tar.xz/1.txt", "c.txt"]
    assert pages[0].url == f"folder:{tmp_path.name}/a.zip/2.txt"


def test_archives_further_down_stay_closed(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    pack(tmp_path / "below" / "a.zip", {"1.txt": b"1"})
    inner = (tmp_path / "below" / "a.zip").read_bytes()
    pack(tmp_path / "outer.zip", {"inner.zip": inner, "page.txt": b"1"})
    pages, notes = read(tmp_path)
    assert [page.name for page in pages] == ["outer.zip/page.txt"]
    assert [note.split(" is ")[0] for note in notes] == ["below/a.zip", "outer.zip/inner.zip"]


def test_several_streams_in_an_xz_file_are_read_on(tmp_path: Path) -> None:
    whole = gzip.decompress(tar(tmp_path / "a.tgz", [("a.txt", b"x" * 700)]).read_bytes())
    path = tmp_path / "b.tar.xz"
    path.write_bytes(
        lzma.compress(whole[:600]) + b"\0" * 8 + lzma.compress(whole[600:]) + b"\0" * 4
    )
    assert [page.body for page in read(path)[0]] == [b"x" * 700]


def test_padding_may_end_an_xz_file_anywhere() -> None:
    data = lzma.compress(b"x") + b"\0" * archive.STEP + lzma.compress(b"y")
    assert io.BufferedReader(archive._Xz(io.BytesIO(data))).read() == b"xy"


def test_an_empty_directory_and_an_empty_archive_give_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert read(tmp_path / "empty") == ([], [])
    assert read(pack(tmp_path / "a.zip", {})) == ([], [])
    assert read(pack(tmp_path / "a.tgz", {})) == ([], [])


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-05-27.json", date(2024, 5, 27)),
        ("2404589803_2024-12-11_strings.json", date(2024, 12, 11)),
        ("from 2024-02-30 or 2024-03-01.txt", date(2024, 3, 1)),
        ("2025-01-01/page.txt", None),
        ("12024-05-27.json", None),
        ("2024-05-271.json", None),
        ("page.txt", None),
    ],
)
def test_the_day_is_the_date_in_the_files_own_name(name: str, day: date | None) -> None:
    assert day_of(name) == day


@pytest.mark.parametrize("name", ["nowhere", "nowhere.zip", "socket"])
def test_a_path_that_holds_nothing_is_named(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "socket")
    with pytest.raises(UsageError, match=name):
        folder.pages(tmp_path / name, at=AT)


# --- hostile members -----------------------------------------------------------------------------
LEADING_OUT = ["../up.txt", "a/../../up.txt", "/etc/passwd", "..\\up.txt", "C:\\up.txt", "C:up.txt"]


@pytest.mark.parametrize("form", FORMS)
def test_members_that_lead_out_are_skipped(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, dict.fromkeys([*LEADING_OUT, "x" * 1001, "good.txt"], b"x"))
    pages, notes = read(path)
    assert [page.name for page in pages] == ["good.txt"]
    assert len(notes) == 7
    assert all("has no safe name" in note for note in notes)


def test_members_that_lead_out_are_skipped_below_a_directory_too(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"/etc/passwd": b"x"})
    pages, notes = read(tmp_path)
    assert pages == []
    assert notes == ["a.zip//etc/passwd has no safe name: skipped"]


def test_links_and_devices_in_a_tar_are_skipped(tmp_path: Path) -> None:
    kinds = {
        "sym": tarfile.SYMTYPE,
        "hard": tarfile.LNKTYPE,
        "char": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
        "fifo": tarfile.FIFOTYPE,
    }
    members = [(special(name, kind), b"") for name, kind in kinds.items()]
    folders = [(special("dir", tarfile.DIRTYPE), b"")]
    pages, notes = read(tar(tmp_path / "a.tgz", [*members, *folders, ("good.txt", b"x")]))
    assert [page.name for page in pages] == ["good.txt"]
    assert [note.split()[0] for note in notes] == list(kinds)


def test_links_in_a_zip_are_skipped(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    path = write_zip(tmp_path / "a.zip", [(link, b"/etc/passwd"), ("dir/", b""), ("good", b"x")])
    pages, notes = read(path)
    assert [page.name for page in pages] == ["good"]
    assert notes == ["link is a link or a device: skipped"]


def test_links_and_devices_in_a_directory_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_bytes(b"x")
    pack(tmp_path / "a.zip", {"a.txt": b"x"})
    (tmp_path / "root" / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "file").symlink_to(tmp_path / "secret" / "a.txt")
    (tmp_path / "root" / "pack.zip").symlink_to(tmp_path / "a.zip")
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root")
    os.mkfifo(tmp_path / "root" / "pipe")
    pages, notes = read(tmp_path / "root")
    assert pages == []
    assert [note.split()[0] for note in notes] == ["file", "folder", "loop", "pack.zip", "pipe"]


def test_a_directory_that_cannot_be_listed_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def closed(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    _, notes = read(tmp_path)
    assert "Permission denied" in notes[0]


def test_a_file_that_vanishes_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    (tmp_path / "b.txt").write_bytes(b"x")
    items = folder.pages(tmp_path, at=AT)
    next(items)
    (tmp_path / "b.txt").chmod(0)
    (tmp_path / "b.txt").unlink()
    (note,) = items
    assert isinstance(note, str)
    assert note.startswith("b.txt ")


def test_names_that_no_store_could_hold_are_written_out(tmp_path: Path) -> None:
    os.write(os.open(os.fsencode(tmp_path) + b"/a\xff\n.txt", os.O_CREAT | os.O_WRONLY), b"x")
    (page,) = read(tmp_path)[0]
    assert page.name == "a\\udcff\\n.txt"
    assert page.url == f"folder:{tmp_path.name}/a%5Cudcff%5Cn.txt"


def test_members_that_would_unpack_without_bound_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("bz.txt", b"x" * 99, zipfile.ZIP_BZIP2)
        file.writestr("lz.txt", b"x" * 99, zipfile.ZIP_LZMA)
        file.writestr("st.txt", b"x" * 99, zipfile.ZIP_STORED)
    pages, notes = read(path)
    assert [page.name for page in pages] == ["st.txt"]
    assert len(notes) == 2


def test_an_encrypted_member_is_noted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a.txt", b"x" * 50), ("b.txt", b"x" * 50)])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    pages, notes = read(path)
    assert [page.name for page in pages] == ["b.txt"]
    assert notes == ["a.txt is encrypted: skipped"]


def test_a_sparse_member_is_skipped(tmp_path: Path) -> None:
    info = special("sparse.txt", tarfile.GNUTYPE_SPARSE)
    pages, notes = read(tar(tmp_path / "a.tgz", [(info, b""), ("good.txt", b"x")]))
    assert [page.name for page in pages] == ["good.txt"]
    assert "sparse" in notes[0]


# --- size ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_a_member_of_zeros_costs_a_page_and_no_more(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, {"bomb.txt": bytes(30_000_000), "good.txt": b"x"})
    tracemalloc.start()
    pages, notes = read(path, Limits(page=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert [page.name for page in pages] == ["good.txt"]
    assert "bomb.txt is larger than 1,000,000 bytes" in notes[0]


def test_a_bombs_ratio_is_noted_where_it_is_known(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"bomb.txt": bytes(1_000_000)})
    _, notes = read(path, Limits(page=500_000))
    assert "times its packed size" in notes[0]


@pytest.mark.parametrize("form", ["a.zip", "a.tgz", "a.tar.xz", "folder"])
def test_a_page_of_exactly_the_cap_is_kept(form: str, tmp_path: Path) -> None:
    files = {"a.txt": bytes(1000), "b.txt": bytes(1001)}
    path = tmp_path / form
    if form == "folder":
        path.mkdir()
        for name, body in files.items():
            (path / name).write_bytes(body)
    else:
        pack(path, files)
    pages, notes = read(path, Limits(page=1000))
    assert [page.name for page in pages] == ["a.txt"]
    assert len(notes) == 1


@pytest.mark.parametrize("form", ["a.zip", "a.tgz"])
def test_the_walk_ends_at_the_total(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, {f"{n}.txt": bytes(1000) for n in range(9)})
    pages, notes = read(path, Limits(total=4500))
    assert [page.name for page in pages] == ["0.txt", "1.txt"] if form == "a.tgz" else pages
    assert len(pages) in (2, 4)
    assert "more than 4,500 bytes" in notes[-1]


def test_the_walk_ends_at_the_most_members(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tgz", {f"{n}.txt": b"x" for n in (3, 2, 1, 0)})
    pages, notes = read(path, Limits(members=3))
    assert [page.name for page in pages] == ["1.txt", "2.txt", "3.txt"]
    assert "more than 3 files" in notes[-1]


def test_a_tar_is_sorted_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "STRETCH", 2500)
    path = pack(tmp_path / "a.tgz", {f"{n}.txt": bytes(1000) for n in (5, 4, 3, 2, 1)})
    assert names(path) == ["3.txt", "4.txt", "5.txt", "1.txt", "2.txt"]


def test_a_tar_header_without_end_is_cut_off(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x" * 200_000)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(tarfile.TarInfo("good.txt"))
        file.addfile(info)
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(data.getvalue()))
    pages, notes = read(path)
    assert [page.name for page in pages] == ["good.txt"]
    assert "a header without end" in notes[0]


def test_a_tar_header_of_digits_costs_no_time(tmp_path: Path) -> None:
    info = special("x", tarfile.XHDTYPE)
    path = tar(tmp_path / "a.tgz", [("good.txt", b"1" * 9000), (info, b"1" * 60_000)])
    pages, notes = read(path)
    assert [page.name for page in pages] == ["good.txt"]
    assert "a header that is none" in notes[0]


def test_a_tar_of_endless_folders_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 5)
    folders = [(special(f"{n}", tarfile.DIRTYPE), b"") for n in range(5)]
    pages, notes = read(tar(tmp_path / "a.tgz", [*folders, ("a.txt", b"x")]))
    assert pages == []
    assert "more than 5 entries" in notes[0]


def test_skipped_members_count_as_members(tmp_path: Path) -> None:
    links = [(special(f"{n}", tarfile.SYMTYPE), b"") for n in range(9)]
    _, notes = read(tar(tmp_path / "a.tgz", links), Limits(members=3))
    assert len(notes) == 4
    assert "more than 3 files" in notes[-1]


def test_a_member_without_a_name_is_skipped(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a", b"x"), ("b.txt", b"x")])
    path.write_bytes(path.read_bytes().replace(b"\0\0a", b"\0\0\0"))
    pages, notes = read(path)
    assert [page.name for page in pages] == ["b.txt"]
    assert notes == [" has no safe name: skipped"]


def test_a_zip_list_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_LIST", 500)
    path = pack(tmp_path / "a.zip", {f"{n}.txt": b"x" for n in range(20)})
    pages, notes = read(path)
    assert pages == []
    assert "list of members is too long" in notes[0]


def test_an_xz_file_that_asks_for_much_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_LZMA", 1_000_000)
    pages, notes = read(pack(tmp_path / "a.tar.xz", {"a.txt": b"x"}))
    assert pages == []
    assert "Memory usage limit" in notes[0]


# --- broken archives -----------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["a.zip", "a.tgz", "a.tar.xz"])
def test_what_is_no_archive_is_noted(form: str, tmp_path: Path) -> None:
    for body in (b"", b"no archive", b"<html>not found</html>" * 99):
        (tmp_path / form).write_bytes(body)
        pages, notes = read(tmp_path / form)
        assert pages == []
        assert notes[0].startswith(f"{form} cannot be read to its end")


@pytest.mark.parametrize("form", ["a.tgz", "a.tar.xz"])
def test_of_a_truncated_tar_the_whole_pages_are_kept(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, {f"{n}.txt": os.urandom(70_000) for n in range(5)})
    path.write_bytes(path.read_bytes()[:200_000])
    pages, notes = read(path)
    assert [page.name for page in pages] == ["0.txt", "1.txt"]
    assert len(notes) == 2
    assert notes[-1].startswith(f"{form} cannot be read to its end")


@pytest.mark.parametrize("cut", [700, 1024 + 200])
def test_a_tar_that_was_cut_before_packing_is_noted(cut: int, tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tgz", [("a.txt", b"x" * 500), ("b.txt", b"y")])
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:cut]))
    assert "cannot be read" in read(path)[1][-1]


def test_a_tar_with_garbage_between_members_is_noted(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tgz", [("a.txt", b"x"), ("b.txt", b"y")])
    whole = bytearray(gzip.decompress(path.read_bytes()))
    whole[1024:1536] = b"garbage " * 64
    path.write_bytes(gzip.compress(whole))
    pages, notes = read(path)
    assert [page.name for page in pages] == ["a.txt"]
    assert "no header" in notes[0]


def test_a_broken_member_of_a_zip_costs_only_itself(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [("a.txt", b"x" * 99), ("b.txt", b"y" * 99)])
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    pages, notes = read(path)
    assert [page.name for page in pages] == ["b.txt"]
    assert notes[0].startswith("a.txt cannot be read")


@pytest.mark.parametrize("form", ["a.zip", "a.tgz", "a.tar.xz", "b.tgz"])
def test_no_flipped_byte_ends_in_anything_but_pages_and_notes(form: str, tmp_path: Path) -> None:
    path = pack(tmp_path / form, {"é" * 60: b"x" * 300, "b.txt": b"y" * 300})
    repack: Callable[[bytes], bytes] = gzip.compress if form == "b.tgz" else bytes
    whole = gzip.decompress(path.read_bytes()) if form == "b.tgz" else path.read_bytes()
    for place in range(0, min(len(whole), 2500), 7):
        data = bytearray(whole)
        data[place] ^= 0xFF
        path.write_bytes(repack(bytes(data)))
        pages, _ = read(path)
        assert len(pages) <= 2


# --- as a source ---------------------------------------------------------------------------------
def turn(path: Path) -> Source:
    return Source(id=1, kind=SourceKind.FOLDER, name="saved", address=str(path))


def test_a_turn_brings_all_pages_and_all_notes(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a.txt": b"1", "../b.txt": b"2", "c.txt": b"3"})
    fetched = folder.fetch(turn(path), at=AT)
    assert [page.name for page in fetched.pages] == ["a.txt", "c.txt"]
    assert len(fetched.notes) == 1


def test_a_turn_without_a_path_fails_and_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        folder.fetch(turn(tmp_path / "nowhere"), at=AT)


def test_a_turn_in_which_nothing_could_be_read_fails(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(SourceError, match=r"nothing could be read: a\.zip"):
        folder.fetch(turn(tmp_path / "a.zip"), at=AT)


def test_an_empty_folder_is_a_good_turn(tmp_path: Path) -> None:
    assert folder.fetch(turn(tmp_path), at=AT).pages == ()


# --- real pages ----------------------------------------------------------------------------------
@pytest.mark.corpus
def test_the_real_archive_gives_every_day(corpus: Path) -> None:
    pages, notes = read(corpus / "hf" / "daily_2024-05_2025-12.tar.xz")
    assert notes == []
    assert len(pages) == 415
    days = [page.day for page in pages if page.day]
    assert len(set(days)) == 415
    assert days == sorted(days)
    assert (str(days[0]), str(days[-1])) == ("2024-05-27", "2025-12-31")
