"""How many decimals a currency's minor unit has: the rails' table, not ISO 4217's.

Stripe counts ISK and UGX in hundredths (5 krona are 500) though ISO gives them none, and
takes only whole krona and shillings; a table derived from ISO would be wrong by 100.
Source of the exceptions: docs.stripe.com/currencies.
"""

from reconciler.errors import Invalid

_NO_DECIMALS = frozenset(
    [
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA",
        "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
    ]
)  # fmt: skip
_THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_STEPS = {"ISK": 100, "UGX": 100} | dict.fromkeys(_THREE_DECIMALS, 10)
_TWO_DECIMALS = frozenset(
    [
        "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD",
        "BDT", "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD",
        "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP",
        "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD",
        "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "KES",
        "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD",
        "MDL", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN",
        "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN",
        "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE",
        "SLL", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP",
        "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES", "WST", "XCD",
        "XCG", "YER", "ZAR", "ZMW", "ZWL",
    ]
)  # fmt: skip
KNOWN = _NO_DECIMALS | _THREE_DECIMALS | _TWO_DECIMALS


def decimals(currency: str) -> int:
    """Decimal places of the minor unit: 0, 2 or 3."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def step(currency: str) -> int:
    """Amounts sent to a rail must be a multiple of this many minor units."""
    return _STEPS.get(currency, 1)


def code(text: object) -> str:
    """`usd` or `USD` as `USD`. Raises Invalid for what is no currency."""
    upper = text.strip().upper() if isinstance(text, str) else ""
    if upper not in KNOWN:
        raise Invalid(f"{text!r} is not a currency we know (ISO 4217)", field="currency")
    return upper
