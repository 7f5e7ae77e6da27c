"""The report's pages, to be opened in a real browser."""

import pytest

from tests.reporting.snapshots import page


@pytest.fixture(scope="session")
def report_of(tmp_path_factory):
    """Write the report of a snapshot, when it is first asked for."""
    folder = tmp_path_factory.mktemp("reports")

    def write(name):
        file = folder / f"{name.replace(' ', '-')}.html"
        if not file.exists():
            file.write_text(page(name), encoding="utf-8")
        return file

    return write


@pytest.fixture
def visit(browser, report_of):
    """Open a report; in the end, nothing may have gone wrong in it, and nothing left it."""
    contexts = []

    def open_page(name, width=1280, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        page, faults, requests = context.new_page(), [], []
        # Chromium tells of whatever the policy forbids on the console, too
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        url = report_of(name).as_uri()
        page.goto(url)
        contexts.append((context, faults, requests, url))
        return page

    yield open_page
    for context, faults, requests, url in contexts:
        context.close()
        assert faults == []
        assert {request.partition("#")[0] for request in requests} == {url}
