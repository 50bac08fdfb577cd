"""Opens the page of the API's documentation in a browser, as a reader does.

    docs.py BROWSER URL STATE_FOLDER

Fails when the viewer shows an error, leaves out an operation of openapi.yaml, or logs an error of its own.
"""

import sys
import urllib.request

import yaml
from playwright.sync_api import sync_playwright

browser, base = sys.argv[1], sys.argv[2]
with urllib.request.urlopen(base + "/openapi.yaml") as answer:
    document = yaml.load(answer, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
methods = {"get", "put", "post", "patch", "delete", "head", "options"}
wanted = sum(method in methods for path in document["paths"].values() for method in path)

with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(base + "/docs")
    # The viewer either draws operations or says that it cannot.
    page.wait_for_selector(".opblock, .errors-wrapper, .loading-container .failed-config", timeout=60_000)
    # It draws a section once a reader comes near it.
    seen = set()
    for _ in range(400):
        seen |= set(page.eval_on_selector_all(".opblock", "all => all.map(one => one.id)"))
        if len(seen) >= wanted:
            break
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(50)
    shown = len(seen)
    text = page.inner_text("body")
    chromium.close()
# A browser asks for an icon on its own account.
errors = [error for error in errors if "favicon" not in error and "404" not in error]
if "Unable to render" in text or errors or shown != wanted:
    raise SystemExit(f"/docs shows {shown} of {wanted} operations; {errors[:3]}; it begins: {text[:300]!r}")
print(f"/docs shows all {wanted} operations")
