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
