"""Measures of albums: uploads, pictures of photos, archives, and an upload that is cut again and again."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import time
import uuid
import zlib

from machinery import PORT, ROOT, SCRATCH, ask, booking, office_token, progress, psql, report, with_demo

WORKER = ROOT / ".build-release/release/photo-worker"
MIB = 1024 * 1024


def jpeg_like(size):
    """Bytes that begin like a JPEG, of which no two are the same."""
    return b"\xff\xd8\xff\xe0" + os.urandom(size - 4)


def album(service, token, park, group, cottages):
    """The id of a firm booking, which is its album's."""
    placed = ask("POST", "/v1/bookings", booking(park, group, cottages[:1], 100), token)
    ask("POST", f"/v1/bookings/{placed['id']}/confirm", {"reason": "for the bench"}, office_token(service))
    return placed["id"]


def add(album, token, photo):
    request = {"name": hashlib.sha256(photo).hexdigest(), "size": len(photo)}
    return ask("POST", f"/v1/albums/{album}/photos", request, token)["id"]


def put(connection, photo, token, data, **headers):
    all = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"} | headers
    connection.request("PUT", f"/v1/photos/{photo}/bytes", data, all)
    answer = connection.getresponse()
    answer.read()
    return answer


def upload():
    """64 photos of 3 MiB, three at a time, as one guest may; the bytes are durable and compared with their digest."""
    def measure(service, token, park, group, cottages):
        place = album(service, token, park, group, cottages)
        # The bytes are no pictures; the jobs find that out beside the measure, as they would work beside it.
        photos = [jpeg_like(3 * MIB) for _ in range(64)]
        folder = SCRATCH / "floor"
        folder.mkdir(exist_ok=True)

        def store(index):
            with open(folder / str(index), "wb", buffering=0) as file:
                file.write(photos[index])
                digest = hashlib.sha256(photos[index]).digest()
                os.fdatasync(file.fileno())
            return digest

        ids = [add(place, token, photo) for photo in photos]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            started = time.monotonic()
            list(pool.map(store, range(64)))
            floor = 64 * 3 / (time.monotonic() - started)
            before = service.peak_mib()
            connections = [http.client.HTTPConnection("127.0.0.1", PORT, timeout=60) for _ in range(3)]

            def send(lane):
                return [put(connections[lane], ids[index], token, photos[index]).status for index in range(lane, 64, 3)]

            started = time.monotonic()
            statuses = sum(pool.map(send, range(3)), [])
            value = 64 * 3 / (time.monotonic() - started)
        assert statuses == [201] * 64, statuses
        shutil.rmtree(folder)
        report("upload", round(value), "MiB/s", round(floor), note=f"64 × 3 MiB, three at once; memory {before} to {service.peak_mib()} MiB")

    with_demo(measure)


def upload_cut():
    """A photo of 16 MiB whose line is cut every 512 KiB: the bytes that were sent, over its size."""
    def measure(service, token, park, group, cottages):
        place = album(service, token, park, group, cottages)
        photo = jpeg_like(16 * MIB)
        id = add(place, token, photo)
        head = {"Authorization": f"Bearer {token}"}
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        begun = put(connection, id, token, b"", **{"Upload-Complete": "?0", "Upload-Length": str(len(photo))})
        address, offset, sent = begun.headers["Location"], 0, 0
        while True:
            rest = photo[offset:]
            request = (
                f"PATCH {address} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\nUpload-Offset: {offset}\r\n"
                f"Content-Type: application/partial-upload\r\nUpload-Complete: ?1\r\nContent-Length: {len(rest)}\r\n\r\n"
            )
            line = socket.create_connection(("127.0.0.1", PORT))
            line.sendall(request.encode() + rest[:512 * 1024])
            sent += min(len(rest), 512 * 1024)
            if len(rest) <= 512 * 1024:
                assert b" 201 " in line.recv(4096).split(b"\r\n")[0]
                break
            line.close()
            # A phone notices a cut and asks again after half a second at the earliest.
            time.sleep(0.5)
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
            connection.request("HEAD", address, headers=head)
            told = connection.getresponse()
            told.read()
            offset = int(told.headers["Upload-Offset"])
        report("upload-cut", round(sent / len(photo), 3), "bytes sent / size", 1.0, lower_is_better=True, note="16 MiB, cut every 512 KiB")

    with_demo(measure)


def twelve_megapixels():
    """A photo as a phone takes it; None where libvips' own programs are missing."""
    if not shutil.which("vips") or not shutil.which("vipsthumbnail"):
        progress("install libvips-tools to measure pictures")
        return None
    path = SCRATCH / "12mp.jpg"
    if not path.exists():
        parts = [str(SCRATCH / f"{name}.v") for name in "rgb"]
        for seed, part in enumerate(parts):
            subprocess.run(["vips", "gaussnoise", part + "n.v", "4000", "3000", "--mean", "128", "--sigma", "60", "--seed", str(seed)], check=True)
            subprocess.run(["vips", "gaussblur", part + "n.v", part, "2"], check=True)
        subprocess.run(["vips", "bandjoin", " ".join(parts), str(SCRATCH / "12mp.v")], check=True)
        subprocess.run(["vips", "cast", str(SCRATCH / "12mp.v"), str(SCRATCH / "12mpc.v"), "uchar"], check=True)
        subprocess.run(["vips", "copy", str(SCRATCH / "12mpc.v") + "[interpretation=srgb]", str(SCRATCH / "12mps.v")], check=False)
        source = SCRATCH / "12mps.v"
        subprocess.run(["vips", "jpegsave", str(source if source.exists() else SCRATCH / "12mpc.v"), str(path), "--Q", "90"], check=True)
    return path


def renditions():
    """Photos of 12 megapixels a second: master, 1440, 512 and 256 by the worker, against three runs of vipsthumbnail."""
    photo = twelve_megapixels()
    if photo is None:
        return
    cores = os.cpu_count()
    count = 8

    def work(lane):
        folder = SCRATCH / f"pictures{lane}"
        folder.mkdir(exist_ok=True)
        orders = json.dumps({"source": str(photo), "folder": str(folder)}) + "\n"
        answer = subprocess.run([WORKER], input=orders * count, capture_output=True, text=True, env={}, check=True)
        assert answer.stdout.count('"made"') == count, answer.stdout
        return [os.path.getsize(folder / size) for size in ("master", "1440", "512", "256")]

    def thumbnail(lane):
        for _ in range(count):
            for side in (1440, 512, 256):
                target = SCRATCH / f"t{lane}-{side}.jpg"
                subprocess.run(["vipsthumbnail", str(photo), "--size", f"{side}x{side}>", "-o", f"{target}[Q=80,strip]", "--eprofile", "srgb"], check=True, env=os.environ | {"VIPS_CONCURRENCY": "1"})

    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        values, floors, sizes = [], [], None
        for _ in range(3):
            for job, rates in ((thumbnail, floors), (work, values)):
                started = time.monotonic()
                results = list(pool.map(job, range(cores)))
                rates.append(cores * count / (time.monotonic() - started))
                sizes = results[0] or sizes
    report("renditions", round(statistics.median(values), 2), "photos/s", round(statistics.median(floors), 2), note=f"12 MP, {cores} processes; bytes of master, 1440, 512, 256: {sizes}")


def photo_ready():
    """From the last byte to the others' picture, without other load: 95 of 100 photos."""
    photo = twelve_megapixels()
    if photo is None:
        return

    def measure(service, token, park, group, cottages):
        place = album(service, token, park, group, cottages)
        bytes = photo.read_bytes()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        times = []
        for number in range(40):
            # Bytes behind a JPEG's end make it another photo of the same picture.
            data = bytes + number.to_bytes(2, "big")
            id = add(place, token, data)
            assert put(connection, id, token, data).status == 201
            started = time.monotonic()
            while ask("GET", f"/v1/photos/{id}", token=token)["state"] != "ready":
                time.sleep(0.005)
            times.append(time.monotonic() - started)
        times.sort()
        report("photo-ready", round(times[37], 2), "p95 s", note=f"JPEG of 12 MP, {len(bytes) / MIB:.1f} MiB; median {statistics.median(times):.2f} s")

    with_demo(measure)


def album_zip():
    """The archive of an album, against nginx that sends one file of the same size."""
    if not shutil.which("nginx"):
        progress("install nginx-light to measure archives")
        return

    def measure(service, token, park, group, cottages):
        place = album(service, token, park, group, cottages)
        traveller = group["travellers"][0]["id"]
        count, size = 60, 8 * MIB
        for number in range(count):
            id = str(uuid.uuid4())
            master = jpeg_like(size)
            folder = service.state / "objects/pictures" / id
            folder.mkdir(parents=True)
            (folder / "master").write_bytes(master)
            psql("demo", f"""
                INSERT INTO picture (id, width, height, size, crc32, done_at) VALUES ('{id}', 4000, 3000, {size}, {zlib.crc32(master)}, now());
                INSERT INTO photo (id, group_id, booking_id, added_by, name, size, taken_at, state, picture_id, added_at)
                VALUES ('{uuid.uuid4()}', '{group["id"]}', '{place}', '{traveller}', '{hashlib.sha256(master).hexdigest()}', {size}, now() - interval '{number} minutes', 'ready', '{id}', now());
            """)
        whole = SCRATCH / "nginx"
        whole.mkdir(exist_ok=True)
        archive = whole / "album.zip"
        download = ["curl", "-sf", "-o", "/dev/null", "-w", "%{speed_download}"]
        ours = [f"http://127.0.0.1:{PORT}/v1/albums/{place}/archive", "-H", f"Authorization: Bearer {token}"]
        subprocess.run(["curl", "-sf", "-o", str(archive), *ours], check=True)
        (whole / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; pid {whole}/pid; error_log {whole}/error;\n"
            "events { worker_connections 64; }\n"
            f"http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{PORT + 5}; root {whole}; }} }}\n"
        )
        os.chmod(whole, 0o755)
        nginx = subprocess.Popen(["nginx", "-c", str(whole / "nginx.conf"), "-g", "user root;" if os.geteuid() == 0 else ""])
        try:
            time.sleep(1)
            values, floors = [], []
            for _ in range(5):
                theirs = [f"http://127.0.0.1:{PORT + 5}/album.zip"]
                for address, rates in ((theirs, floors), (ours, values)):
                    speed = subprocess.run(download + address, capture_output=True, text=True, check=True).stdout
                    rates.append(float(speed) / MIB)
        finally:
            nginx.terminate()
            nginx.wait()
        test = subprocess.run(["python3", "-m", "zipfile", "-t", str(archive)], capture_output=True, text=True)
        assert test.returncode == 0 and "corrupt" not in test.stdout, test.stdout
        report("album-zip", round(statistics.median(values)), "MiB/s", round(statistics.median(floors)), note=f"{archive.stat().st_size / MIB:.0f} MiB, {count} photos, peak {service.peak_mib()} MiB")
        archive.unlink()

    with_demo(measure)
