"""Years, months, weeks and days as ranges of dates; what is no date is refused."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from services.tasks.day_offs import period

DAY = timedelta(days=1)
days = st.dates(date(2, 1, 1), date(9997, 12, 31))


@given(days)
def test_a_day_is_in_its_month_its_year_and_its_iso_week(day: date) -> None:
    year, week, _ = day.isocalendar()
    for first, last in (
        period(str(day.year)),
        period(str(day.year), str(day.month)),
        period(str(year), week=str(week)),
    ):
        assert first <= day <= last


@given(days)
def test_weeks_begin_on_monday_and_have_seven_days(day: date) -> None:
    year, week, _ = day.isocalendar()
    first, last = period(str(year), week=str(week))
    assert (first.isoweekday(), last - first) == (1, 6 * DAY)


@given(st.integers(2, 9997))
def test_the_months_of_a_year_follow_each_other_without_gap(year: int) -> None:
    months = [period(str(year), str(month)) for month in range(1, 13)]
    assert all(after[0] == before[1] + DAY for before, after in pairwise(months))
    assert (months[0][0], months[-1][1]) == period(str(year))


@pytest.mark.parametrize(
    ("year", "week", "first"),
    [("2020", "53", date(2020, 12, 28)), ("2021", "1", date(2021, 1, 4)), ("2026", "53", date(2026, 12, 28)),
     ("2025", "1", date(2024, 12, 30))],
)  # fmt: skip
def test_weeks_across_the_turn_of_the_year(year: str, week: str, first: date) -> None:
    assert period(year, week=week)[0] == first


def test_leap_days() -> None:
    assert period("2024", "2")[1] == date(2024, 2, 29)
    assert period("2100", "2")[1] == date(2100, 2, 28)
    assert period("2000", "2")[1] == date(2000, 2, 29)


@pytest.mark.parametrize(
    "wrong",
    [
        ("0",),
        ("10000",),
        ("abcd",),
        ("-1",),
        ("2026", "13"),
        ("2026", "0"),
        ("2026", "x"),
        ("",),
        ("2026.5",),
    ],
)
def test_what_is_no_period_is_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="There is no such period"):
        period(*wrong)


@pytest.mark.parametrize(("year", "week"), [("2025", "53"), ("2026", "54"), ("2026", "0"), ("2026", "-1")])
def test_only_long_years_have_a_week_53(year: str, week: str) -> None:
    with pytest.raises(Invalid, match="There is no such period"):
        period(year, week=week)
