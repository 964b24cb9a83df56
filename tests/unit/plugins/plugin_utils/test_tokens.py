# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and tokens: what they hold, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

AUDIENCE = "erp-db.example.com"
NOW = 1_795_000_000
PERIOD = 30 * tokens.DAY
# RFC 8037, appendix A: a key, its public half and its thumbprint by somebody else.
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def pem_of(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.fixture(name="pem")
def _pem() -> str:
    return tokens.new_key()


@pytest.fixture(name="signer")
def _signer(pem: str) -> tokens.Signer:
    return tokens.Signer(pem=pem, audience=AUDIENCE)


def opened(token: str, pem: str) -> dict[str, Any]:
    """The claims, the signature checked with the published key."""
    key = jwt.PyJWK(tokens.jwks([pem])["keys"][0])
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, options=options)
    return claims


def test_published_key_is_that_of_the_standard() -> None:
    pem = pem_of(Ed25519PrivateKey.from_private_bytes(RFC_SEED))
    wanted = {"kty": "OKP", "crv": "Ed25519", "x": RFC_X, "kid": RFC_KID, "alg": "EdDSA", "use": "sig"}
    assert tokens.jwks([pem]) == {"keys": [wanted]}


def test_private_half_is_never_published(pem: str) -> None:
    assert all("d" not in key for key in tokens.jwks([pem, tokens.new_key()])["keys"])


def test_a_key_is_published_once(pem: str) -> None:
    other = tokens.new_key()
    assert tokens.jwks([pem, other, pem]) == tokens.jwks([pem, other])


def test_public_key_alone_can_be_published(pem: str) -> None:
    public = load_pem_private_key(pem.encode(), None).public_key()
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert tokens.jwks([text]) == tokens.jwks([pem])


def test_token_holds_the_claims_and_names_its_key(pem: str) -> None:
    token = tokens.mint(pem, "erp_reader", "me", 90, AUDIENCE, NOW, "id-1")
    assert opened(token, pem) == {
        "role": "erp_reader", "sub": "me", "aud": AUDIENCE, "iss": "portfolio",
        "iat": NOW, "exp": NOW + 90 * 86400, "jti": "id-1",
    }  # fmt: skip
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": tokens.jwks([pem])["keys"][0]["kid"]}


def test_other_keys_do_not_open_it(pem: str) -> None:
    token = tokens.mint(pem, "erp_reader", "me", 1, AUDIENCE, NOW, "id-1")
    with pytest.raises(jwt.InvalidSignatureError):
        opened(token, tokens.new_key())


@pytest.mark.parametrize("days", [0, -1, 91, True, 1.5, "30"])
def test_lifetime_has_bounds(pem: str, days: Any) -> None:
    with pytest.raises(tokens.TokenError, match="1 to 90 days"):
        tokens.mint(pem, "erp_reader", "me", days, AUDIENCE, NOW, "id-1")


@pytest.mark.parametrize(("role", "sub"), [("", "me"), ("erp_reader", "")])
def test_role_and_subject_are_needed(pem: str, role: str, sub: str) -> None:
    with pytest.raises(tokens.TokenError, match="a role and a subject"):
        tokens.mint(pem, role, sub, 1, AUDIENCE, NOW, "id-1")


@pytest.mark.parametrize("sub", [" me", "me\n", "a\tb", "x" * 201])
def test_subject_is_one_line(pem: str, sub: str) -> None:
    with pytest.raises(tokens.TokenError, match="A token's subject is one line"):
        tokens.mint(pem, "erp_reader", sub, 1, AUDIENCE, NOW, "id-1")


def test_scope_is_in_the_claims(pem: str) -> None:
    scope = {"client_id": "acme", "person_id": 7}
    claims = opened(tokens.mint(pem, "agent_client", "bot", 1, AUDIENCE, NOW, "id-1", scope), pem)
    assert (claims["client_id"], claims["person_id"]) == ("acme", 7)


@pytest.mark.parametrize(
    ("role", "scope", "sentence"),
    [
        ("agent_client", {}, "needs its id; add CLIENT_ID="),
        ("agent_client", {"client_id": ""}, "needs its id; add CLIENT_ID="),
        ("agent_client", {"person_id": 7}, "needs its id; add CLIENT_ID="),
        ("agent_client", {"client_id": "a\nb"}, "client_id is one line"),
        ("agent_client", {"client_id": "acme", "person_id": 0}, "person_id is the id of a row"),
        ("agent_client", {"client_id": "acme", "person_id": True}, "person_id is the id of a row"),
        ("agent_client", {"client_id": "acme", "role": "erp_writer"}, "not by role"),
        ("erp_reader", {"client_id": "acme"}, "CLIENT_ID would not narrow that"),
        ("agent_service", {"client_id": "acme", "person_id": 7}, "CLIENT_ID and PERSON_ID would not narrow that"),
    ],
)
def test_scope_is_for_the_scoped_role(pem: str, role: str, scope: dict[str, Any], sentence: str) -> None:
    with pytest.raises(tokens.TokenError, match=sentence):
        tokens.mint(pem, role, "bot", 1, AUDIENCE, NOW, "id-1", scope)


@pytest.mark.parametrize("text", ["", "no key", pem_of(generate_private_key(SECP256R1()))])
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(tokens.TokenError, match="not an unencrypted Ed25519 private key"):
        tokens.mint(text, "erp_reader", "me", 1, AUDIENCE, NOW, "id-1")


def test_broken_public_key_is_refused() -> None:
    with pytest.raises(tokens.TokenError, match="public key of the API"):
        tokens.jwks(["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])


def test_stable_token_keeps_its_bytes_for_a_period(signer: tokens.Signer) -> None:
    begin = NOW - NOW % PERIOD
    at = [tokens.mint_stable(signer, "erp_monitor", "monitor", 90, 30, now) for now in (begin, begin + PERIOD - 1)]
    later = tokens.mint_stable(signer, "erp_monitor", "monitor", 90, 30, begin + PERIOD)
    assert at[0] == at[1] != later
    first, second = opened(at[0], signer.pem), opened(later, signer.pem)
    assert (first["iat"], first["exp"]) == (begin, begin + 90 * tokens.DAY)
    assert first["jti"] != second["jti"]


def test_stable_token_differs_by_subject_and_key(signer: tokens.Signer) -> None:
    other = tokens.Signer(pem=tokens.new_key(), audience=AUDIENCE)
    made = [tokens.mint_stable(each, "erp_monitor", sub, 90, 30, NOW) for each in (signer, other) for sub in ("a", "b")]
    assert len(set(made)) == 4
    assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for token in made}) == 4


@pytest.mark.parametrize("period", [0, 90, 100])
def test_period_is_shorter_than_the_life(signer: tokens.Signer, period: int) -> None:
    with pytest.raises(tokens.TokenError, match="cannot be renewed every"):
        tokens.mint_stable(signer, "erp_monitor", "monitor", 90, period, NOW)


def test_roles_are_those_of_the_login() -> None:
    roles = tokens.read_roles()
    assert {"erp_reader", "erp_monitor"} <= set(roles)
    assert not {"erp_admin", "postgres", tokens.AUTHENTICATOR} & set(roles)


@pytest.mark.parametrize("document", [None, [], {}, {"roles": {}}, {"roles": {tokens.AUTHENTICATOR: {}}}])
def test_roles_file_without_roles_is_refused(document: Any) -> None:
    with pytest.raises(tokens.TokenError, match="does not say which roles"):
        tokens.api_roles(document)


@pytest.mark.parametrize("content", [None, "roles: ["])
def test_unreadable_roles_file_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "roles.yml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(tokens.TokenError, match="cannot be read") as caught:
        tokens.read_roles(path)
    assert str(path) in str(caught.value)


def test_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(tokens.TokenError, match=r"no API role 'postgres'.*a, b"):
        tokens.check_request("postgres", "me", 1, ["a", "b"])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_key_that_others_can_read_is_refused(tmp_path: Path, pem: str, mode: int) -> None:
    path = key_file(tmp_path, pem, mode)
    with pytest.raises(tokens.TokenError, match="chmod 600"):
        tokens.read_key(str(path))


def test_key_of_one_owner_is_read(tmp_path: Path, pem: str) -> None:
    assert tokens.read_key(str(key_file(tmp_path, pem, 0o600))) == pem


def test_file_without_a_key_is_named(tmp_path: Path) -> None:
    path = key_file(tmp_path, "garbage", 0o600)
    with pytest.raises(tokens.TokenError, match=f"The signing key {path} is not an unencrypted"):
        tokens.read_key(str(path))


def test_missing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tokens.TokenError, match="or deploy with this inventory, which makes one"):
        tokens.read_key(str(tmp_path / "none.pem"))


def test_link_to_a_key_is_refused(tmp_path: Path, pem: str) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(key_file(tmp_path, pem, 0o600))
    with pytest.raises(tokens.TokenError, match=f"{link} is a link"):
        tokens.read_key(str(link))


def test_directory_for_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tokens.TokenError, match="cannot be read"):
        tokens.read_key(str(tmp_path))


def key_file(directory: Path, pem: str, mode: int) -> Path:
    path = directory / "key.pem"
    path.write_text(pem)
    path.chmod(mode)
    return path


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MISSING", ImportError("No module named 'jwt'", name="jwt"))
    with pytest.raises(tokens.TokenError, match="jwt is not installed"):
        tokens.jwks(["x"])
