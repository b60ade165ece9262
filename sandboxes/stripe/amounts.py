"""Amounts in minor units: which currencies there are, and what each can be charged in."""

from sandboxes.stripe.errors import invalid

_KNOWN = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd
cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq
gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr
lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen
pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd
top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_CURRENCIES = frozenset(_KNOWN.split())
_ZERO_DECIMAL = frozenset(_NO_DECIMALS.split())
_THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_WHOLE_UNITS = frozenset({"isk", "ugx"})
"""Written with two decimals, which must be zero."""
_MINIMA = {
    "usd": 50, "eur": 50, "aud": 50, "cad": 50, "chf": 50, "nzd": 50, "sgd": 50, "brl": 50,
    "inr": 50, "jpy": 50, "gbp": 30, "dkk": 250, "sek": 300, "nok": 300, "hkd": 400, "pln": 200,
    "mxn": 1000, "czk": 1500, "huf": 17500,
}  # fmt: skip
_MOST = 99_999_999  # eight digits, for all but a few currencies


def check_currency(currency: str) -> str:
    """Give the currency in lower case, or refuse it."""
    lower = currency.lower()
    if lower not in _CURRENCIES:
        raise invalid(f"Invalid currency: {currency}", "currency")
    return lower


def check_amount(amount: int, currency: str) -> None:
    """Refuse an amount that cannot be charged in this currency."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    least = _MINIMA.get(currency, 1)
    if amount < least:
        raise invalid(
            f"Amount must be at least {_shown(least, currency)}", "amount", "amount_too_small"
        )
    if amount > _MOST:
        raise invalid(
            f"Amount must be no more than {_shown(_MOST, currency)}", "amount", "amount_too_large"
        )
    if (currency in _WHOLE_UNITS and amount % 100) or (currency in _THREE_DECIMAL and amount % 10):
        raise invalid(
            f"Invalid amount for {currency}: {amount}",
            "amount",
            "invalid_charge_amount_no_decimal_compatible",
        )


def _shown(amount: int, currency: str) -> str:
    if currency in _ZERO_DECIMAL:
        return f"{amount} {currency}"
    places = 3 if currency in _THREE_DECIMAL else 2
    unit = 10**places
    return f"{amount // unit}.{amount % unit:0{places}d} {currency}"
