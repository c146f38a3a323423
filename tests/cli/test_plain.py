"""HTML of the service becomes plain text that a terminal can show."""

import pytest

from mvsep_watch.cli.plain import plain, wrapped


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\r\n two</p><p>three</p>", "One two\n\nthree"),
        ("<ol>\r\n<li>first</li>\r\n<li>second <b>bold</b></li>\r\n</ol>", "- first\n- second bold"),
        ("a<br>b<br/>c<br><br><br>d", "a\nb\nc\n\nd"),
        ("<ul><li><p>one</p></li><li></li><li>two</li></ul>end", "- one\n\n- two\n\nend"),
        ("<b>bold</b> <i>and</i> more", "bold and more"),
        ('see <a href="https://mvsep.com/x">here</a>', "see here (https://mvsep.com/x)"),
        ('<a href="https://mvsep.com">https://mvsep.com</a>', "https://mvsep.com"),
        ('<a href="javascript:evil()">press</a>', "press"),
        ("&lt;b&gt; &amp; &nbsp; &eacute;", "<b> & é"),
        ("<script>evil()</script><style>p{}</style>text", "text"),
        ("no tags at all", "no tags at all"),
        ("", ""),
        ("<p>never <i>closed", "never closed"),
        ("</p></a></script>stray", "stray"),
    ],
)
def test_html_becomes_lines(html, text):
    """Paragraphs, bullets, links with their addresses; scripts and styles vanish."""
    assert plain(html) == text


def test_nothing_that_commands_a_terminal_is_left():
    """An escape, a bell, a mark that turns the direction of writing."""
    assert plain("a\x1b[31mb\x07c&#27;d\u202ee") == "a [31mb cd e"


def test_long_lines_are_wrapped_under_their_bullet():
    """Words and addresses stay whole."""
    text = "- one two three\nhttps://mvsep.com/a-long-address"

    assert wrapped(text, 9) == "- one two\n  three\nhttps://mvsep.com/a-long-address"
    assert wrapped(text, None) == text
    assert wrapped("one two three", 9, under=4) == "one two\n    three"
