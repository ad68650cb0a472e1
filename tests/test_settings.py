"""Settings: everything by default, every part switched by one variable, nothing secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks import settings as room
from tasks.errors import SettingsError
from tasks.settings import Settings, default_home, load


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(tmp_path / "home"))
    for name in ("DATABASE_URL", "BROKER_URL", "SMTP_URL", "BASE_URL"):
        monkeypatch.delenv(f"PAPERROUND_{name}", raising=False)


def test_with_nothing_set_one_machine_runs_by_itself(tmp_path: Path) -> None:
    found = load()
    assert found.database == f"sqlite:///{tmp_path}/home/paperround.db"
    assert found.broker == f"redis+socket://{found.broker_socket}"
    assert found.transport == f"maildir://{tmp_path}/home/mailbox"


def test_each_variable_switches_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", "postgresql://u:p@db/x")
    monkeypatch.setenv("PAPERROUND_BROKER_URL", "redis://broker:6379/0")
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://relay:25")
    found = load()
    assert found.database == "postgresql+psycopg://u:p@db/x"
    assert (found.broker, found.transport) == ("redis://broker:6379/0", "smtp://relay:25")


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:hidden@db/x\n")
    found = load({"PAPERROUND_DATABASE_URL_FILE": str(tmp_path / "url")})
    assert found.database.endswith("u:hidden@db/x")
    with pytest.raises(SettingsError, match=r"SMTP_URL_FILE.*No such file"):
        load({"PAPERROUND_SMTP_URL_FILE": str(tmp_path / "nothing")})


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://u:hidden@relay:25")
    assert "hidden" not in repr(load())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://u:hidden@db/x", "DATABASE_URL must be"),
        ("BROKER_URL", "amqp://u:hidden@b", "BROKER_URL must be"),
        ("BASE_URL", "paperround.example", "BASE_URL must begin"),
        ("PORT", "many", "PAPERROUND_PORT"),
        ("CONCURRENCY", "0", "PAPERROUND_CONCURRENCY"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"PAPERROUND_{name}", value)
    with pytest.raises(SettingsError, match=words) as caught:
        load()
    assert "hidden" not in str(caught.value)


def test_a_long_home_keeps_its_socket_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = Settings(home=tmp_path / ("deep" * 30))
    assert len(str(found.broker_socket)) <= room.SOCKET_PATH_MOST
    assert found.broker_socket == Settings(home=found.home).broker_socket
    assert found.broker_socket != Settings(home=tmp_path / ("else" * 30)).broker_socket


def test_the_home_is_the_platforms_folder_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_home() == Path("/data/paperround")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_home() == Path("/home/ada/.local/share/paperround")
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_home() == Path("/home/ada/Library/Application Support/paperround")


def test_mail_comes_from_the_senders_domain() -> None:
    assert Settings(sender="digest@news.example.org").sender_domain == "news.example.org"


@pytest.mark.parametrize("name", ["SENDER", "REPLY_TO", "BOUNCE"])
def test_an_address_that_no_mail_can_have_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"PAPERROUND_{name}", "Paper Round <x@y.example>")
    with pytest.raises(SettingsError, match=f"PAPERROUND_{name} must be a bare address"):
        load()
