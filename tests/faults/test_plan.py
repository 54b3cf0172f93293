"""The plan of the faults: the same seed gives the same, so that what was found can be looked for again."""

from __future__ import annotations

from tests.faults.plan import NO_RUNS, make_plan


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, 100, 20) == make_plan(7, 100, 20)
    assert make_plan(7, 100, 20) != make_plan(8, 100, 20)


def test_there_are_as_many_runs_and_faults_as_asked_for_spread_over_the_work() -> None:
    plan = make_plan(7, 100, 20)
    assert sum(work.kind not in NO_RUNS for work in plan.work) == 100
    places = [fault.after_work for fault in plan.faults]
    assert places == sorted(places)
    assert places[0] < len(plan.work) / 20 and places[-1] > len(plan.work) * 0.9
