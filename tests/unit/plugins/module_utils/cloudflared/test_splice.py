# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The splice: layouts as people write them, byte for byte, and every reason to leave a file alone."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.edit import Edit, Wish, edited
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, match, wanted_rule

from tests.unit.plugins.module_utils.cloudflared.family import HOSTNAME, SERVICE, TUNNEL

PATH = "/etc/cloudflared/config.yml"
PRESENT = Wish(HOSTNAME, wanted_rule(HOSTNAME, SERVICE), SERVICE)
ABSENT = Wish(HOSTNAME, None, SERVICE)
HEAD = f"tunnel: {TUNNEL}\ningress:\n"
LAST = "  - service: http_status:404\n"
OURS = f"  - hostname: {HOSTNAME}  # managed by bestviable.portfolio\n    service: {SERVICE}\n"

# Where our rule shall be stands @, with its indentation.
LAYOUTS = {
    "wildcard below": HEAD + "  - hostname: shop.bestviable.com\n    service: http://shop:80\n@  - hostname: "
    "'*.bestviable.com'\n    service: http://w:80\n" + LAST,
    "no wildcard": HEAD + "  # the shop\n  - hostname: shop.bestviable.com\n    service: http://shop:80\n@" + LAST,
    "not indented": "ingress:\n- hostname: a.b.com\n  service: http://x\n@- service: http_status:404\nmetrics: x\n",
    "no final newline": HEAD + "@  - service: http_status:404",
    "carriage returns": (HEAD + "@" + LAST + "# end\n").replace("\n", "\r\n"),
    "anchors elsewhere": "base: &base\n  connectTimeout: 5s\noriginRequest: *base\n" + HEAD + "@" + LAST,
    "host that catches all": HEAD + "@  - hostname: '*'\n    service: http_status:404\n",
    "wide dashes": HEAD + "  -   hostname: a.b.com\n      service: http://x\n@  -   service: http_status:404\n",
    "dash alone": HEAD + "  -\n    hostname: a.b.com\n    service: http://x\n@  -\n    service: http_status:404\n",
    "comment of the last": HEAD + "@  # all the rest\n  # is not found\n" + LAST,
    "comment of the one before": HEAD + "  - hostname: a.b.com\n    service: http://x\n    # path: ^/off\n@" + LAST,
    "blank lines": HEAD + "\n  - hostname: a.b.com\n    service: http://x\n\n@" + LAST + "\n\n",
    "comment behind ingress": HEAD.replace("ingress:", "ingress:  # rules") + "@  # here\n" + LAST,
    "byte order mark": "\ufeff" + HEAD + "@" + LAST,
    "start and end": "---\n" + HEAD + "@" + LAST + "...\n",
    "flow rules": HEAD + "  - {hostname: a.b.com, service: 'http://x'}\n@  - {service: 'http_status:404'}\n",
    "block scalar": HEAD + "  - service: http://x\n    hostname: >-\n      a.b.com\n\n\n@" + LAST,
    "hash in a block scalar": HEAD
    + "  - service: http://x\n    hostname: a.b.com\n    path: |-\n      /\n      # x\n@"
    + LAST,
    "hash in a quoted text": "ingress:\n- hostname: a.b.com\n  service: http://x\n  originRequest:\n"
    '    httpHostHeader: "a\n# b"\n@- service: http_status:404\n',
    "no such name": HEAD + f"  - hostname: {HOSTNAME}.org\n    service: http://x\n@" + LAST,
}


def ours(layout: str) -> str:
    """Our rule as it is written in this layout."""
    following = layout.partition("@")[2]
    first = next(line for line in following.splitlines() if line.lstrip().startswith("-"))
    indentation = first[: len(first) - len(first.lstrip())]
    gap = "   " if "-   " in first else " "
    text = f"{indentation}-{gap}hostname: {HOSTNAME}  # managed by bestviable.portfolio\n"
    text += f"{indentation} {' ' * len(gap)}service: {SERVICE}\n"
    return text.replace("\n", "\r\n") if "\r\n" in layout else text


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_add_again_drift_absent(layout: str) -> None:
    original, expected = layout.replace("@", ""), layout.replace("@", ours(layout))
    added = edited(PATH, original, PRESENT)
    assert added.after.text == expected
    again = edited(PATH, expected, PRESENT)
    assert not again.changed and again.details == []
    drifted = edited(PATH, expected.replace(SERVICE, "http://by-hand:81"), PRESENT)
    assert drifted.after.text == expected and drifted.changed
    assert edited(PATH, expected, ABSENT).after.text == original
    assert not edited(PATH, original, ABSENT).changed


def test_what_is_said_about_a_change() -> None:
    base = HEAD + "  - hostname: '*.bestviable.com'\n    service: http://w:80\n" + LAST
    assert edited(PATH, base, PRESENT).details == [f"rule for {HOSTNAME} added above rule 1"]
    below = base.replace(LAST, OURS + LAST)
    assert edited(PATH, below, PRESENT).details == [f"rule for {HOSTNAME} moved above rule 1"]
    hand = base.replace("ingress:\n", "ingress:\n" + OURS.replace(SERVICE, "http://x"))
    assert edited(PATH, hand, PRESENT).details == [f"rule for {HOSTNAME} changed"]
    assert edited(PATH, hand, ABSENT).details == [f"rule for {HOSTNAME} removed"]


def test_a_rule_below_the_wildcard_moves_up() -> None:
    text = HEAD + "  # wild\n  - hostname: '*.bestviable.com'\n    service: http://w:80\n" + OURS + LAST
    assert edited(PATH, text, PRESENT).after.text == text.replace(OURS, "").replace("  # wild", OURS + "  # wild")


def test_a_removed_comment_changes_nothing() -> None:
    text = HEAD + OURS.replace("  # managed by bestviable.portfolio", "") + LAST
    assert not edited(PATH, text, PRESENT).changed
    # Where somebody wrote the rule in his own way it is right as well.
    written = HEAD + f"  - {{service: '{SERVICE}', hostname: {HOSTNAME.upper().lower()}}}\n" + LAST
    assert not edited(PATH, written, PRESENT).changed
    assert edited(PATH, written, ABSENT).after.text == HEAD + LAST


def test_a_second_foreign_name_stays() -> None:
    text = HEAD + OURS + "  - hostname: new.bestviable.com\n    service: http://new:1\n" + LAST
    assert not edited(PATH, text, PRESENT).changed
    assert "new.bestviable.com" in edited(PATH, text, ABSENT).after.text


FOREIGN = """\
ingress:
  - {hostname: shop.bestviable.com, service: 'http://shop:1'}
  - {hostname: shop.bestviable.com, path: /never, service: 'http://never:1'}
  - {hostname: docs.bestviable.com, path: ^/api, service: 'http://docs-api:1'}
  - {hostname: docs.bestviable.com, service: 'http://docs:1'}
  - {hostname: '*.bestviable.com', service: 'http://wild:1'}
  - {hostname: late.bestviable.com, service: 'http://late:1'}
  - {hostname: '*.org', path: '\\.php$', service: 'http://php:1'}
  - {service: 'http_status:404'}
"""
URLS = {
    "shop.bestviable.com/": "http://shop:1",
    "shop.bestviable.com/never": "http://shop:1",
    "docs.bestviable.com/api/x": "http://docs-api:1",
    "docs.bestviable.com/x": "http://docs:1",
    "any.bestviable.com/": "http://wild:1",
    "late.bestviable.com/": "http://wild:1",
    "a.org/x.php": "http://php:1",
    "a.org/": "http_status:404",
}


def test_every_other_url_is_answered_as_before() -> None:
    done = edited(PATH, FOREIGN, PRESENT)
    for config in (done.before, done.after):
        for url, service in URLS.items():
            host, slash, path = url.partition("/")
            assert config.rules[match(config.rules, host, slash + path)]["service"] == service
    assert done.after.rules[match(done.after.rules, HOSTNAME, "/x.php")]["service"] == SERVICE
    assert done.before.rules[match(done.before.rules, HOSTNAME)]["service"] == "http://wild:1"


def test_the_origin_check_stands_below_our_rule() -> None:
    access = {"team_name": "team", "aud_tags": ["1e10", "ab"]}
    wish = Wish(HOSTNAME, wanted_rule(HOSTNAME, SERVICE, access), SERVICE)
    done = edited(PATH, HEAD + OURS + LAST, wish)
    assert done.after.text == HEAD + OURS + (
        "    originRequest:\n      access:\n        required: true\n"
        '        teamName: "team"\n        audTag: ["1e10", "ab"]\n'
    ) + LAST  # fmt: skip
    assert not edited(PATH, done.after.text, wish).changed
    # The comment does not matter where only the origin check comes or goes.
    bare = done.after.text.replace("  # managed by bestviable.portfolio", "")
    assert edited(PATH, bare, PRESENT).after.text == HEAD + OURS + LAST


def test_former_names() -> None:
    old = OURS.replace(HOSTNAME, "old.bestviable.com")
    text = HEAD + old + LAST
    kept = edited(PATH, text, PRESENT)
    assert kept.leftovers == ["old.bestviable.com"] and old in kept.after.text
    gone = edited(PATH, text, Wish(HOSTNAME, PRESENT.rule, SERVICE, ["old.bestviable.com"]))
    assert gone.after.text == HEAD + OURS + LAST and gone.leftovers == []
    assert gone.details[1] == "rule for old.bestviable.com, a former hostname, removed"
    assert edited(PATH, text, ABSENT).leftovers == ["old.bestviable.com"]


def test_a_top_level_access_is_warned_of() -> None:
    [warning] = edited(PATH, "originRequest:\n  access: {required: true}\n" + HEAD + LAST, PRESENT).warnings
    assert warning.startswith(f"{PATH}: cloudflared ignores originRequest.access at the top level; ")


SHOP = "  - hostname: shop.b.com\n    service: http://shop\n"
THEIRS = f"  - hostname: {HOSTNAME}\n    service: http://u:pw@x:1\n"
BILLION = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 9)
)
REFUSALS = {
    "tab": (HEAD + "\t- service: x\n", "is not valid YAML (line 3: found character '\\t' that cannot start any token)"),
    "not YAML": ("tunnel: [\n", "is not valid YAML (line 2: "),
    "control character": (HEAD + "a\x00" + LAST, "is not valid YAML (line 3: special characters are not allowed)"),
    "impossible escape": ('a: "\\UFFFFFFFF"\n' + HEAD + LAST, "is not valid YAML (too deep,"),
    "too deep": ("a: " + "[" * 5000 + "\n", "is not valid YAML (too deep,"),
    "key twice": ("tunnel: x\n" + HEAD + LAST, "has the key 'tunnel' twice (line 2), with which"),
    "key twice in a rule": (HEAD + "  - service: a\n    'service': b\n" + LAST, "has the key 'service' twice (line 4)"),
    "key twice anywhere": (HEAD + LAST + "x: {a: [{b: 1, \"b\": 2}]}\n", "has the key 'b' twice"),
    "two documents": (HEAD + LAST + "---\na: b\n", "holds 2 YAML documents, of which cloudflared reads the first"),
    "empty": ("", "is empty"),
    "only comments": ("# tunnel: x\n", "is empty"),
    "a list": ("- a\n", "is not a mapping of settings"),
    "no ingress": (f"tunnel: {TUNNEL}\n", "has no 'ingress'"),
    "empty ingress": ("ingress:\ntunnel: x\n", "has no 'ingress'"),
    "flow style": ("ingress: [{service: 'http_status:404'}]\n", "writes 'ingress' in flow style"),
    "flow file": ("{ingress: [{service: 'http_status:404'}]}\n", "writes 'ingress' in flow style"),
    "alias": ("x: &x\n- service: http_status:404\ningress: *x\n", "has an alias for 'ingress'"),
    "no list": ("ingress:\n  service: http_status:404\n", "has an 'ingress' that is no list"),
    "anchor in itself": ("x: &x [*x]\n" + HEAD + LAST, "has an anchor that contains itself (line 1)"),
    "aliases that explode": (BILLION + HEAD + LAST, "has aliases that grow to more than 100000 values"),
    "mark in the middle": (HEAD + "# \ufeff\n" + LAST, "has a byte order mark in line 3"),
    "no rule that catches all": (HEAD + SHOP, "rule 1, the last one, must match all URLs"),
    "catches all too early": (HEAD + LAST + SHOP + LAST, "rule 1 matches everything"),
    "a foreign rule is wrong": (HEAD + SHOP.replace("http://shop", "shop:80") + LAST, "rule 1: the service 'shop:80'"),
    "rule is a text": (HEAD + "  - text\n" + LAST, "rule 1 is not a mapping"),
    "rule is nothing": (HEAD + "  -\n" + LAST, "rule 1 is not a mapping"),
    "wrong type for all": ("originRequest:\n  connectTimeout: 30\n" + HEAD + LAST, "the top level: originRequest.conn"),
    "url": ("url: http://x\n" + HEAD + LAST, "sets 'url' beside 'ingress'"),
    "name twice": (HEAD + OURS + SHOP + OURS + LAST, f"has 2 rules for {HOSTNAME} (rules 1, 3); remove all but one"),
    "name split by path": (HEAD + OURS + "    path: /a\n" + LAST, f"routes only the path /a of {HOSTNAME} (rule 1)"),
    "name of somebody else": (HEAD + THEIRS + LAST, f"routes {HOSTNAME} to http://***@x:1 by a rule that is not ours"),
    "our anchor is needed": (
        HEAD + OURS.replace(SERVICE, "&x http://x") + SHOP.replace("http://shop", "*x") + LAST,
        f"has a layout in which the rule for {HOSTNAME} cannot be changed alone",
    ),
    "anchor twice": ("a: &x 1\nb: &x 2\n" + HEAD + LAST, "defines an anchor twice (line 2), which cloudflared takes"),
    "two dashes": (HEAD + "  - - a\n" + LAST, "rule 1 is not a mapping"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_is_one_sentence_with_place_and_remedy(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        edited(PATH, text, PRESENT)
    told = str(refused.value)
    assert sentence in told and PATH in told and "; " in told
    assert "\n" not in told and "pw" not in told and not told.endswith(".")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TUNNEL, "another"),
        ("shop:80", "shop:81"),
        ("'5'", "5"),
        (LAST, ""),
        (SERVICE, "http://wrong"),
        ("http_status:404", "[http_status:404"),
    ],
)
def test_a_splice_that_does_harm_is_not_written(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEAD + "  - service: http://shop:80\n    hostname: a.b.com\n    x: '5'\n" + LAST
    splice = document.spliced
    monkeypatch.setattr(document, "spliced", lambda *given: splice(*given).replace(old, new))
    with pytest.raises(Refused, match=r"has a layout in which the rule for .* cannot be changed alone"):
        edited(PATH, text, PRESENT)


def test_what_is_no_text() -> None:
    with pytest.raises(Refused, match=r"is not UTF-8 \(byte 3\)"):
        document.decoded(PATH, b"a:\xff")
    with pytest.raises(Refused, match="has 300000 bytes"):
        document.decoded(PATH, b" " * 300_000)


def test_taking_over() -> None:
    def taken(wish: Wish) -> Edit:
        return edited(PATH, HEAD + THEIRS + LAST, Wish(wish.hostname, wish.rule, SERVICE, (), True))

    assert taken(PRESENT).after.text == HEAD + OURS + LAST
    assert taken(ABSENT).after.text == HEAD + LAST
    with pytest.raises(Refused, match="set takeover to true to remove it"):
        edited(PATH, HEAD + THEIRS + LAST, ABSENT)
    with pytest.raises(Refused, match="former_hostnames lists"):
        edited(PATH, HEAD + LAST, Wish(HOSTNAME, PRESENT.rule, SERVICE, [HOSTNAME]))


def test_no_secret_is_shown() -> None:
    token = "eyJhIjoiYWJjZGVmZ2hpamtsbW5vcCJ9"
    text = f"token: {token}\ntunnel-secret: |\n  first\n  second\n# old: {token}\ntoken-file: /run/token\n" + HEAD
    done = edited(PATH, text + THEIRS.replace(HOSTNAME, "x.b.com") + LAST, PRESENT)
    for config in (done.before, done.after):
        assert not any(secret in config.shown for secret in (token, "first", "second", "pw"))
        assert "/run/token" in config.shown and "http://***@x:1" in config.shown
    assert token in done.after.text
