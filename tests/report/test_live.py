import base64
import hashlib
import re

from sayso.report import roles
from sayso.report.live import chart, live_page


def test_the_policy_lets_in_what_the_page_has_and_nothing_else():
    html, policy = live_page("<b>name</b>")
    parts = re.findall(r"<(style|script)>(.*?)</\1>", html, re.DOTALL)
    assert [kind for kind, _ in parts] == ["style", "script", "script"]
    for kind, text in parts:
        found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        allowed = re.search(f"{kind}-src ([^;]*);", policy)
        assert allowed is not None
        assert f"'sha256-{found}'" in allowed[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert 'style="' not in html  # the policy has no room for it
    assert "<b>name" not in html
    assert not re.search(r'(?:src|href)="(?!#)', html)


def test_lines_have_the_colours_of_all_reports_and_their_points_in_order(tiny):
    means = {("stage2", 0, "D5cons"): (0.25, 2), ("stage1", 4, "D5cons"): (0.125, 3), ("stage1", 0, "QA3"): (0.1, 3)}
    drawn = chart((("stage1", 4), ("stage2", 6)), means, ["D5cons", "QA3"], tiny)
    assert drawn["stages"] == [{"name": "stage1", "from": 0, "to": 4}, {"name": "stage2", "from": 4, "to": 10}]
    qa3, d5cons = drawn["lines"]
    assert (qa3["subset"], d5cons["subset"]) == ("QA3", "D5cons")
    assert d5cons["colour"] == roles.COLOURS["D5cons"]
    assert (d5cons["dash"], qa3["dash"]) == ("", "2 2.5")
    assert d5cons["points"] == [(4, 0.125, 3, "stage1", 4), (4, 0.25, 2, "stage2", 0)]
