"""Records of auth that nobody else sees."""

from chassis.resources import Field, Resource, Unique

REVOKED_TOKEN = Resource(
    kind="revoked_token",
    plural="revoked-tokens",
    type="RevokedToken",
    fields=(Field("jti", required=True, column=True, max=60), Field("expires_at", "datetime", column=True)),
    unique=(Unique(("jti",)),),
)
