import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UnknownPlace
from domain.place_map import HEIGHT, WIDTH, place_map

CODES = st.lists(
    st.sampled_from(["LIS", "NYC", "LON", "SYD", "AKL", "HNL", "NRT", "GIG", "KEF", "TFU", "USH"]),
    min_size=1,
    max_size=4,
    unique=True,
)


def test_a_city_is_drawn_by_all_its_airports_and_told_in_words():
    drawn = place_map(["NYC"], ["LIS", "OPO"])
    assert drawn is not None
    kinds = {pin.code: pin.kind for pin in drawn.pins}
    assert kinds == {
        "JFK": "origin",
        "EWR": "origin",
        "LGA": "origin",
        "LIS": "destination",
        "OPO": "destination",
    }
    assert len(drawn.ways) == 2
    assert drawn.words == (
        "Map: from New York (JFK, EWR, LGA) to Lisbon (LIS), Porto (OPO), 5,333 to 5,404 km."
    )
    labels = [pin.code for pin in drawn.pins if pin.label]
    assert "JFK" in labels
    assert len(labels) < len(drawn.pins), "airports of one city would write over each other"


def test_the_pacific_is_crossed_the_short_way():
    drawn = place_map(["LAX"], ["NRT"])
    assert drawn is not None
    x = {pin.code: pin.x for pin in drawn.pins}
    assert x["NRT"] < x["LAX"], "Tokyo lies west of Los Angeles on this one"


@given(CODES, CODES)
def test_everything_chosen_is_on_the_map_and_the_map_stays_small(a: list[str], b: list[str]):
    drawn = place_map(a, b)
    assert drawn is not None
    for pin in drawn.pins:
        assert 0 <= pin.x <= WIDTH
        assert 0 <= pin.y <= HEIGHT
    assert re.fullmatch(r"(M[\d.]+ [\d.]+h0)*", drawn.dots)
    assert len(drawn.dots) < 45_000


def test_nothing_chosen_is_no_map_and_one_side_is_half_a_map():
    assert place_map([], []) is None
    half = place_map([], ["LIS"])
    assert half is not None
    assert (half.ways, half.words) == ((), "Map of where you could go: Lisbon (LIS).")
    with pytest.raises(UnknownPlace):
        place_map(["QQQ"], [])
