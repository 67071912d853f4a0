"""Steps about people: signing in and out, accounts, departments, roles, bots."""

from concurrent.futures import ThreadPoolExecutor

import gazu
import requests
from gazu.exception import AuthFailedException, NotAllowedException

from examples.day.studio import PASSWORD, TIMEOUT_SECONDS, Day, expect, expect_equal, expect_keys, refused

ROLES = {
    "manager": ("Mona", "manager"),
    "supervisor": ("Sven", "supervisor"),
    "artist": ("Adélie", "user"),
    "animator": ("Nils", "user"),
    "client": ("Clara", "client"),
    "vendor": ("Viktor", "vendor"),
    "outsider": ("Otis", "user"),
    "forgetful": ("Fern", "user"),
}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"}


def sign_in_and_out(day: Day) -> str:
    """Sign in, refresh, sign out; wrong passwords, wrong tokens and missing ones are refused."""
    index = day.send(200, "GET", "/", who=None)
    expect_keys(index, ("api", "version"), "GET /")
    wrong = day.send(400, "POST", "/auth/login", None, json={"email": day.email, "password": "not this one"})
    expect_equal(wrong.get("login"), False, "login with a wrong password")

    admin = day.sign_in("admin", day.email, day.password)
    user = gazu.client.get_current_user(client=admin)
    expect_equal(user["email"].lower(), day.email.lower(), "the address of the signed-in person")
    expect_equal(user["role"], "admin", "role of the administrator")
    day.keep("me", user)

    day.sign_in("short", day.email, day.password)
    short = day.clients["short"]
    first = short.access_token
    short.refresh_access_token()
    expect(short.access_token and short.access_token != first, "a refresh gives a new access token")
    day.send(200, "GET", "/auth/authenticated", "short")
    refresh = {"Authorization": f"Bearer {short.refresh_token}"}
    expect_keys(
        day.send(422, "GET", "/auth/authenticated", None, headers=refresh), ("msg",), "a refresh token as access"
    )
    expect_equal(day.send(200, "GET", "/auth/logout", "short").get("logout"), True, "logout")
    expect_keys(day.send(401, "GET", "/data/projects/open", "short"), ("msg",), "a revoked token")
    expect_keys(day.send(401, "GET", "/data/projects/open", None), ("msg",), "no token")
    garbage = {"Authorization": "Bearer not.a.token"}
    expect_keys(day.send(422, "GET", "/data/projects/open", None, headers=garbage), ("msg",), "a malformed token")
    _cookies(day)
    return f"{index['api']} {index['version']}, signed in as {user['full_name']}"


def _cookies(day: Day) -> None:
    """Sign in as a browser does: the tokens come as cookies that scripts cannot read."""
    with requests.Session() as browser:
        body = {"email": day.email, "password": day.password}
        reply = browser.post(f"{day.url}/auth/login", json=body, headers=BROWSER, timeout=TIMEOUT_SECONDS)
        expect_equal(reply.status_code, 200, "sign-in of a browser")
        cookies = reply.headers.get("Set-Cookie", "")
        expect("access_token_cookie=" in cookies, f"a browser gets access_token_cookie, not {cookies!r}")
        expect("httponly" in cookies.lower(), "the cookies are HttpOnly")
        mine = browser.get(f"{day.url}/auth/authenticated", headers=BROWSER, timeout=TIMEOUT_SECONDS)
        expect_equal(mine.status_code, 200, "authenticated by cookie alone")
    script = day.http("POST", "/auth/login", None, json=body)
    expect("token" not in script.headers.get("Set-Cookie", ""), "a script gets its tokens in the body alone")


def people_and_departments(day: Day) -> str:
    """Hire people of every role, put them into departments, and see what each of them sees."""
    department = gazu.person.new_department(day.named("Lighting desk"), "#FFCC00", client=day.admin)
    department["color"] = "#FFDD11"
    changed = gazu.person.update_department(department, client=day.admin)  # type: ignore[no-untyped-call]
    expect_equal(changed["color"], "#FFDD11", "the new colour of the department")
    names = [row["name"] for row in gazu.person.all_departments(client=day.admin)]
    expect(day.named("Lighting desk") in names, "the new department is in the list")
    day.keep("department", department)

    for name, (first, role) in ROLES.items():
        person = gazu.person.new_person(first, day.suffix, day.mail(name), role=role, client=day.admin)
        expect_equal(person["role"], role, f"role of {name}")
        expect_equal(person["full_name"], f"{first} {day.suffix}", f"full name of {name}")
        expect("password" not in person, "a password is never sent back")
        gazu.person.change_password_for_person(person, PASSWORD, client=day.admin)
        day.keep(name, person)
        day.sign_in(name, day.mail(name), PASSWORD)
    twin = {"first_name": "A", "last_name": "Twin", "email": day.mail("artist")}
    day.send(400, "POST", "/data/persons", json=twin)

    _membership(day)
    everybody = {row["id"]: row for row in gazu.person.all_persons(client=day.admin)}
    expect_keys(everybody[day["artist"]["id"]], ("email", "role", "daily_salary"), "a person as an admin sees it")
    colleagues = {row["id"]: row for row in gazu.person.all_persons(client=day.clients["artist"])}
    expect(day["manager"]["id"] in colleagues, "an artist sees the colleagues")
    expect("daily_salary" not in colleagues[day["manager"]["id"]], "an artist does not see salaries")
    with refused(NotAllowedException, "an artist hiring people"):
        gazu.person.new_person("No", "Body", day.mail("nobody"), client=day.clients["artist"])
    return f"{len(ROLES)} people, department {department['name']}"


def _membership(day: Day) -> None:
    artist, department = day["artist"], day["department"]
    member = gazu.person.add_person_to_department(artist, department, client=day.admin)
    expect(department["id"] in member["departments"], "the artist is in the department")
    gazu.person.remove_person_from_department(artist, department, client=day.admin)
    now = gazu.person.get_person(artist["id"], relations=True, client=day.admin)
    expect_equal(now["departments"], [], "departments after leaving")
    gazu.person.add_person_to_department(artist, department, client=day.admin)


def passwords_and_bots(day: Day) -> str:
    """Change a password, lock an account by guessing, sign in together, let a bot in by its token."""
    other = "another long password"
    change = {"old_password": PASSWORD, "password": other, "password_2": other}
    expect_equal(day.send(200, "POST", "/auth/change-password", "animator", json=change).get("success"), True, "change")
    short = {"old_password": other, "password": "short", "password_2": "short"}
    day.send(400, "POST", "/auth/change-password", "animator", json=short)
    day.send(200, "GET", "/auth/authenticated", "animator")
    with refused(AuthFailedException, "the old password"):
        day.sign_in("nobody", day.mail("animator"), PASSWORD)
    day.sign_in("animator", day.mail("animator"), other)

    guess = {"email": day.mail("forgetful"), "password": "a wrong guess"}
    for _ in range(5):
        day.send(400, "POST", "/auth/login", None, json=guess)
    locked = day.send(400, "POST", "/auth/login", None, json={**guess, "password": PASSWORD})
    expect_equal(locked.get("too_many_failed_login_attemps"), True, "sign-in after five wrong guesses")

    body = {"email": day.mail("artist"), "password": PASSWORD}
    with ThreadPoolExecutor(6) as crowd:
        replies = [crowd.submit(day.http, "POST", "/auth/login", None, json=body) for _ in range(6)]
        day.send(200, "GET", "/", None)
        expect_equal({reply.result().status_code for reply in replies}, {200}, "six sign-ins at once")

    bot = gazu.person.new_bot("Render bot", f"bot.{day.suffix}@example.com", client=day.admin)
    expect_equal(bot["is_bot"], True, "is_bot of a bot")
    token = {"Authorization": f"Bearer {bot['access_token']}"}
    day.send(200, "GET", "/data/projects/open", None, headers=token)
    day.send(403, "POST", "/auth/change-password", None, headers=token, json=change)
    return "password changed, five guesses locked an account, a bot works"
