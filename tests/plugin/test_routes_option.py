"""`azcred_routes` leads real names to the user's own local servers in every test that uses `azcred`."""

import pytest


def test_every_test_has_them(pytester: pytest.Pytester) -> None:
    """With a port in the name or without one; a server that speaks HTTP answers for https, too."""
    pytester.makeini(
        """
        [pytest]
        azcred_routes =
            orders.contoso.com = http://127.0.0.1:9
            database.contoso.com:5432 = tcp://localhost:5432
        """
    )
    pytester.makepyfile(
        """
        import pytest
        import requests

        @pytest.mark.parametrize("time", [1, 2])
        def test_routes(azcred, time):
            routes = {(route.host, route.port): route.target for route in azcred.routes}
            assert routes["orders.contoso.com", 80] == ("127.0.0.1", 9)
            assert routes["database.contoso.com", 5432] == ("127.0.0.1", 5432)
            answer = requests.get("https://orders.contoso.com/")
            assert answer.status_code == 502
            assert "azcred routes orders.contoso.com to 127.0.0.1:9, where nothing answers" in answer.text
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("orders.contoso.com", "a route leads to a local server's URL such as 'https://127.0.0.1:10000', not to ''"),
        ("a b = http://127.0.0.1:9", "a route is for a host name, with a port if need be, not for 'a b'"),
        (
            "a.example = tcp://127.0.0.1:9",
            "a route to 'tcp://127.0.0.1:9' is for a host and its port, such as *, not for *",
        ),
        ("a.example = http://10.0.0.1:80", "a route leads to an address of this machine, not to *"),
    ],
)
def test_what_is_no_route_is_refused(pytester: pytest.Pytester, line: str, message: str) -> None:
    """Before any test runs, with the line's fault."""
    pytester.makeini(f"[pytest]\nazcred_routes =\n    {line}\n")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: azcred_routes: {message}"])
