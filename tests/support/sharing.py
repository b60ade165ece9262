"""How the tests are shared out among pytest's processes, so that all of them end together.

By file; what runs in a browser is one file, since it shares one running product and one Chromium.
What takes longest comes first: nothing long is left for the end.
"""

from xdist.scheduler import LoadFileScheduling

_BROWSER = "tests/browser/"
# Seconds on two cores, all of it at once; whatever is not named takes less than any of these.
_SECONDS = {
    "tests/faults/test_kills.py": 330,
    _BROWSER: 300,
    "tests/faults/test_matrix_kills.py": 250,
    "tests/workflows/test_saga_unknown.py": 230,
    "tests/faults/test_matrix_answers.py": 190,
    "tests/faults/test_matrix_stops.py": 190,
    "tests/soak/test_soak.py": 140,
    "tests/faults/test_bad_input.py": 120,
    "tests/workflows/test_wish_changes.py": 110,
    "tests/api/web/test_every_page_in_chromium.py": 100,
    "tests/api/test_access_matrix.py": 90,
    "tests/workflows/test_saga_refusals.py": 90,
    "tests/search/test_quota.py": 80,
    "tests/cli/test_demo.py": 70,
    "tests/api/test_commands_over_http.py": 60,
    "tests/api/web/test_every_page_opens.py": 60,
    "tests/faults/test_markers.py": 60,
    "tests/api/test_api_races.py": 50,
    "tests/workflows/test_order_care.py": 50,
    "tests/faults/test_restoring.py": 50,
    "tests/faults/test_race_pairs.py": 50,
    "tests/workflows/test_attempt_ends.py": 40,
    "tests/workflows/test_erasure_workflow.py": 40,
    "tests/workflows/test_year.py": 40,
    "tests/cli/test_verify.py": 40,
    "tests/api/test_schemathesis.py": 40,
    "tests/api/test_api_campaigns.py": 30,
    "tests/search/test_cadence.py": 30,
    "tests/cli/test_main_command.py": 30,
}


def seconds_of(nodeid: str) -> int:
    return _SECONDS.get(_unit(nodeid), 0)


def _unit(nodeid: str) -> str:
    return _BROWSER if nodeid.startswith(_BROWSER) else nodeid.partition("::")[0]


class FilesOfOneStack(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return _unit(nodeid)
