"""Records of auth that no other service reads; other systems see their events, as a log has no gaps."""

from chassis.resources import Field, Resource, Unique

REVOKED_TOKEN = Resource(
    kind="revoked_token",
    plural="revoked-tokens",
    type="RevokedToken",
    fields=(Field("jti", required=True, column=True, max=60), Field("expires_at", "datetime", column=True)),
    unique=(Unique(("jti",)),),
)

# Its token or code is not kept: it follows from the id and the secret of the house (`one_time`).
ONE_TIME_CODE = Resource(
    kind="one_time_code",
    plural="one-time-codes",
    type="OneTimeCode",
    fields=(
        Field("person_id", "uuid", required=True, column=True),
        Field("purpose", "enum", required=True, column=True, choices=("reset", "invitation", "email_otp")),
        Field("expires_at", "datetime", required=True, column=True),
        Field("mailed_at", "datetime", column=True),
        Field("next_try_at", "datetime", column=True),
        Field("tries", "integer", 0),
    ),
)

RESOURCES: tuple[Resource, ...] = (REVOKED_TOKEN, ONE_TIME_CODE)
