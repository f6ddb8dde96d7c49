"""The simulation of the docs (`benchmarks.packing`) against what can be worked out by hand."""

import math

import pytest
from benchmarks.packing import HOUR, LONGEST, SHORTEST, Setting, drawing, orders, simulate, sweep

NEVER = Setting(first_start=30.0, start=5.0, between_failures=math.inf)


def test_one_node_that_never_fails_takes_all_work_and_all_starts():
    found = simulate([100.0, 50.0, 10.0], 1, NEVER, drawing(1))
    assert found.makespan == 30 + 100 + 5 + 50 + 5 + 10
    assert (found.lost, found.failures) == (0, 0)


def test_nodes_take_the_next_job_of_the_list_when_they_are_free():
    """Two nodes: 60 and 20 are begun, 20 is followed by 30 (until 20 + 30 + starts), which by 40."""
    found = simulate([60.0, 20.0, 30.0, 40.0], 2, Setting(0, 0, between_failures=math.inf), drawing(1))
    assert found.makespan == 90
    assert found.share([60.0, 20.0, 30.0, 40.0], 2) == pytest.approx(75 / 90)


@pytest.mark.parametrize("nodes", [1, 3, 16])
def test_every_second_of_every_node_is_work_a_start_lost_away_or_idle(nodes):
    """One node is never idle but for leases that lapse; several are at the end alone."""
    work = sweep(400, drawing(3))
    found = simulate(work, nodes, Setting(), drawing(4, nodes))
    assert found.failures > 10
    assert found.lost > 0
    share = found.share_given_failures(work, nodes)
    assert found.share(work, nodes) < share <= 1 + 1e-9
    if nodes == 1:
        assert share > 0.999


def test_a_node_that_fails_loses_no_more_than_since_the_last_checkpoint():
    setting = Setting(0, 0, checkpoint=600, between_failures=HOUR, down=0)
    found = simulate([100 * HOUR], 1, setting, drawing(5))
    assert found.failures > 50
    assert 0 < found.lost < 600 * found.failures
    assert 0 < found.makespan - 100 * HOUR - found.lost <= 120 * found.failures  # leases that lapse


def test_orders_have_the_same_jobs_and_the_longest_first_wastes_least():
    work = sweep(500, drawing(6))
    assert min(work) >= SHORTEST
    assert max(work) <= LONGEST
    found = orders(work, drawing(7))
    assert all(sorted(order) == work for order in found.values())
    assert found["by length"] == work[::-1]
    shares = {name: simulate(order, 16, NEVER, drawing(8)).share(work, 16) for name, order in found.items()}
    assert shares["as planned"] < shares["by estimate"] <= shares["by length"] <= 1
