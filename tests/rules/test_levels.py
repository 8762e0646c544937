"""How grave findings are: by how far one gets, whatever the way there."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

BUCKET = """
    insert into storage.buckets (id, name, public) values ('contracts', 'contracts', {});
    create policy "read" on storage.objects for select to authenticated using (bucket_id = 'contracts');"""


@pytest.mark.parametrize(("public", "severity"), [("false", Severity.HIGH), ("true", Severity.MEDIUM)])
def test_files_for_whoever_is_signed_in(supabase_database: str, public: str, severity: Severity) -> None:
    (found,) = (
        one for one in findings(supabase_database, BUCKET.format(public)) if one.rule == "storage-bucket-only"
    )
    assert found.severity is severity
