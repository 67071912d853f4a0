"""Records that auth owns: people, the studio around them, and the traces of their sign-ins."""

from chassis.resources import Fields, Resource, Unique
from contracts.fields import (
    blob,
    choice,
    day,
    decimal,
    fixed,
    flag,
    flags,
    link,
    links,
    moment,
    name,
    number,
    protected,
    secret,
    text,
)

ROLES = ("user", "admin", "supervisor", "manager", "client", "vendor")
POSITIONS = ("supervisor", "lead", "artist")
SENIORITIES = ("senior", "mid", "junior")
CONTRACT_TYPES = ("open-ended", "fixed-term", "short-term", "freelance", "apprentice", "internship")
TWO_FACTORS = ("totp", "email_otp", "fido")


def full_name(person: Fields) -> dict[str, str]:
    """Return the computed key of people: both names joined by one blank."""
    return {"full_name": f"{person.get('first_name') or ''} {person.get('last_name') or ''}".strip()}


PERSON = Resource(
    kind="person",
    plural="persons",
    type="Person",
    live="person",
    render=full_name,
    fields=(
        text("first_name", 80, required=True, column=True),
        text("last_name", 80, required=True, column=True),
        text("email", 255, column=True),
        text("phone", 30),
        text("country", 2),
        choice("contract_type", CONTRACT_TYPES, "open-ended", nullable=False),
        flag("active", True, column=True),
        flag("archived", column=True),
        day("last_presence"),
        fixed(secret(text("password"))),
        text("desktop_login", 80, column=True),
        secret(number("login_failed_attemps", 0)),
        secret(moment("last_login_failed")),
        fixed(flag("totp_enabled")),
        fixed(secret(text("totp_secret", 32))),
        fixed(flag("email_otp_enabled")),
        fixed(secret(text("email_otp_secret", 32))),
        fixed(flag("fido_enabled")),
        fixed(secret(blob("fido_credentials"))),
        fixed(secret(blob("otp_recovery_codes"))),
        fixed(choice("preferred_two_factor_authentication", TWO_FACTORS)),
        number("shotgun_id", column=True),
        text("timezone", 50, "Europe/Paris"),
        text("locale", 10, "en_US"),
        flag("use_12_hour_clock"),
        text("display_date_format", 20, "YYYY-MM-DD"),
        blob("data"),
        choice("role", ROLES, "user", nullable=False, column=True),
        choice("position", POSITIONS, "artist"),
        choice("seniority", SENIORITIES, "mid"),
        number("daily_salary", 0),
        *flags("has_avatar", "notifications_enabled", "notifications_slack_enabled"),
        text("notifications_slack_userid", 60, ""),
        flag("notifications_mattermost_enabled"),
        text("notifications_mattermost_userid", 60, ""),
        flag("notifications_discord_enabled"),
        text("notifications_discord_userid", 60, ""),
        flag("is_bot", nullable=False, column=True),
        flag("is_guest", nullable=False, column=True),
        protected(link("preview_project_id", "project")),
        protected(moment("preview_opened_at")),
        protected(moment("preview_open_until")),
        fixed(secret(text("jti", 60))),
        day("expiration_date"),
        flag("is_generated_from_ldap"),
        text("ldap_uid", 60),
        secret(text("oidc_issuer")),
        secret(text("oidc_subject", 255)),
        secret(text("saml_issuer")),
        secret(text("saml_subject", 255)),
        link("studio_id", "studio"),
        links("departments", "department", column=True),
    ),
    unique=(
        Unique(("email",), where="is_bot IS NOT TRUE"),
        Unique(("shotgun_id",)),
        Unique(("ldap_uid",)),
        Unique(("jti",)),
        Unique(("oidc_issuer", "oidc_subject")),
        Unique(("saml_issuer", "saml_subject")),
        Unique(("preview_project_id",)),
    ),
)

DEPARTMENT = Resource(
    kind="department",
    plural="departments",
    type="Department",
    live="department",
    fields=(name(80), text("color", 7, required=True), flag("archived", column=True)),
    unique=(Unique(("name",)),),
)

STUDIO = Resource(
    kind="studio",
    plural="studios",
    type="Studio",
    live="studio",
    fields=(name(80), text("color", 7, required=True), flag("archived", column=True)),
    unique=(Unique(("name",)),),
)

ORGANISATION = Resource(
    kind="organisation",
    plural="organisations",
    type="Organisation",
    live="organisation",
    fields=(
        name(80),
        decimal("hours_by_day", 8, nullable=False),
        *flags("has_avatar", "use_original_file_name", "timesheets_locked", "format_duration_in_hours"),
        *flags("hd_by_default", "dark_theme_by_default"),
        # Shown to admins only: the routes of organisations leave these out for everybody else.
        text("chat_token_slack", 80, ""),
        text("chat_webhook_mattermost", 80, ""),
        text("chat_token_discord", 80, ""),
    ),
    unique=(Unique(("name",)),),
)

SALARY_SCALE = Resource(
    kind="salary_scale",
    plural="salary-scales",
    type="SalaryScale",
    live="salary-scale",
    fields=(
        fixed(link("department_id", "department", required=True)),
        choice("position", POSITIONS, "artist", column=True),
        choice("seniority", SENIORITIES, "mid", column=True),
        number("salary", 0, nullable=False),
    ),
)

LOGIN_LOG = Resource(
    kind="login_log",
    plural="login-logs",
    type="LoginLog",
    fields=(
        link("person_id", "person", required=True),
        text("ip_address"),
        choice("origin", ("web", "script"), column=True),
    ),
    indexes=(("created_at",),),
)

DESKTOP_LOGIN_LOG = Resource(
    kind="desktop_login_log",
    plural="desktop-login-logs",
    type="DesktopLoginLog",
    fields=(link("person_id", "person", required=True), moment("date", required=True, column=True)),
    indexes=(("date",),),
)

# Only what admins store by hand; what happened in the studio is read from the logs of the services.
API_EVENT = Resource(
    kind="api_event",
    plural="events",
    type="ApiEvent",
    live="api-event",
    fields=(name(80), link("user_id", "person"), link("project_id", "project"), blob("data")),
    indexes=(("created_at",),),
)

RESOURCES: tuple[Resource, ...] = (
    PERSON,
    DEPARTMENT,
    STUDIO,
    ORGANISATION,
    SALARY_SCALE,
    LOGIN_LOG,
    DESKTOP_LOGIN_LOG,
    API_EVENT,
)
