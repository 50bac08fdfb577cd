"""Kinto, the nearest peer, at its nearest equivalents."""

import base64
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

from machinery import PORT, SCRATCH, database_url, psql, report


def kinto():
    """Kinto, the nearest peer, at its nearest equivalents: two workers of uwsgi on the same machine and database."""
    home, port = pathlib.Path(os.environ["KINTO"]), PORT + 3
    psql("voorpret", "CREATE DATABASE kinto ENCODING 'UTF8' TEMPLATE template0")
    ini = SCRATCH / "kinto.ini"
    tool = [str(home / "bin/kinto")]
    subprocess.run(tool + ["init", "--ini", str(ini), "--backend", "postgresql", "--cache-backend", "memory", "--host", "127.0.0.1"], check=True, capture_output=True)
    settings = {
        "kinto.storage_url": database_url("kinto"), "kinto.permission_url": database_url("kinto"),
        "multiauth.policies": "basicauth", "kinto.bucket_create_principals": "system.Authenticated",
    }
    lines = [line for line in ini.read_text().splitlines() if line.split("=")[0].strip() not in settings]
    at = lines.index("[app:main]") + 1
    ini.write_text("\n".join(lines[:at] + [f"{name} = {value}" for name, value in settings.items()] + lines[at:]))
    subprocess.run(tool + ["migrate", "--ini", str(ini)], check=True, capture_output=True)
    (SCRATCH / "kinto_app.py").write_text(
        "import configparser, kinto\n"
        "config = configparser.ConfigParser(interpolation=None)\n"
        f"config.read({str(ini)!r})\n"
        "application = kinto.main({}, **dict(config['app:main']))\n"
    )
    server = subprocess.Popen(
        [str(home / "bin/uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--master", "--processes", "2", "--threads", "4", "--wsgi-file", "kinto_app.py", "--disable-logging", "--die-on-term"],
        cwd=SCRATCH, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        headers = {"Authorization": "Basic " + base64.b64encode(b"anna:secret").decode(), "Content-Type": "application/json"}

        def ask_kinto(method, path, body=None):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            raw = answer.read()
            if answer.status >= 300:
                raise SystemExit(f"Kinto answered {answer.status}: {raw[:300]}")
            return json.loads(raw), answer.headers

        for _ in range(200):
            try:
                ask_kinto("GET", "/v1/")
                break
            except OSError:
                time.sleep(0.1)
        ask_kinto("PUT", "/v1/buckets/bench", {})
        records = "/buckets/bench/collections/items/records"
        ask_kinto("PUT", "/v1/buckets/bench/collections/items", {})
        wanted = [{"method": "POST", "path": f"/v1{records}", "body": {"data": {"text": "x" * 160, "n": n}}} for n in range(1000)]
        started = time.monotonic()
        for start in range(0, len(wanted), 25):
            answer, _ = ask_kinto("POST", "/v1/batch", {"requests": wanted[start:start + 25]})
            assert all(one["status"] == 201 for one in answer["responses"]), answer
        report("kinto-batch", round(len(wanted) / (time.monotonic() - started)), "records/s", note="Kinto: inserts in batches of 25, one after the other; ours beside it: sync-hot-group, batches of 50")
        times = []
        for _ in range(10):
            started = time.monotonic()
            listed, listed_headers = ask_kinto("GET", f"/v1{records}")
            times.append(time.monotonic() - started)
        report("kinto-list", round(len(listed["data"]) / statistics.median(times)), "records/s", note="Kinto: the full list of 1,000; ours: snapshot-serve")
        one, etag = listed["data"][0]["id"], listed_headers["ETag"].strip('"')
        lua = f"wrk.headers['Authorization'] = '{headers['Authorization']}'"

        def asked(path):
            script = SCRATCH / "kinto.lua"
            script.write_text(lua)
            text = subprocess.run(["wrk", "-t1", "-c16", "-d6s", "-s", str(script), f"http://127.0.0.1:{port}/v1{path}"], capture_output=True, text=True).stdout
            failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
            return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), int(failed[1]) if failed else 0

        rate, failed = asked(f"{records}/{one}")
        report("kinto-read", round(rate), "requests/s", note=f"Kinto: one record, 16 connections, {failed} failed; ours: group-read, a whole page")
        rate, failed = asked(f"{records}?_since=%22{etag}%22")
        report("kinto-since", round(rate), "requests/s", note=f"Kinto: nothing new since, 16 connections, {failed} failed; ours: pull-idle")
    finally:
        server.terminate()
        server.wait()
