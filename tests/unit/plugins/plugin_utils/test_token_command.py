# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command behind the verbs token and tokens: a token that is written down, and the list of what was."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import (
    signing_keys,
    token_command,
    token_register,
    tokens,
)

ROOT = Path(__file__).resolve().parents[4]
MODULE = "ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_command"
AUDIENCE = "erp-db.example.com"
NOW = 1_795_000_000


def key_file(path: Path, pem: str) -> None:
    path.write_text(pem)
    path.chmod(0o600)


@pytest.fixture(name="pem")
def _pem() -> str:
    return tokens.new_key()


def opened(token: str, pem: str) -> dict[str, Any]:
    """The claims, the signature checked with the published key."""
    key = jwt.PyJWK(tokens.jwks([pem])["keys"][0])
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE)
    return claims


@pytest.fixture(name="inventory")
def _inventory(tmp_path: Path, pem: str) -> Path:
    """An inventory whose key is named by a variable that has to be templated."""
    key_file(tmp_path / "key.pem", pem)
    variables = {
        "postgrest_erp_signing_key_file": "{{ keys }}/key.pem",
        "keys": str(tmp_path),
        "portfolio_hostname": AUDIENCE,
    }
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    hosts = {"portfolio": {"hosts": {"localhost": {"ansible_connection": "local", **variables}}}}
    (inventory / "hosts.yml").write_text(json.dumps(hosts))
    return inventory


def command(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": str(ROOT / ".collections"),
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        **more,
    }
    argv = [sys.executable, "-m", MODULE, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)


def register_of(inventory: Path) -> Path:
    return inventory / ".token_register.json"


def place(tmp_path: Path, pem: str) -> token_command.Place:
    key_file(tmp_path / "key.pem", pem)
    signer = tokens.Signer(pem, AUDIENCE)
    return token_command.Place(signer, str(tmp_path / "register"), signing_keys.named(str(tmp_path / "key.pem")))


def test_an_inventory_may_use_a_plugin_by_its_whole_name(inventory: Path, tmp_path: Path) -> None:
    hosts = inventory / "hosts.yml"
    named = json.loads(hosts.read_text())
    named["portfolio"]["hosts"]["localhost"]["keys"] = "{{ lookup('ansible.builtin.env', 'KEYS') }}"
    hosts.write_text(json.dumps(named))
    done = command("issue", "--inventory", str(inventory), "--role", "erp_reader", KEYS=str(tmp_path))
    assert (done.returncode, done.stderr, done.stdout.count(".")) == (0, "", 2)


def test_what_was_handed_out_is_written_down_and_the_token_is_not(inventory: Path, pem: str) -> None:
    done = command("issue", "--inventory", str(inventory), "--role", "erp_reader", "--sub", "tooljet")
    claims = opened(done.stdout.strip(), pem)
    register = register_of(inventory)
    assert register.stat().st_mode & 0o777 == 0o600
    [entry] = token_register.read(str(register)).issued
    assert (entry.jti, entry.role, entry.sub) == (claims["jti"], "erp_reader", "tooljet")
    assert (entry.iat, entry.exp, entry.kid) == (claims["iat"], claims["exp"], tokens.kid_of(pem))
    signature = done.stdout.strip().rpartition(".")[2]
    assert signature not in register.read_text()
    listed = json.loads(command("list", "--inventory", str(inventory)).stdout)
    [shown] = listed["tokens"]
    assert (shown["jti"], shown["state"], shown["days_left"], shown["key"]) == (entry.jti, "live", 30, "signing")


def test_a_scoped_token_says_for_whom(tmp_path: Path, pem: str) -> None:
    at = place(tmp_path, pem)
    token_command.issue(at, "agent_client", "bot", 3, {"client_id": "acme", "person_id": 7}, NOW)
    [entry] = token_register.read(at.register).issued
    assert (entry.client_id, entry.person_id) == ("acme", 7)


@pytest.mark.parametrize("broken", ["not JSON", "{}", '{"version": 2, "issued": [], "revoked": []}'])
def test_without_a_register_there_is_no_token(inventory: Path, broken: str) -> None:
    register_of(inventory).write_text(broken)
    done = command("issue", "--inventory", str(inventory), "--role", "erp_reader")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"token: {register_of(inventory)} is " in done.stderr
    assert register_of(inventory).read_text() == broken


def test_many_at_once_are_all_written_down(tmp_path: Path, pem: str) -> None:
    at = place(tmp_path, pem)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: token_command.issue(at, "erp_reader", f"tool {n}", 1, {}, NOW), range(40)))
    ids = {jwt.decode(token, options={"verify_signature": False})["jti"] for token in made}
    assert {entry.jti for entry in token_register.read(at.register).issued} == ids
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.pem", "register"]


def test_the_list_tells_what_became_of_each(tmp_path: Path, pem: str) -> None:
    at = place(tmp_path, pem)
    for days, sub in ((1, "over"), (30, "lost"), (30, "kept")):
        token_command.issue(at, "erp_reader", sub, days, {}, NOW)
    later = NOW + 2 * tokens.DAY
    wish = token_register.Wish(sub="lost", jti=("of-elsewhere",))
    token_register.change(at.register, lambda register: token_register.revoke(register, wish, later))
    report = token_command.listed(at, later)
    told = {entry["sub"]: (entry["state"], entry["days_left"]) for entry in report["tokens"]}
    assert told == {"over": ("expired", 0), "lost": ("revoked", 28), "kept": ("live", 28)}
    assert [entry["jti"] for entry in report["revoked_elsewhere"]] == ["of-elsewhere"]


def test_the_list_tells_whose_key_is_which(tmp_path: Path, pem: str) -> None:
    at = place(tmp_path, pem)
    token_command.issue(at, "erp_reader", "before", 30, {}, NOW)
    path = str(tmp_path / "key.pem")
    for step in ("prepare", "switch"):
        signing_keys.run(step, path, check=False)
    signer = tokens.Signer(tokens.read_key(path), AUDIENCE)
    at = token_command.Place(signer, at.register, signing_keys.named(path))
    token_command.issue(at, "erp_reader", "after", 30, {}, NOW)
    told = {entry["sub"]: entry["key"] for entry in token_command.listed(at, NOW)["tokens"]}
    assert told == {"before": "old", "after": "signing"}
    (tmp_path / "key.old.pem").unlink()
    at = token_command.Place(signer, at.register, signing_keys.named(path))
    gone = token_command.listed(at, NOW)["tokens"][0]
    assert (gone["key"], gone["state"]) == ("gone", "ended")


def test_command_prints_the_token_alone(inventory: Path, pem: str) -> None:
    done = command("issue", "--inventory", str(inventory), "--role", "erp_reader", "--sub", "tooljet", "--days", "7")
    assert (done.returncode, done.stderr) == (0, "")
    claims = opened(done.stdout.removesuffix("\n"), pem)
    assert (claims["role"], claims["sub"], claims["exp"] - claims["iat"]) == ("erp_reader", "tooljet", 7 * tokens.DAY)


def test_command_takes_the_key_from_a_vault(inventory: Path, tmp_path: Path) -> None:
    password, vault = tmp_path / "password", inventory / "group_vars" / "all" / "vault.yml"
    password.write_text("open sesame\n")
    vault.parent.mkdir(parents=True)
    pem = tokens.new_key()
    vault.write_text(json.dumps({"postgrest_erp_signing_key": "{{ vault_key }}", "vault_key": pem}))
    program = Path(sys.executable).parent / "ansible-vault"
    encrypt = [str(program), "encrypt", "--vault-password-file", str(password), str(vault)]
    subprocess.run(encrypt, check=True, capture_output=True)
    arguments = ("issue", "--inventory", str(inventory), "--role", "erp_reader")
    done = command(*arguments, ANSIBLE_VAULT_PASSWORD_FILE=str(password))
    assert opened(done.stdout.strip(), pem)["role"] == "erp_reader"
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"token: The inventory {inventory} cannot be read")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--role", "nobody"], "There is no API role 'nobody'"),
        (["--role", "erp_reader", "--days", "91"], "A token lives 1 to 90 days, not 91"),
        (["--role", "erp_reader", "--days", "soon"], "DAYS=soon is not a number"),
        (["--role", "erp_reader", "--sub", ""], "A token needs a role and a subject"),
        (["--role", "erp_reader", "--client_id", "acme"], "A token of erp_reader sees what its role may see"),
        (["--role", "erp_reader", "--person_id", "x"], "PERSON_ID=x is not a number"),
    ],
)
def test_command_says_what_is_wrong_in_one_line(inventory: Path, arguments: list[str], sentence: str) -> None:
    done = command("issue", "--inventory", str(inventory), *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"token: {sentence}")
    assert done.stderr.count("\n") == 1
    assert not register_of(inventory).exists()


def test_command_needs_an_inventory_of_ours(tmp_path: Path) -> None:
    done = command("issue", "--inventory", str(tmp_path / "none"), "--role", "erp_reader")
    assert done.stderr.startswith("token: There is no inventory")
    (tmp_path / "hosts.yml").write_text("others: {hosts: {localhost: {}}}\n")
    done = command("issue", "--inventory", str(tmp_path), "--role", "erp_reader")
    assert done.stderr.startswith(f"token: {tmp_path} has no host in the group portfolio")
