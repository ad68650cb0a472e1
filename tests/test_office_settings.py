"""The settings in force: all of them, where each comes from, and no secret."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from tasks.office import settings as office
from tasks.office.settings import MEANINGS, STARS, Setting
from tasks.round.context import Context
from tasks.settings import PREFIX, Settings, load
from tasks.store.database import Database

SECRET = "a-secret-of-more-than-thirty-two-signs"
SECRETS = ("database_url", "broker_url", "smtp_url", "secret", "alarm_webhook", "metrics_token")


@pytest.fixture
def bare(sqlite_url: str, settings: Settings) -> Context:
    return Context(settings=settings, database=Database(sqlite_url))


def found(context: Context, environ: dict[str, str]) -> dict[str, Setting]:
    return {one.name: one for one in office.in_force(context, environ)}


def test_every_setting_of_the_code_has_a_meaning_and_no_other() -> None:
    assert list(MEANINGS) == list(Settings.model_fields)
    assert all(one.words for one in MEANINGS.values())


def test_the_settings_are_told_in_the_order_of_the_code(bare: Context) -> None:
    told = office.in_force(bare, {})
    assert [one.name for one in told] == list(Settings.model_fields)
    assert [one.variable for one in told] == [f"{PREFIX}{one.name.upper()}" for one in told]
    assert {one.name for one in told if one.is_secret} == {*SECRETS}


def test_each_setting_says_where_it_comes_from(
    bare: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the order in which they are read: a file wins over the environment, that over `.env`."""
    file = tmp_path / "file"
    file.write_text("12")
    (tmp_path / ".env").write_text(
        f"{PREFIX}PORT=1111\n{PREFIX}HOST=127.0.0.2\n{PREFIX}CONTACT=\n{PREFIX}CONCURRENCY=3\n"
    )
    monkeypatch.chdir(tmp_path)
    environ = {
        f"{PREFIX}CONCURRENCY_FILE": str(file),
        f"{PREFIX}CONCURRENCY": "4",
        f"{PREFIX}PORT": "2222",
        f"{PREFIX}SENDER_NAME": "",
        f"{PREFIX.lower()}reply_to": "a@example.org",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    read = load(environ)
    told = found(replace(bare, settings=read), environ)
    assert (told["concurrency"].value, told["concurrency"].whence) == ("12", f"file {file}")
    assert (told["port"].value, told["port"].whence) == ("2222", "environment")
    assert (told["host"].value, told["host"].whence) == ("127.0.0.2", ".env")
    assert (told["reply_to"].value, told["reply_to"].whence) == ("a@example.org", "environment")
    for name in ("contact", "sender_name", "bounce"):
        assert told[name].whence == "default", name


def test_no_secret_is_told_and_whether_it_is_set_is(bare: Context) -> None:
    urls = {
        "database_url": f"postgresql://me:{SECRET}@db.example/x",
        "broker_url": f"redis://:{SECRET}@redis.example",
        "smtp_url": f"smtps://me:{SECRET}@mail.example",
        "secret": SECRET,
        "alarm_webhook": f"https://hooks.example/{SECRET}",
        "metrics_token": SECRET,
    }
    assert {*urls} == {*SECRETS}
    set_ = bare.settings.model_copy(update={name: SecretStr(url) for name, url in urls.items()})
    told = found(replace(bare, settings=set_), {})
    assert SECRET not in repr(told)
    assert "example" not in repr([told[name].value for name in SECRETS])
    assert told["smtp_url"].value == f"smtps://{STARS}"
    assert told["secret"].value == STARS
    assert {found(bare, {})[name].value for name in SECRETS} == {""}


@pytest.mark.parametrize(("value", "said"), [(True, "yes"), (False, "no")])
def test_a_switch_is_told_in_words(bare: Context, value: bool, said: str) -> None:
    settings = bare.settings.model_copy(update={"allow_private": value, "encoder": None})
    told = found(replace(bare, settings=settings), {})
    assert told["allow_private"].value == said
    assert told["encoder"].value == ""


def test_an_address_that_is_none_tells_nothing(bare: Context) -> None:
    odd = SecretStr(f"http://[{SECRET}")
    told = found(
        replace(bare, settings=bare.settings.model_copy(update={"alarm_webhook": odd})), {}
    )
    assert told["alarm_webhook"].value == STARS
