"""The counting of real servers, and skips in CI, seen from outside."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def run(pytester: pytest.Pytester) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "tests.real_servers")


def test_checks_with_servers_are_counted_by_fixture_and_by_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from lakecheck.devlake import Lake

        @pytest.fixture(scope="module")
        def lake(tmp_path_factory):
            with Lake.start(tmp_path_factory.mktemp("lake"), only=["LAKE-1"]) as lake:
                yield lake

        @pytest.fixture
        def endpoint(lake):
            return lake.rses["LAKE-1"].root

        def test_with_the_lake(lake): ...
        def test_with_what_stands_on_it(endpoint): ...
        def test_without(): ...

        def test_with_its_own(tmp_path):
            with Lake.start(tmp_path / "own", only=["LAKE-APACHE"]):
                pass
        """
    )

    result = run(pytester)

    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines(
        [
            r"3 checks ran against real servers: apache2 2\.4\.\S+ \(1\), xrootd v?5\.\S+ \(2\)$",
            r"=+ 4 passed",
        ]
    )


def test_nothing_real_is_said_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_pure(): ...")

    run(pytester).stdout.fnmatch_lines(["0 checks ran against real servers: none"])


SKIPS = """
    import pytest

    def test_skipped():
        pytest.skip("no server here")
"""


def test_in_ci_a_skip_is_a_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(SKIPS)

    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no server here*", "Nothing may be skipped where CI=true."])


def test_in_ci_a_skipped_module_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile("import pytest\npytest.importorskip('a_module_that_nobody_has')")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    assert result.ret != 0


def test_elsewhere_a_skip_is_a_skip(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(SKIPS)

    run(pytester).assert_outcomes(skipped=1)
