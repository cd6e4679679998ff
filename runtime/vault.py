"""The vault: secrets that must be read again are sealed with a master key that never lies in the database (S7)."""

import base64
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from metadata.problems import Refusal
from runtime.settings import MASTER_KEY_BYTES, Settings, key_bytes

NONCE_BYTES = 12
FILE = "master.key"


class WrongMasterKey(Refusal):
    """What was sealed with another master key cannot be read with this one."""

    status = 503
    code = "wrong_master_key"
    title = {"en": "The master key of this installation is not the right one", "zh": "本安装的主密钥不正确"}


def seal(settings: Settings, text: str, about: str) -> str:
    """Seal a text; it can be opened again only as what it is about."""
    key, nonce = master_key(settings), os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), about.encode())
    return f"{key_id(key)}.{base64.b64encode(sealed).decode()}"


def unseal(settings: Settings, sealed: str, about: str) -> str:
    """Open what was sealed, or say that the master key is another one."""
    key = master_key(settings)
    sealed_by, _, text = sealed.partition(".")
    if sealed_by != key_id(key):
        raise WrongMasterKey()
    raw = base64.b64decode(text)
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()).decode()
    except InvalidTag:
        raise WrongMasterKey() from None


def key_id(key: bytes) -> str:
    """The name of a key, which tells nothing of it."""
    return hashlib.sha256(b"fourfold master key" + key).hexdigest()[:8]


def master_key(settings: Settings) -> bytes:
    """The key that the operator set, else that of the data folder's file, which is made when it is first needed."""
    if given := settings.master_key.get_secret_value():
        return key_bytes(given)
    path = settings.data_dir / FILE
    if not path.exists():
        _make(path)
    try:
        return key_bytes(_read(path))
    except ValueError as error:
        raise WrongMasterKey(detail=f"{path}: {error}") from None


def _make(path: Path) -> None:
    """Write a new key beside its place and link it there, so that of two processes one key wins."""
    handle, beside = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # readable by us alone
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(base64.b64encode(os.urandom(MASTER_KEY_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(beside, path)
    os.unlink(beside)


def _read(path: Path) -> str:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise WrongMasterKey(detail={"en": f"Others can read {path.name}: chmod 600", "zh": f"{path.name} 权限过宽"})
    return path.read_text(encoding="ascii", errors="replace")
