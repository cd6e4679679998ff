"""How this installation runs: one frozen Settings, read from FOURFOLD_... variables and passed, never global."""

import base64
import binascii
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MASTER_KEY_BYTES = 32
PLACEHOLDERS = {"changeme", "change-me", "secret", "password", "default", "example"}


class Settings(BaseSettings):
    """Everything an operator may set; a wrong value stops the start with its name."""

    model_config = SettingsConfigDict(env_prefix="FOURFOLD_", env_file=".env", extra="forbid", frozen=True)

    data_dir: Path = Path("data")
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    base_url: str = ""
    trusted_proxies: str = "127.0.0.1"
    language: Literal["en", "zh"] = "en"
    time_zone: str = "UTC"

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_from: str = ""
    master_key: SecretStr = SecretStr("")  # seals stored secrets; else the file master.key in the data directory
    admins_need_second_factor: bool = False
    outbound_allow: tuple[str, ...] = ()  # networks inside the house that may be reached, as in 10.1.2.0/24

    body_limit: int = Field(default=2_000_000, ge=1_000, le=16_000_000)
    file_limit: int = Field(default=10_000_000, ge=1_000, le=100_000_000)
    requests_per_second: float = Field(default=20, gt=0)
    requests_burst: int = Field(default=100, ge=1)
    anonymous_per_second: float = Field(default=5, gt=0)
    anonymous_burst: int = Field(default=20, ge=1)
    save_seconds: float = Field(default=5, gt=0, le=15)
    job_threads: int = Field(default=4, ge=1, le=64)
    mails_per_minute: int = Field(default=60, ge=1, le=10_000)

    @field_validator("smtp_password")
    @classmethod
    def _no_placeholder(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value().lower() in PLACEHOLDERS:
            raise ValueError("this is a placeholder, not a password")
        return value

    @field_validator("master_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            key_bytes(value.get_secret_value())
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError(f"there is no time zone {value!r}; write one such as Asia/Shanghai")
        return value

    @property
    def database(self) -> str:
        """The database's address: the one that was set, else a SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'fourfold.sqlite3'}"

    @property
    def address(self) -> str:
        """Where people reach this installation; links in mails begin so."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        return (self.base_url or f"http://{shown}:{self.port}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether people come over https, so that cookies can be bound to it."""
        return self.address.startswith("https://")

    @property
    def files(self) -> Path:
        """Where uploaded files lie."""
        return self.data_dir / "files"


@cache
def time_zones() -> frozenset[str]:
    """Every zone that this machine knows; looking for them reads the disk."""
    return frozenset(available_timezones())


def key_bytes(text: str) -> bytes:
    """The master key that a text stands for; raises ValueError where it is none."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES or len(set(key)) < 8:
        raise ValueError("a master key is 32 random bytes in base64, as from: openssl rand -base64 32")
    return key
