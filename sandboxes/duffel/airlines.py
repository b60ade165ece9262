"""The airlines that fly in the sandbox: where they are at home and what they charge."""

from dataclasses import dataclass
from functools import cache

from sandboxes.store import Json

DUFFEL_AIRWAYS = "ZZ"


@dataclass(frozen=True)
class Airline:
    """One carrier; `level` scales its fares, `reach_km` bounds a leg."""

    code: str
    name: str
    hubs: tuple[str, ...]
    countries: tuple[str, ...]
    level: float = 1.0
    reach_km: float = 15500
    low_cost: bool = False
    connector: bool = False
    """Carries people between other continents through its hub."""
    needs_documents: bool = False
    """Wants passports at booking on international journeys."""


_TABLE = (
    Airline(DUFFEL_AIRWAYS, "Duffel Airways", (), (), level=0.97),
    Airline("AA", "American Airlines", ("DFW", "CLT", "MIA", "JFK", "PHL", "ORD"), ("US",)),
    Airline("DL", "Delta Air Lines", ("ATL", "JFK", "DTW", "MSP", "SLC", "SEA"), ("US",), 1.06),
    Airline("UA", "United Airlines", ("ORD", "EWR", "IAH", "DEN", "SFO", "IAD"), ("US",), 1.02),
    Airline("B6", "JetBlue Airways", ("JFK", "BOS", "FLL"), ("US",), 0.86, 6000, low_cost=True),
    Airline("AS", "Alaska Airlines", ("SEA", "PDX", "SFO", "LAX"), ("US",), 0.95, 5000),
    Airline("AC", "Air Canada", ("YYZ", "YUL", "YVR"), ("CA",), 1.01),
    Airline("AM", "Aeroméxico", ("MEX", "MTY"), ("MX",), 0.93),
    Airline("CM", "Copa Airlines", ("PTY",), ("PA",), 0.96, 7500, connector=True),
    Airline("AV", "Avianca", ("BOG", "SAL"), ("CO", "SV"), 0.92, 9500),
    Airline("LA", "LATAM Airlines", ("GRU", "SCL", "LIM"), ("BR", "CL", "PE"), 0.97),
    Airline("G3", "GOL Linhas Aéreas", ("GRU", "BSB", "GIG"), ("BR",), 0.82, 5500, low_cost=True),
    Airline("BA", "British Airways", ("LHR", "LGW", "LCY"), ("GB",), 1.08),
    Airline("VS", "Virgin Atlantic", ("LHR", "MAN"), ("GB",), 1.05),
    Airline("U2", "easyJet", ("LGW", "LTN", "GVA", "MXP"), ("GB",), 0.68, 3600, low_cost=True),
    Airline("FR", "Ryanair", ("STN", "DUB", "BGY", "CRL"), ("IE",), 0.6, 3600, low_cost=True),
    Airline("EI", "Aer Lingus", ("DUB",), ("IE",), 0.93, 9500),
    Airline("AF", "Air France", ("CDG", "ORY"), ("FR",), 1.04),
    Airline("KL", "KLM", ("AMS",), ("NL",), 1.02, connector=True),
    Airline("LH", "Lufthansa", ("FRA", "MUC"), ("DE",), 1.06, connector=True),
    Airline("LX", "SWISS", ("ZRH", "GVA"), ("CH",), 1.1),
    Airline("OS", "Austrian Airlines", ("VIE",), ("AT",), 1.0),
    Airline("SN", "Brussels Airlines", ("BRU",), ("BE",), 0.96),
    Airline("IB", "Iberia", ("MAD",), ("ES",), 0.95),
    Airline("VY", "Vueling", ("BCN", "ORY", "FCO"), ("ES",), 0.66, 3600, low_cost=True),
    Airline("TP", "TAP Air Portugal", ("LIS", "OPO"), ("PT",), 0.9, 9500),
    Airline("AZ", "ITA Airways", ("FCO", "LIN"), ("IT",), 0.94),
    Airline("SK", "SAS", ("CPH", "ARN", "OSL"), ("DK", "SE", "NO"), 0.97),
    Airline("AY", "Finnair", ("HEL",), ("FI",), 0.95),
    Airline("FI", "Icelandair", ("KEF",), ("IS",), 0.84, 7500, connector=True),
    Airline("LO", "LOT Polish Airlines", ("WAW",), ("PL",), 0.88),
    Airline("W6", "Wizz Air", ("BUD", "OTP", "KTW"), ("HU",), 0.58, 4500, low_cost=True),
    Airline("A3", "Aegean Airlines", ("ATH",), ("GR",), 0.92, 4500),
    Airline("TK", "Turkish Airlines", ("IST",), ("TR",), 0.9, connector=True),
    Airline("EK", "Emirates", ("DXB",), ("AE",), 1.05, connector=True, needs_documents=True),
    Airline("QR", "Qatar Airways", ("DOH",), ("QA",), 1.03, connector=True, needs_documents=True),
    Airline("EY", "Etihad Airways", ("AUH",), ("AE",), 0.98, connector=True),
    Airline("LY", "El Al", ("TLV",), ("IL",), 1.1),
    Airline("ET", "Ethiopian Airlines", ("ADD",), ("ET",), 0.86, connector=True),
    Airline("KQ", "Kenya Airways", ("NBO",), ("KE",), 0.88),
    Airline("AT", "Royal Air Maroc", ("CMN",), ("MA",), 0.85, 8000),
    Airline("MS", "Egyptair", ("CAI",), ("EG",), 0.84),
    Airline("SA", "South African Airways", ("JNB", "CPT"), ("ZA",), 0.93),
    Airline("AI", "Air India", ("DEL", "BOM"), ("IN",), 0.86, needs_documents=True),
    Airline("6E", "IndiGo", ("DEL", "BLR", "BOM"), ("IN",), 0.7, 6500, low_cost=True),
    Airline(
        "SQ", "Singapore Airlines", ("SIN",), ("SG",), 1.12, connector=True, needs_documents=True
    ),
    Airline("TG", "Thai Airways", ("BKK",), ("TH",), 0.95),
    Airline("MH", "Malaysia Airlines", ("KUL",), ("MY",), 0.88),
    Airline("AK", "AirAsia", ("KUL",), ("MY",), 0.6, 4500, low_cost=True),
    Airline("VN", "Vietnam Airlines", ("SGN", "HAN"), ("VN",), 0.87),
    Airline("GA", "Garuda Indonesia", ("CGK", "DPS"), ("ID",), 0.93),
    Airline("PR", "Philippine Airlines", ("MNL",), ("PH",), 0.87),
    Airline("CX", "Cathay Pacific", ("HKG",), ("HK",), 1.04, connector=True),
    Airline("CI", "China Airlines", ("TPE",), ("TW",), 0.93),
    Airline("CA", "Air China", ("PEK",), ("CN",), 0.8),
    Airline("MU", "China Eastern", ("PVG",), ("CN",), 0.78),
    Airline("JL", "Japan Airlines", ("HND", "NRT", "KIX"), ("JP",), 1.08),
    Airline("NH", "ANA", ("HND", "NRT"), ("JP",), 1.09),
    Airline("KE", "Korean Air", ("ICN",), ("KR",), 1.0),
    Airline("QF", "Qantas", ("SYD", "MEL", "PER"), ("AU",), 1.07, 17500),
    Airline("JQ", "Jetstar", ("MEL", "SYD"), ("AU",), 0.68, 8000, low_cost=True),
    Airline("NZ", "Air New Zealand", ("AKL",), ("NZ",), 1.02),
)


@cache
def airlines() -> dict[str, Airline]:
    """Give every airline by its code."""
    return {airline.code: airline for airline in _TABLE}


def airline_id(code: str) -> str:
    """Make the stable id of an airline; Duffel Airways keeps the one that the real API shows."""
    if code == DUFFEL_AIRWAYS:
        return "arl_00009VME7D6ivUu8dn35WK"
    return f"arl_00009VME7DAGiJjwom{code:0>4}"


def airline_json(code: str) -> Json:
    logos = "https://assets.duffel.com/img/airlines/for-light-background"
    return {
        "id": airline_id(code),
        "name": airlines()[code].name,
        "iata_code": code,
        "conditions_of_carriage_url": None,
        "logo_symbol_url": f"{logos}/full-color-logo/{code}.svg",
        "logo_lockup_url": f"{logos}/full-color-lockup/{code}.svg",
    }
