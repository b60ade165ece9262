"""Airlines as travellers know them: a name, and where the airline lets people manage a booking.

Only addresses that the airlines themselves publish. Where the page for bookings has no address
that lasts, the airline's front page stands here, from which it is one step; an airline that is
not listed gets no link rather than a guessed one.
"""

from domain.values import Value


class Airline(Value):
    """`manage_url` leads to the airline's own page, where the booking reference is asked for."""

    code: str
    name: str
    manage_url: str | None = None

    @property
    def site(self) -> str | None:
        """Return where the link leads, as people read it: `flytap.com`."""
        if self.manage_url is None:
            return None
        return self.manage_url.removeprefix("https://").partition("/")[0].removeprefix("www.")


_AIRLINES = {
    "A3": ("Aegean Airlines", "https://en.aegeanair.com/"),
    "AA": ("American Airlines", "https://www.aa.com/reservation/view/find-your-reservation"),
    "AC": ("Air Canada", "https://www.aircanada.com/"),
    "AF": ("Air France", "https://www.airfrance.com/"),
    "AS": ("Alaska Airlines", "https://www.alaskaair.com/"),
    "AV": ("Avianca", "https://www.avianca.com/"),
    "AY": ("Finnair", "https://www.finnair.com/"),
    "AZ": ("ITA Airways", "https://www.ita-airways.com/"),
    "B6": ("JetBlue", "https://www.jetblue.com/manage-trips"),
    "BA": (
        "British Airways",
        "https://www.britishairways.com/travel/managebooking/public/en_gb",
    ),
    "CM": ("Copa Airlines", "https://www.copaair.com/"),
    "CX": ("Cathay Pacific", "https://www.cathaypacific.com/"),
    "DL": ("Delta Air Lines", "https://www.delta.com/mytrips/"),
    "EI": ("Aer Lingus", "https://www.aerlingus.com/"),
    "EK": ("Emirates", "https://www.emirates.com/us/english/manage-booking/"),
    "ET": ("Ethiopian Airlines", "https://www.ethiopianairlines.com/"),
    "EW": ("Eurowings", "https://www.eurowings.com/"),
    "EY": ("Etihad Airways", "https://www.etihad.com/"),
    "FI": ("Icelandair", "https://www.icelandair.com/"),
    "FR": ("Ryanair", "https://www.ryanair.com/"),
    "IB": ("Iberia", "https://www.iberia.com/"),
    "JL": ("Japan Airlines", "https://www.jal.co.jp/"),
    "KE": ("Korean Air", "https://www.koreanair.com/"),
    "KL": ("KLM", "https://www.klm.com/"),
    "LA": ("LATAM Airlines", "https://www.latamairlines.com/"),
    "LH": ("Lufthansa", "https://www.lufthansa.com/"),
    "LO": ("LOT Polish Airlines", "https://www.lot.com/"),
    "LX": ("SWISS", "https://www.swiss.com/"),
    "NH": ("All Nippon Airways", "https://www.ana.co.jp/"),
    "NZ": ("Air New Zealand", "https://www.airnewzealand.com/"),
    "OS": ("Austrian Airlines", "https://www.austrian.com/"),
    "QF": ("Qantas", "https://www.qantas.com/"),
    "QR": ("Qatar Airways", "https://www.qatarairways.com/"),
    "SK": ("SAS", "https://www.flysas.com/"),
    "SN": ("Brussels Airlines", "https://www.brusselsairlines.com/"),
    "SQ": ("Singapore Airlines", "https://www.singaporeair.com/"),
    "TK": ("Turkish Airlines", "https://www.turkishairlines.com/"),
    "TP": ("TAP Air Portugal", "https://www.flytap.com/"),
    "U2": ("easyJet", "https://www.easyjet.com/"),
    "UA": ("United Airlines", "https://www.united.com/en/us/manageres/mytrips"),
    "UX": ("Air Europa", "https://www.aireuropa.com/"),
    "VS": ("Virgin Atlantic", "https://www.virginatlantic.com/"),
    "VY": ("Vueling", "https://www.vueling.com/"),
    "W6": ("Wizz Air", "https://wizzair.com/"),
    "WN": ("Southwest Airlines", "https://www.southwest.com/air/manage-reservation/"),
    "WS": ("WestJet", "https://www.westjet.com/"),
    # The seller's own make-believe airline: its flights are never flown and it has no page.
    "ZZ": ("Duffel Airways", None),
}


def airline(code: str, told_name: str | None = None) -> Airline:
    """Return the airline; `told_name` is what the seller calls one that we do not know."""
    name, url = _AIRLINES.get(code, (told_name or code, None))
    return Airline(code=code, name=name, manage_url=url)
