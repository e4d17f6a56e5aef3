"""What an address is."""

import pytest

from newsletter.audience.addresses import Address, parse_address


def test_case_and_an_international_domain_make_one_reader() -> None:
    assert parse_address(" Anna+News@BÜCHER.example ") == Address(
        "Anna+News@xn--bcher-kva.example", "anna+news@xn--bcher-kva.example"
    )
    assert parse_address("anna+news@xn--bcher-kva.example").key == parse_address("ANNA+NEWS@bücher.example").key


@pytest.mark.parametrize("text", ["", "anna", "anna@", "a b@example.org", "anna@localhost", "a@b..org", "a\r\nb@c.org"])
def test_what_cannot_be_mailed_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"[A-Z].*\."):
        parse_address(text)
