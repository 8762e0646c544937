"""The packs, their names of columns, and the documentation of intent files."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from rlsaudit.intent import load
from rlsaudit.intent.packs import pack_names, read_pack
from rlsaudit.intent.schema import TABLES

ROOT = Path(__file__).parents[3]
EXAMPLES = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "intent.md").read_text(encoding="utf-8"), re.DOTALL)

SENSITIVE = """
    email Email userEmail user_email contact_email email_address e_mail phone phoneNumber phone_number mobile_number
    address billing_address shippingAddress address_line1 ip ip_address last_ip ipAddress
    password passwordHash password_hash encrypted_password hashed_password secret totp_secret client_secret
    token access_token accessToken refresh_token password_reset_token fcm_token api_key apiKey apikey openai_api_key
    private_key stripe_secret_key stripe_customer_id stripeCustomerId invite_code otp_code slack_webhook_url
    ssn ssn_last4 date_of_birth dob birthdate passport_number national_id tax_id
    iban card_number cardNumber card_last4 cvv bank_account_id salary base_salary balance credit_balance
    diagnosis medical_notes private_notes internal_notes home_latitude last_location
"""
HARMLESS = """
    id title body name full_name username avatar_url website bio slug city country latitude longitude lat lng
    tokens token_count max_tokens prompt_tokens price_per_token email_verified emailVerified email_verified_at
    email_notifications show_email has_password password_changed_at is_secret is_private require_phone phone_verified
    card_title cards wallet_address contract_address stripe_price_id stripe_product_id stripe_publishable_key
    min_salary max_salary hodler_min_balance public_key description shipping_cost balanced tax_rate zip pinned
    position expires_at
    secretary gender_neutral ip_count trip ship tip skip equip vip nip sales_email privacy_email medical_uses
"""


@pytest.mark.parametrize("column", SENSITIVE.split())
def test_columns_with_private_data_are_known_by_their_names(column: str) -> None:
    assert load(None, "supabase").is_sensitive("public.t", column)


@pytest.mark.parametrize("column", HARMLESS.split())
def test_columns_without_are_left_alone(column: str) -> None:
    assert not load(None, "supabase").is_sensitive("public.t", column)


@pytest.mark.parametrize(
    "column", ["user_id", "userId", "userid", "auth_user_id", "owner_id", "author_id", "created_by", "profile_id"]
)
def test_owners_are_known(column: str) -> None:
    assert load(None, "postgres").names_owner(column)


@pytest.mark.parametrize("column", ["id", "sort_by", "updated_by", "parent_id", "post_id", "status", "user_agent"])
def test_what_is_no_owner_is_left_alone(column: str) -> None:
    assert not load(None, "postgres").names_owner(column)


@pytest.mark.parametrize(
    "column", ["org_id", "orgId", "organization_id", "tenant_id", "team_id", "workspaceId", "company_id"]
)
def test_tenants_are_known(column: str) -> None:
    assert load(None, "postgres").names_tenant(column)
    assert not load(None, "postgres").names_owner(column)


@pytest.mark.parametrize("platform", ["supabase", "postgres"])
def test_every_platform_has_a_pack(platform: str) -> None:
    assert platform in pack_names()
    assert load(None, platform).allowances


@pytest.mark.parametrize("name", pack_names())
def test_no_pack_names_a_column_twice(name: str) -> None:
    columns = read_pack(name, "a test").columns
    for patterns in (columns.sensitive, columns.owner, columns.tenant):
        assert len(set(patterns)) == len(patterns)


def test_the_documentation_has_examples() -> None:
    assert len(EXAMPLES) > 5


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("platform", ["supabase", "postgres"])
def test_every_example_of_the_documentation_loads(example: str, platform: str, tmp_path: Path) -> None:
    path = tmp_path / "rlsaudit.toml"
    path.write_text(example, encoding="utf-8")
    (tmp_path.parent / "common").mkdir(exist_ok=True)
    (tmp_path.parent / "common" / "rlsaudit.toml").write_text("", encoding="utf-8")
    assert load(path, platform).allowances or 'extends = "base"' in example


def test_every_key_is_in_the_documentation() -> None:
    documented: set[str] = set()
    for example in EXAMPLES:
        for key, value in tomllib.loads(example).items():
            entries = value if isinstance(value, list) else [value]
            documented |= {key} | {inner for entry in entries if isinstance(entry, dict) for inner in entry}
    keys = {key for table in TABLES.values() for key in table.__struct_fields__}
    assert keys - documented <= {"update", "delete"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed, and building may not download it")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_the_packs(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel)
    for name in pack_names():
        packed = inside.read(f"rlsaudit/intent/packs/{name}.toml")
        assert packed == (ROOT / "policies" / f"{name}.toml").read_bytes()


def test_the_packs_are_found_in_an_installation(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        inside.extractall(tmp_path)
    code = "import rlsaudit; from rlsaudit.intent import load; load(None, 'supabase'); print(rlsaudit.__file__)"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert str(tmp_path) in done.stdout
