"""One production day in small steps; `STEPS` is their order, each takes a Day and returns a line to print."""

from collections.abc import Callable

from examples.day import breakdown, live, people, previews, productions, review, spreadsheets, talk, work
from examples.day.studio import Day, WrongAnswerError

Step = Callable[[Day], str]

STEPS: tuple[Step, ...] = (
    people.sign_in_and_out,
    people.people_and_departments,
    people.passwords_and_bots,
    productions.productions,
    productions.settings_and_team,
    productions.who_sees_the_production,
    live.listen,
    breakdown.breakdown,
    breakdown.casting,
    spreadsheets.csv_import,
    work.tasks,
    work.assignments,
    work.status_history,
    spreadsheets.long_lists,
    talk.comments,
    talk.notifications,
    talk.news,
    work.hours_and_todo,
    previews.previews,
    previews.main_pictures_and_avatars,
    previews.movie,
    previews.broken_files,
    review.midday,
    review.review,
    review.exports,
    review.last_events,
    live.live_events,
    productions.close_a_production,
)

__all__ = ["STEPS", "Day", "Step", "WrongAnswerError"]
