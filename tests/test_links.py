"""Which addresses a mail may carry, and which repositories a text names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.parse import links


@pytest.mark.parametrize(
    ("url", "base", "read"),
    [
        ("https://a.example/x?y=1#z", "", "https://a.example/x?y=1#z"),
        ("HTTPS://A.Example", "", "https://a.example/"),
        ("//a.example/x", "", "https://a.example/x"),
        ("//a.example/x", "http://b.example/", "http://a.example/x"),
        ("../x", "https://a.example/b/c/", "https://a.example/b/x"),
        ("x?a=1&b=2", "https://a.example/", "https://a.example/x?a=1&b=2"),
        ("https://user:secret@a.example/x", "", "https://a.example/x"),
        ("https://a.example:443/", "", "https://a.example/"),
        ("http://a.example:8080/", "", "http://a.example:8080/"),
        (" https://a.example/a b ", "", "https://a.example/a%20b"),
        ("https://a.exa\nmple/x", "", "https://a.example/x"),
        ("https://münchen.example/ü", "", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("https://a.example/%zz%20", "", "https://a.example/%25zz%20"),
        ('https://a.example/"><script>', "", "https://a.example/%22%3E%3Cscript%3E"),
        ("https:\\\\a.example\\x", "", "https://a.example/x"),
        ("http://[2001:db8::1]/x", "", "http://[2001:db8::1]/x"),
    ],
)
def test_an_address_is_absolute_and_normal(url: str, base: str, read: str) -> None:
    assert links.web(url, base) == read


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "x",
        "www.a.example/x",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " javascript://a.example/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "mailto:a@a.example",
        "https://",
        "https:///x",
        "http://[::1",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://a b.example/",
        "http://a.example" + "/x" * 1000,
        "http://" + "ü" * 300 + ".example/",
    ],
)
def test_other_addresses_are_none(url: str) -> None:
    assert links.web(url) is None


@given(st.text(max_size=80), st.sampled_from(["", "https://a.example/b", "junk"]))
def test_any_address_is_web_or_none(text: str, base: str) -> None:
    for url in (text, f"https://{text}", f"http://a.example/{text}"):
        read = links.web(url, base)
        assert read is None or (read.isascii() and read.startswith(("http://", "https://")))
        assert read is None or not set(read) & set(" <>\"'\\") - {"'"}


@pytest.mark.parametrize(
    "text",
    [
        "Code: https://github.com/owner/digit.",
        "at github.com/owner/digit",
        "(https://github.com/owner/digit).",
        "https://github.com/owner/digit .",
        "https://www.github.com/owner/digit/",
        "http://github.com/owner/digit.git, and",
        "https://github.com/owner/digit/tree/main/sub",
        "https://github.com/owner/digit#readme",
        "https://github.com/owner/digit{here}",
        r"{\footnotesizeblue{https://github.com/owner/digit}}.",
        "page:~https://github.com/owner/digit",
        r"\url{github.com/owner/digit}}.",
        "Athttps://github.com/owner/digit",
        "https://GitHub.com/owner/digit",
    ],
)
def test_a_repository_is_found_whatever_sticks_to_it(text: str) -> None:
    assert links.code([text]) == ("https://github.com/owner/digit",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"https://github.com/o/name\_ntk).", "https://github.com/o/name_ntk"),
        ("https://gitlab.com/group/sub/name/-/tree/main", "https://gitlab.com/group/sub/name"),
        ("https://gitlab.com/group/name", "https://gitlab.com/group/name"),
        ("https://bitbucket.org/o/n", "https://bitbucket.org/o/n"),
        ("https://codeberg.org/o/n/src/branch", "https://codeberg.org/o/n"),
        ("https://github.com/o/n.jl", "https://github.com/o/n.jl"),
    ],
)
def test_code_hosts_have_their_own_manners(text: str, found: str) -> None:
    assert links.code([text]) == (found,)


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/huggingface",
        "https://github.com/huggingface/",
        "https://github.com/topics/graphs",
        "https://github.com/orgs/owner/repositories",
        "https://notgithub.com/o/n",
        "https://gist.github.com/o/n",
        "https://evil.example/github.com/o/n",
        "me@github.com/o/n",
        "https://github.com/o/...",
        "https://huggingface.co/o/n",
        "github.com",
        "",
    ],
)
def test_no_repository_is_made_up(text: str) -> None:
    assert links.code([text]) == ()


def test_repositories_come_once_and_in_order() -> None:
    texts = ["https://github.com/o/b", "glued/https://github.com/o/a{github.com/O/B}", ""]
    assert links.code(texts) == ("https://github.com/o/b", "https://github.com/o/a")


def test_a_list_of_code_is_cut() -> None:
    assert len(links.code([f"https://github.com/o/n{at} " for at in range(50)])) == 10
