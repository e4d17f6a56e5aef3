"""Contacts over real HTTP."""

from __future__ import annotations

import pytest

from .conftest import Client, Start

ANNA = {"email": "Anna@Example.org", "firstName": "Anna", "listIds": ["l1"], "customFields": {"plan": "pro"}}


def test_a_contact_is_created_read_changed_and_deleted(client: Client) -> None:
    made = client.post("/contacts", ANNA)["data"]
    assert (made["email"], made["customFields"]) == ("anna@example.org", {"plan": "pro"})
    path = f"/contacts/{made['id']}"
    assert client.call("GET", path)[1] == {"success": True, "data": made}
    change = {"email": "anna@example.org", "lastName": "B", "listIds": ["l2"], "customFields": {"plan": None, "x": 1}}
    changed = client.post("/contacts/email", change)["data"]
    assert (changed["id"], changed["firstName"], changed["lastName"]) == (made["id"], "Anna", "B")
    assert (changed["listIds"], changed["customFields"]) == (["l1", "l2"], {"x": 1})
    assert client.call("DELETE", path)[:2] == (200, {"success": True})
    assert [client.call(method, path)[0] for method in ("GET", "DELETE")] == [404, 404]


def test_a_contact_is_created_once(client: Client) -> None:
    client.post("/contacts", ANNA)
    status, answer, _ = client.call("POST", "/contacts", ANNA)
    assert (status, answer["error"]["details"][0]["field"]) == (400, "email")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "x"}, "email"),
        ({"firstName": 1}, "firstName"),
        ({"listIds": "l"}, "listIds"),
        ({"customFields": []}, "customFields"),
    ],
)
def test_what_is_wrong_with_a_contact_is_named(client: Client, change: dict[str, object], field: str) -> None:
    for path in ("/contacts", "/contacts/email"):
        status, answer, _ = client.call("POST", path, ANNA | change)
        assert (status, [detail["field"] for detail in answer["error"]["details"]]) == (400, [field])


def test_up_to_100_contacts_are_changed_in_one_call_and_the_bad_ones_counted(client: Client) -> None:
    contacts = [{"email": f"c{number}@x.example"} for number in range(98)]
    twice_and_bad = [{"email": "C0@x.example", "firstName": "C"}, {"email": "bad"}]
    answer = client.post("/contacts/bulk-update", {"contacts": contacts + twice_and_bad})
    assert answer["data"] == {"successCount": 99, "failedCount": 1, "totalCount": 100}
    found = client.post("/contacts/search/emails", {"emails": ["c0@X.example", "c97@x.example", "no@x.example"]})
    assert [contact.get("firstName") for contact in found["data"]["contacts"]] == ["C", None]
    for wrong in ([], contacts * 2, "all"):
        assert client.call("POST", "/contacts/bulk-update", {"contacts": wrong})[0] == 400


def test_contacts_are_removed_by_address_and_remembered_across_a_restart(start: Start) -> None:
    client = start()
    for email in ("a@x.example", "b@x.example"):
        client.post("/contacts", {"email": email})
    assert client.post("/contacts/remove", {"emails": ["A@x.example", "no@x.example"]}) == {"success": True}
    client.simulator.stop()
    found = start().post("/contacts/search/emails", {"emails": ["a@x.example", "b@x.example"]})
    assert [contact["email"] for contact in found["data"]["contacts"]] == ["b@x.example"]
