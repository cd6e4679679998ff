"""Which passwords are good enough, and how they are kept."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from metadata.problems import Invalid
from runtime.identity import passwords


@pytest.mark.parametrize(
    "password",
    [
        "Password123!",
        "P@ssw0rd2024",
        "qwertyuiop12",
        "1234567890",
        "9876543210123",
        "aaaaaaaaaaaa",
        "ILoveYou123",
        "zhangwei1990",
        "Zh@ngWei!2026",
        "woaini1314520",
        "Welcome2026!",
        "Fourfold2026",
        "1q2w3e4r5t",
        "abcabcabcabc",
        "letmeinletmein",
        "adalovelace1",
        "example2026!!",
        "LovelaceAda#1",
        "drowssap123!",
        "mustang1985!",
        "19851224zhang",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="first that anyone would try"):
        passwords.require_good_password(password, ("Ada Lovelace", "ada@example.com"))


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "tiraus-kemolg-38", "k7PqLm2xWz", "山高月小水落石出也很美", "four cats drank tea"],
)
def test_what_nobody_guesses_is_taken(password: str) -> None:
    passwords.require_good_password(password, ("Ada Lovelace", "ada@example.com"))


def test_administrators_need_twelve_characters() -> None:
    passwords.require_good_password("k7PqLm2xWz")
    with pytest.raises(Invalid, match="12 to 128"):
        passwords.require_good_password("k7PqLm2xWz", admin=True)


def test_the_same_letters_written_otherwise_are_the_same_password() -> None:
    kept = passwords.hash_password("ﬁnancière ÅÅÅ")

    assert passwords.verify_password("financière ÅÅÅ", kept)
    assert not passwords.verify_password("financiere AAA", kept)


def test_hashes_are_argon2id_with_the_agreed_cost() -> None:
    kept = passwords.hash_password("tiraus-kemolg-38")

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.needs_rehash(kept)
    assert passwords.needs_rehash(kept.replace("m=19456", "m=8192"))


@pytest.mark.parametrize("kept", [None, "", "no hash at all"])
def test_nobody_is_not_let_in(kept: str | None) -> None:
    assert not passwords.verify_password("nobody has this password", kept)


def test_far_more_than_ten_thousand_common_passwords_are_known() -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    assert len(FREQUENCY_LISTS["passwords"]) >= 30_000
    assert not any(passwords.is_easy_to_guess(password) is False for password in FREQUENCY_LISTS["passwords"][::1500])


def test_the_words_of_the_place_are_the_first_that_anyone_tries() -> None:
    assert not passwords.is_easy_to_guess("Blaubeerkontor-7x")
    assert passwords.is_easy_to_guess("Blaubeerkontor-7x", ("Blaubeer-Kontor",))


def test_people_who_choose_at_once_do_not_get_each_other_s_words() -> None:
    with ThreadPoolExecutor(8) as office:
        own = office.map(lambda i: passwords.is_easy_to_guess(f"Qvarnholt{i}", (f"Qvarnholt{i}",)), range(40))

    assert all(own)
