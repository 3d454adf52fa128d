"""No bearer token reaches a log, whichever words stand around it; prose does."""

from __future__ import annotations

import pytest

from lib.logs import redact
from tests.issuing import part

SIGNED = f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part({'sub': 'ana', 'exp': 1})}.{part(bytes(range(200)))}"
ENCRYPTED = f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..{part(b'iv of sixteen by')}.{part(bytes(50))}.{part(bytes(16))}"
PERSONAL = "ads_pat_" + "aB3-_" * 8 + "xyz"
OPAQUE = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
AROUND = (
    "{}", "Bearer {}", "bearer   {}", "Authorization: Bearer {}", "'authorization': 'Bearer {}'", "refused {}: expired",
    "Sec-WebSocket-Protocol: ads.live, bearer.{}", "https://ads.test/?x={}", "({})", "_{}", "ads_session={}; Path=/",
)  # fmt: skip


@pytest.mark.parametrize("words", AROUND)
@pytest.mark.parametrize("token", [SIGNED, ENCRYPTED, PERSONAL, SIGNED.partition(".")[0]])
def test_tokens_are_cut_out(token: str, words: str) -> None:
    said = redact(words.format(token))
    assert "[redacted]" in said
    for piece in token.replace("ads_pat_", "").split("."):
        assert len(piece) < 8 or piece[:8] not in said


def test_a_bearer_of_another_kind_is_cut_out() -> None:
    assert redact(f"Authorization: Bearer {OPAQUE}") == "Authorization: Bearer [redacted]"


@pytest.mark.parametrize(
    "prose",
    [
        "A bearer token was refused: ExpiredSignatureError.",
        "The bearer authentication of the API is described in the README.",
        "eyJ is how a JWT begins.",
        "Every personal token begins with ads_pat_.",
    ],
)
def test_prose_stays(prose: str) -> None:
    assert redact(prose) == prose


HASHED = "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBzYWx0IG9mIG91cnM$aGFzaGVkIG92ZXIgYW5kIG92ZXI"
TYPED = "correct, horse; battery"


@pytest.mark.parametrize(
    "words",
    [
        "'hashed_password_1': '{}'", "'hashed_password__0': '{}', 'id': 7", '"password": "{}"', "password='{}'",
        "{{'param_1': 1, 'better_password_m0_2': '{}'}}", "'token_1': b'{}'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("secret", [HASHED, TYPED])
def test_a_value_in_quotes_is_cut_out_to_its_end(secret: str, words: str) -> None:
    said = redact(words.format(secret))
    assert "[redacted]" in said
    for piece in ("argon2id", "p=4", "aGFzaGVk", "correct", "horse", "battery"):
        assert piece not in said
    assert "'id': 7" in said or "'id': 7" not in words


@pytest.mark.parametrize("words", ["Failing row contains (7, ana@example.com, {}, viewer).", "[parameters: ('{}', 7)]"])
def test_a_hash_of_a_password_is_cut_out_whatever_its_name(words: str) -> None:
    assert redact(words.format(HASHED)) == words.format("[redacted]")


def test_what_follows_a_value_stays() -> None:
    assert redact("'password': 'it\\'s', 'email': 'ana'") == "'password': '[redacted]', 'email': 'ana'"
    assert redact("token=abc, status=3") == "token=[redacted], status=3"
