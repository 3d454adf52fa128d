"""Currencies: how many decimals each has, and how money is written for people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_EXPONENTS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip
_SIGNS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "HKD": "HK$", "ILS": "₪", "INR": "₹",
    "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP": "₱", "TWD": "NT$", "USD": "$", "VND": "₫",
}  # fmt: skip


def exponent(currency: str | None) -> int:
    """Decimals of the currency by ISO 4217: 2 for most and for an unknown one, 0 for JPY."""
    return _EXPONENTS.get((currency or "").upper(), 2)


def format_money(value: Decimal | None, currency: str | None) -> str:
    """``value`` in major units with sign or code: €1,234.50, ¥1,235, CHF 12.00; - for None."""
    if value is None:
        return "-"
    rounded = value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)
    minus = "-" if rounded < 0 else ""
    sign = _SIGNS.get(currency or "", f"{currency} " if currency else "")
    return f"{minus}{sign}{abs(rounded):,f}"
