"""A Hugging Face Hub on the loopback device, as far as making, filling and reading a repository needs one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Files by repository, objects of the large ones, and the requests that it did not understand."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.private: set[str] = set()
        self.unknown: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients leave connections without closing them."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, content: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def refuse(self) -> None:
        self.server.unknown.append(f"{self.command} {self.path}")
        self.reply({"error": "not here"}, 404, {"X-Error-Code": "RepoNotFound"})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        for name, files in self.server.repositories.items():
            if path in (f"/api/models/{name}", *(f"/api/models/{name}/revision/{r}" for r in ("main", SHA))):
                siblings = [{"rfilename": file} for file in files]
                return self.reply({"_id": "1", "id": name, "modelId": name, "sha": SHA, "siblings": siblings})
            for revision in ("main", SHA):
                head = f"/{name}/resolve/{revision}/"
                if path.startswith(head) and (content := files.get(path.removeprefix(head))) is not None:
                    etag = hashlib.sha1(content).hexdigest()
                    return self.reply(content, headers={"X-Repo-Commit": SHA, "ETag": f'"{etag}"'})
                if path.startswith(f"/api/models/{name}/tree/{revision}"):
                    return self.reply([tree_entry(file, content) for file, content in files.items()])
        return self.refuse()

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        self.server.objects[self.path.rpartition("/")[2]] = self.body()
        self.reply({})

    def do_POST(self) -> None:
        path, body = urlsplit(self.path).path, self.body()
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            self.server.repositories.setdefault(name, {})
            if asked.get("private") or asked.get("visibility") == "private":
                self.server.private.add(name)
            return self.reply({"url": f"{self.server.url}/{name}", "id": name, "name": name})
        for name, files in self.server.repositories.items():
            if path == f"/api/models/{name}/preupload/main":
                asked = json.loads(body)["files"]
                modes = [
                    {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(".safetensors") else "regular"}
                    for f in asked
                ]
                return self.reply({"files": [{**mode, "shouldIgnore": False} for mode in modes]})
            if path == f"/{name}.git/info/lfs/objects/batch":
                objects = [
                    {**o, "actions": {"upload": {"href": f"{self.server.url}/objects/{o['oid']}"}}}
                    for o in json.loads(body)["objects"]
                ]
                return self.reply({"transfer": "basic", "objects": objects})
            if path == f"/api/models/{name}/commit/main":
                for line in map(json.loads, body.decode().splitlines()):
                    value = line["value"]
                    if line["key"] == "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    elif line["key"] == "lfsFile":
                        files[value["path"]] = self.server.objects[value["oid"]]
                url = f"{self.server.url}/{name}/commit/{SHA}"
                return self.reply({"success": True, "commitOid": SHA, "commitUrl": url, "hookOutput": ""})
        if path == "/api/validate-yaml":
            return self.reply({"errors": [], "warnings": []})
        return self.refuse()


def tree_entry(name: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}


@contextmanager
def serving() -> Iterator[Hub]:
    """A Hub that runs until the block is left."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
