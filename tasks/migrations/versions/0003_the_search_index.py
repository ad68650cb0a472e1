"""The search index: each database's own full-text index over the entries, which the models do not know.

SQLite: the FTS5 table `entry_search`, kept in step by triggers on `entry`. A migration that makes the
table `entry` anew drops its triggers and must make them again.
PostgreSQL: the generated column `entry.search`, with an index. Words are taken as FTS5 takes them: split
at every mark, without accents, by Porter's stemmer, and none is too common to be found.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The names of authors stand in a JSON list, with its escapes.
ROW = (
    "{row}.id, {row}.title, {row}.abstract, "
    "(SELECT group_concat(value, ' ; ') FROM json_each({row}.authors))"
)
INSERT = "INSERT INTO entry_search (rowid, title, abstract, authors) "
DELETE = "INSERT INTO entry_search (entry_search, rowid, title, abstract, authors) "
NEW = INSERT + f"VALUES ({ROW.format(row='new')}); "
OLD = DELETE + f"VALUES ('delete', {ROW.format(row='old')}); "
SQLITE = (
    "CREATE VIRTUAL TABLE entry_search USING fts5(title, abstract, authors, content='', "
    "tokenize='porter unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER entry_search_new AFTER INSERT ON entry BEGIN {NEW} END",
    f"CREATE TRIGGER entry_search_gone AFTER DELETE ON entry BEGIN {OLD} END",
    "CREATE TRIGGER entry_search_changed AFTER UPDATE OF title, abstract, authors ON entry "
    f"BEGIN {OLD} {NEW} END",
    INSERT + f"SELECT {ROW.format(row='entry')} FROM entry",  # noqa: S608 - nothing here is a stranger's
)
# Once taken apart from their letters, accents go; then the marks of ASCII, Latin-1 and the common blocks,
# which the parser would read as parts of addresses, numbers and paths.
ACCENTS = r"[\u0300-\u036f]+"
MARKS = (
    r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf"
    r"\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\uff01-\uff0f"
    r"\U0001f000-\U0001faff]+"
)
PLAIN = (
    f"SELECT regexp_replace(regexp_replace(normalize($1, NFD), '{ACCENTS}', '', 'g'), "
    f"'{MARKS}', ' ', 'g')"
)
MOST = 50_000  # characters: a tsvector holds one MB, and a row that does not fit is refused whole
DOCUMENT = " || ".join(
    f"setweight(to_tsvector('paperround', paperround_plain(left({text}, {MOST}))), '{weight}')"
    for text, weight in (("title", "A"), ("authors::jsonb::text", "B"), ("abstract", "D"))
)
POSTGRES = (
    f"CREATE FUNCTION paperround_plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS $${PLAIN}$$",
    "CREATE TEXT SEARCH DICTIONARY paperround_stem (TEMPLATE = snowball, Language = porter)",
    "CREATE TEXT SEARCH CONFIGURATION paperround (COPY = simple)",
    "ALTER TEXT SEARCH CONFIGURATION paperround "
    "ALTER MAPPING FOR asciiword, word, numword WITH paperround_stem",
    f"ALTER TABLE entry ADD COLUMN search tsvector GENERATED ALWAYS AS ({DOCUMENT}) STORED",
    "CREATE INDEX entry_search ON entry USING gin (search)",
)
SQLITE_BACK = (
    "DROP TRIGGER entry_search_changed",
    "DROP TRIGGER entry_search_gone",
    "DROP TRIGGER entry_search_new",
    "DROP TABLE entry_search",
)
POSTGRES_BACK = (
    "ALTER TABLE entry DROP COLUMN search",
    "DROP TEXT SEARCH CONFIGURATION paperround",
    "DROP TEXT SEARCH DICTIONARY paperround_stem",
    "DROP FUNCTION paperround_plain(text)",
)


def upgrade() -> None:
    _run(SQLITE, POSTGRES)


def downgrade() -> None:
    _run(SQLITE_BACK, POSTGRES_BACK)


def _run(sqlite: tuple[str, ...], postgres: tuple[str, ...]) -> None:
    for statement in sqlite if op.get_bind().dialect.name == "sqlite" else postgres:
        op.execute(statement)
