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

# Airlines of which we know the name only, so that they can be wished for or left out by it.
_NAMES_ONLY = {
    "2P": "PAL Express",
    "3K": "Jetstar Asia",
    "3U": "Sichuan Airlines",
    "4Z": "Airlink",
    "5J": "Cebu Pacific",
    "6E": "IndiGo",
    "7C": "Jeju Air",
    "8M": "Myanmar Airways International",
    "9K": "Cape Air",
    "9W": "Jet Airways",
    "AD": "Azul",
    "AH": "Air Algérie",
    "AI": "Air India",
    "AK": "AirAsia",
    "AM": "Aeroméxico",
    "AR": "Aerolíneas Argentinas",
    "AT": "Royal Air Maroc",
    "B2": "Belavia",
    "BG": "Biman Bangladesh Airlines",
    "BI": "Royal Brunei Airlines",
    "BR": "EVA Air",
    "BT": "airBaltic",
    "BW": "Caribbean Airlines",
    "CA": "Air China",
    "CI": "China Airlines",
    "CY": "Cyprus Airways",
    "CZ": "China Southern Airlines",
    "DE": "Condor",
    "DY": "Norwegian",
    "EN": "Air Dolomiti",
    "F9": "Frontier Airlines",
    "FB": "Bulgaria Air",
    "FJ": "Fiji Airways",
    "FZ": "flydubai",
    "G3": "GOL",
    "G9": "Air Arabia",
    "GA": "Garuda Indonesia",
    "GF": "Gulf Air",
    "GK": "Jetstar Japan",
    "H1": "Hahn Air",
    "HA": "Hawaiian Airlines",
    "HU": "Hainan Airlines",
    "HV": "Transavia",
    "HX": "Hong Kong Airlines",
    "HY": "Uzbekistan Airways",
    "IX": "Air India Express",
    "J2": "Azerbaijan Airlines",
    "JJ": "LATAM Brasil",
    "JQ": "Jetstar",
    "JU": "Air Serbia",
    "KC": "Air Astana",
    "KM": "KM Malta Airlines",
    "KQ": "Kenya Airways",
    "KU": "Kuwait Airways",
    "LG": "Luxair",
    "LS": "Jet2",
    "LY": "El Al",
    "ME": "Middle East Airlines",
    "MF": "Xiamen Airlines",
    "MH": "Malaysia Airlines",
    "MK": "Air Mauritius",
    "MS": "EgyptAir",
    "MU": "China Eastern Airlines",
    "N0": "Norse Atlantic Airways",
    "NK": "Spirit Airlines",
    "OA": "Olympic Air",
    "OK": "Czech Airlines",
    "OU": "Croatia Airlines",
    "OZ": "Asiana Airlines",
    "PC": "Pegasus Airlines",
    "PD": "Porter Airlines",
    "PG": "Bangkok Airways",
    "PK": "Pakistan International Airlines",
    "PR": "Philippine Airlines",
    "PS": "Ukraine International Airlines",
    "PX": "Air Niugini",
    "RJ": "Royal Jordanian",
    "RO": "TAROM",
    "S4": "SATA Azores Airlines",
    "SA": "South African Airways",
    "SU": "Aeroflot",
    "SV": "Saudia",
    "SY": "Sun Country Airlines",
    "TG": "Thai Airways",
    "TN": "Air Tahiti Nui",
    "TO": "Transavia France",
    "TR": "Scoot",
    "TS": "Air Transat",
    "TU": "Tunisair",
    "UK": "Vistara",
    "UL": "SriLankan Airlines",
    "UP": "Bahamasair",
    "VA": "Virgin Australia",
    "VB": "VivaAerobus",
    "VJ": "VietJet Air",
    "VN": "Vietnam Airlines",
    "WF": "Widerøe",
    "WY": "Oman Air",
    "X3": "TUI fly",
    "XQ": "SunExpress",
    "Y4": "Volaris",
    "ZH": "Shenzhen Airlines",
}


def airline(code: str, told_name: str | None = None) -> Airline:
    """Return the airline; `told_name` is what the seller calls one that we do not know."""
    known = _NAMES_ONLY.get(code)
    name, url = _AIRLINES.get(code, (known or told_name or code, None))
    return Airline(code=code, name=name, manage_url=url)


def airline_names() -> dict[str, str]:
    """Return the name of each airline that is known here, by its code."""
    return _NAMES_ONLY | {code: name for code, (name, _) in _AIRLINES.items()}
