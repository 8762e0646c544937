"""What policies say of claims, asked of app_metadata: each kind by itself, and the rest as it was."""

from __future__ import annotations

from rlsaudit.rules.claims import not_of_address, not_of_request, not_of_user

SERVER = "((select auth.jwt()) -> 'app_metadata')"


def test_what_users_write() -> None:
    asked = "(((( SELECT auth.jwt() AS jwt) -> 'user_metadata'::text) ->> 'role'::text) = 'user_metadata_role'::text)"
    assert not_of_user(asked) == asked.replace("'user_metadata'", "'app_metadata'")
    path = "((auth.jwt() #>> '{user_metadata,role}'::text[]) = auth.email())"
    assert not_of_user(path) == path.replace("{user_metadata", "{app_metadata")
    assert not_of_user("(user_metadata = auth.email())") == "(user_metadata = auth.email())"


def test_what_requests_say() -> None:
    header = "(current_setting('request.headers'::text, true))::json"
    assert not_of_request(f"(tenant = ({header} ->> 'x-tenant-id'::text))") == f"(tenant = ({SERVER} ->> 'tenant_id'))"
    cookie = "(current_setting('request.cookies'::text))::jsonb"
    assert not_of_request(f"({cookie} ? 'staff'::text)") == f"({SERVER} ? 'staff'::text)"
    claims = "((current_setting('request.jwt.claims'::text, true))::json ->> 'sub'::text)"
    assert not_of_request(claims) == claims


def test_addresses() -> None:
    assert not_of_address("(( SELECT auth.email() AS email) = mail)") == f"(({SERVER} ->> 'email') = mail)"
    assert not_of_address("(auth.email() = mail)") == f"(({SERVER} ->> 'email') = mail)"
    claim = "((( SELECT auth.jwt() AS jwt) ->> 'email'::text) = 'a@b.example'::text)"
    wanted = "(((( SELECT auth.jwt() AS jwt) -> 'app_metadata') ->> 'email'::text) = 'a@b.example'::text)"
    assert not_of_address(claim) == wanted
