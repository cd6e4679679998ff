"""How values are written for people: numbers, money, dates, relative time, names; the filters of the templates."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

NO_BREAK = "\u00a0"
SHORT_STEPS: dict[str, list[tuple[int, str]]] = {
    "zh": [(10**8, "亿"), (10**4, "万")],
    "en": [(10**9, "B"), (10**6, "M"), (10**3, "k")],
}
CURRENCIES = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "HKD": "HK$", "TWD": "NT$", "SGD": "S$"}


def number(value: Decimal | int | None, decimals: int = 2, fixed: bool = False) -> str:
    """Group by thousands. A plain number loses its closing zeros; money (`fixed`) keeps them."""
    if value is None:
        return ""
    text = f"{rounded(Decimal(value), decimals):,}"
    return text if fixed or "." not in text else text.rstrip("0").rstrip(".")


def money(value: Decimal | int | None, currency: str = "CNY", decimals: int = 2) -> str:
    return "" if value is None else f"{sign(currency)}{NO_BREAK}{number(value, decimals, fixed=True)}"


def percent(value: Decimal | None, decimals: int = 4) -> str:
    """A percent is stored as the fraction: 0.95 is shown as 95%."""
    return "" if value is None else f"{number(value * 100, max(0, decimals - 2))}%"


def short_number(value: Decimal | int | None, language: str) -> str:
    """The short form for charts and figures: 万 and 亿 in Chinese, k and M in English."""
    if value is None:
        return ""
    amount = Decimal(value)
    for size, mark in SHORT_STEPS["zh" if language == "zh" else "en"]:
        if abs(amount) >= size:
            return f"{number(amount / size, 1)}{' ' if language == 'zh' else ''}{mark}"
    return number(value)


def sign(currency: str) -> str:
    return CURRENCIES.get(currency, currency)


def rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def input_number(value: Decimal | None) -> str:
    """A number as it stands in an input: no grouping, no closing zeros, no exponent."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def day(value: date | None) -> str:
    return value.isoformat() if value else ""


def minute(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M") if value else ""


def ago(value: datetime, now: datetime, language: str) -> str:
    """Relative time up to seven days, then the date; `now` is by the reader's clock."""
    value = value.astimezone(now.tzinfo)
    past = now - value
    zh = language == "zh"
    if past < timedelta(minutes=1):
        return "刚刚" if zh else "just now"
    if past < timedelta(hours=1):
        minutes = int(past.total_seconds() // 60)
        return f"{minutes} 分钟前" if zh else f"{minutes} min ago"
    if value.date() == now.date():
        return f"今天 {value:%H:%M}" if zh else f"today {value:%H:%M}"
    if value.date() == now.date() - timedelta(days=1):
        return f"昨天 {value:%H:%M}" if zh else f"yesterday {value:%H:%M}"
    if past < timedelta(days=7):
        days = (now.date() - value.date()).days
        return f"{days} 天前" if zh else f"{days} days ago"
    return day(value.date())


def file_size(size: int) -> str:
    steps = [(1 << 20, "MB"), (1 << 10, "KB")]
    for unit, mark in steps:
        if size >= unit:
            return f"{size / unit:.1f} {mark}"
    return f"{size} B"


def initials(name: str) -> str:
    """What fits into an avatar: the last two characters of a Chinese name, the initials of another."""
    name = name.strip()
    if not name:
        return "?"
    if name[0] > "⺀":
        return name[-2:]
    words = name.split()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def device(agent: str) -> str:
    """What a browser calls itself, as people would say it: "Chrome · Windows"."""
    browsers = (
        ("Edg/", "Edge"),
        ("MicroMessenger", "WeChat"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (browsers, systems)]
    return " · ".join(each for each in found if each) or agent[:40]


def hue(name: str) -> int:
    """A person's colour, the same on every page."""
    return sum(ord(letter) for letter in name) % 6


def filters(language: str) -> dict[str, Callable[..., Any]]:
    """The filters of the templates of one language."""
    return {
        "number": number,
        "money": money,
        "percent": percent,
        "short_number": lambda value: short_number(value, language),
        "day": day,
        "minute": minute,
        "when": lambda value: minute(value) if isinstance(value, datetime) else day(value),
        "ago": lambda value, now: ago(value, now, language),
        "file_size": file_size,
        "initials": initials,
        "hue": hue,
        "device": device,
        "listed": lambda texts: ("、" if language == "zh" else ", ").join(texts),
    }
