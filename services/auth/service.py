"""The auth service: its rooms and its plain records."""

from chassis import health, history, intake
from chassis.crud import Crud
from chassis.policy import admins, signed_in
from chassis.spec import ServiceSpec
from contracts import auth as kinds
from contracts import sign_in
from services.auth import importing, mailing, organisation, passwords, people, sessions, single_sign_on, two_factor
from services.auth.seed import seed

AUTH = ServiceSpec(
    name="auth",
    owns=(*kinds.RESOURCES, *sign_in.RESOURCES),
    cruds=(
        people.CRUD,
        Crud(kinds.DEPARTMENT, read=signed_in),
        Crud(kinds.STUDIO, read=signed_in),
        Crud(kinds.SALARY_SCALE, only=("list", "get", "update")),
        Crud(kinds.LOGIN_LOG, read=admins, only=("list", "get")),
        Crud(kinds.DESKTOP_LOGIN_LOG, read=admins, only=("list", "get")),
    ),
    rooms=(
        health,
        history,
        intake,
        sessions,
        two_factor,
        single_sign_on,
        passwords,
        mailing,
        people,
        organisation,
        importing,
    ),
    workers=(mailing.MAIL,),
    seed=seed,
)
