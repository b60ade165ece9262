import pytest

from domain.errors import UnknownPlace
from domain.places import (
    Place,
    airports_of,
    country_name,
    distance_km,
    label_of,
    nearest_airports,
    place,
    resolve_place,
    search_places,
    time_zone,
)


@pytest.mark.parametrize(
    ("code", "airports"),
    [
        ("LON", "LHR LGW STN LTN LCY SEN"),
        ("NYC", "JFK EWR LGA"),
        ("TYO", "HND NRT"),
        ("PAR", "CDG ORY BVA"),
        ("LAX", "LAX"),
        ("BKK", "BKK"),
        ("lis", "LIS"),
    ],
)
def test_a_city_has_its_airports_and_an_airport_itself(code: str, airports: str):
    assert airports_of(code) == tuple(airports.split())


def test_every_city_code_leads_to_known_airports_in_one_country_and_time_zone():
    from domain.places import _CITIES

    for code, (_, listed) in _CITIES.items():
        city = place(code)
        assert city.kind == "city"
        assert city.airports == tuple(listed.split())
        assert {place(a).country for a in city.airports} == {city.country}
        assert {time_zone(a) for a in city.airports} == {time_zone(code)}


def test_london_comes_before_its_six_airports():
    assert [p.code for p in search_places("London", 7)] == [
        "LON",
        "LHR",
        "LGW",
        "STN",
        "LTN",
        "LCY",
        "SEN",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Lisbon", "LIS"),
        ("Lisbn", "LIS"),
        ("Lissabon", "LIS"),
        ("heathrow", "LHR"),
        ("jfk", "JFK"),
        ("são paulo", "SAO"),
        ("sao paulo", "SAO"),
        ("New York", "NYC"),
        ("Nice", "NCE"),
        ("san fran", "SFO"),
        ("  tokyo ", "TYO"),
    ],
)
def test_finds_what_people_type(text: str, first: str):
    assert search_places(text, 5)[0].code == first


def test_finds_nothing_for_nothing_and_keeps_the_limit():
    assert search_places("", 5) == ()
    assert search_places("!?", 5) == ()
    assert len(search_places("san", 4)) == 4


@pytest.mark.parametrize(
    ("wrong", "meant"), [("Lisbn", "LIS"), ("JKF", "JFK"), ("LHRR", "LHR"), ("Munch", "MUC")]
)
def test_an_unknown_place_suggests_what_was_meant(wrong: str, meant: str):
    with pytest.raises(UnknownPlace) as refused:
        place(wrong)
    assert meant in refused.value.suggestions
    assert meant in str(refused.value)


def test_a_letter_too_many_is_a_slip_in_a_code_before_it_is_a_name():
    with pytest.raises(UnknownPlace) as refused:
        place("LISS")  # a place called Lins sounds like it too
    assert refused.value.suggestions[0] == "LIS"


@pytest.mark.parametrize("wrong", ["", "!!", "qqqqqqqqqq"])
def test_nonsense_gets_no_suggestion(wrong: str):
    with pytest.raises(UnknownPlace) as refused:
        place(wrong)
    assert refused.value.suggestions == ()


def test_distances_are_right_both_ways():
    assert 5380 < distance_km("JFK", "LIS") < 5430
    assert distance_km("LIS", "JFK") == distance_km("JFK", "LIS")
    assert distance_km("LIS", "LIS") == 0
    assert distance_km("LON", "LHR") == 0


def test_time_zones():
    assert time_zone("JFK") == "America/New_York"
    assert time_zone("LON") == "Europe/London"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("lis", "LIS"),
        (" JFK ", "JFK"),
        ("Lisbon", "LIS"),
        ("New York", "NYC"),
        ("Paris, all airports (PAR)", "PAR"),
        ("anything at all (opo)", "OPO"),
        ("São Paulo", "SAO"),
    ],
)
def test_a_text_that_can_mean_one_place_only_is_that_place(text: str, code: str):
    assert resolve_place(text) == code


@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("London", {"LON", "YXU"}),  # Ontario has one too
        ("Lisbn", {"LIS"}),
        ("Houston", {"IAH", "HOU"}),
        ("Paris", {"PAR", "PRX"}),  # and so does Texas
        ("Heathrow", {"LHR"}),
    ],
)
def test_a_text_that_can_mean_several_is_asked_back(text: str, among: set[str]):
    found = resolve_place(text)
    assert isinstance(found, tuple)
    assert among <= {p.code for p in found}


def test_nothing_is_asked_back_for_nonsense():
    assert resolve_place("xqzzy blorp") == ()
    assert resolve_place("") == ()
    assert resolve_place("Nowhere (QQQ)") == ()


def test_finds_the_airports_about_a_position():
    near = nearest_airports(38.72, -9.14)
    assert near[0].code == "LIS"
    assert {"JFK", "LGA", "EWR"} <= {p.code for p in nearest_airports(40.7, -74.0)}
    assert nearest_airports(0.0, -30.0) == (), "in the middle of the Atlantic"


def test_labels_end_in_the_code_and_lead_back_to_the_place():
    for code in ("LON", "LHR", "LIS", "OPO", "NYC", "SFO"):
        assert resolve_place(label_of(place(code))) == code
    assert label_of(place("LON")) == "London, all airports (LON)"
    assert country_name(place("LIS").country) == "Portugal"
    assert isinstance(place("LIS"), Place)
