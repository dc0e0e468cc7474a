"""A W&B server on the loopback device, as far as logging, resuming, syncing and sweeps need one.

It keeps what a run sends: history rows by their position, summary, configuration, names, exit code and files. Sweeps
hand the trials that a test has put down to whatever agent asks.
"""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class StoredRun:
    project: str
    display_name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list = field(default_factory=list)
    config: dict = field(default_factory=dict)
    history: dict = field(default_factory=dict)
    summary: dict = field(default_factory=dict)
    exit_code: int | None = None
    preempting: bool = False
    files: dict = field(default_factory=dict)

    @property
    def rows(self):
        return [self.history[position] for position in sorted(self.history)]


class Server(ThreadingHTTPServer):
    """Runs by id, the files of artifacts, sweeps, and the names of the operations that it did not understand.

    Trials are parameters to values, by the id of the run that is to try them.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, StoredRun] = {}
        self.artifacts: dict[str, dict] = {}
        self.sweeps: list[str] = []
        self.trials: dict[str, dict] = {}
        self.unknown: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Say nothing: W&B leaves connections without closing them."""

    def answer(self, operation, variables):
        """The data of a GraphQL operation, or None if it is unknown."""
        match operation:
            case "Viewer" | "QueryViewer":
                me = {"id": "u", "entity": "us", "username": "me", "flags": "{}", "email": "", "admin": False}
                return {"viewer": {**me, "teams": {"edges": []}}, "serverInfo": {"cliVersionInfo": {}}}
            case "ServerFeaturesQuery":
                return {"serverInfo": {"features": []}}
            case "OrganizationCoreWeaveOrganizationID":
                return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}
            case "RunResumeStatus":
                return {
                    "model": {"id": "p", "name": "p", "entity": ENTITY, "bucket": self.resumable(variables["name"])}
                }
            case "UpsertBucket":
                return {"upsertBucket": self.upsert(variables)}
            case "CreateRunFiles":
                names = variables["files"]
                files = [{"name": n, "uploadUrl": f"{self.url}/upload/{variables['run']}/{n}"} for n in names]
                return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}
            case "ArtifactType":
                return {"project": {"artifact": None}}
            case "CreateArtifact":
                name = variables["input"]["artifactCollectionName"]
                self.artifacts.setdefault(name, {})
                return {
                    "createArtifact": {
                        "artifact": {"id": name, "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
                    }
                }
            case "CreateArtifactManifest":
                return {"createArtifactManifest": self.manifest(variables["artifactID"])}
            case "UpdateArtifactManifest":
                return {"updateArtifactManifest": self.manifest(variables["artifactManifestID"])}
            case "CreateArtifactFiles":
                asked = variables["input"]["artifactFiles"]
                files = [self.artifact_file(entry["artifactID"], entry["name"]) for entry in asked]
                return {"createArtifactFiles": {"files": {"edges": [{"node": file} for file in files]}}}
            case "CommitArtifact":
                return {"commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": "d"}}}
            case "UpsertSweep":
                self.sweeps.append(variables["config"])
                project = {"id": "p", "name": variables["projectName"], "entity": ENTITY}
                sweep = {"name": f"sweep{len(self.sweeps)}", "project": project}
                return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}
            case "SweepWithRuns":
                config = self.sweeps[int(variables["sweep"].removeprefix("sweep")) - 1]
                sweep = {
                    "id": "s",
                    "name": variables["sweep"],
                    "config": config,
                    "state": "RUNNING",
                    "runs": {"edges": []},
                }
                return {"project": {"sweep": sweep}}
            case "CreateAgent":
                return {"createAgent": {"agent": {"id": "a"}}}
            case "Heartbeat":
                return {"agentHeartbeat": {"agent": {"id": "a"}, "commands": json.dumps(self.commands(variables))}}
        return None

    def artifact_file(self, artifact, name):
        url = f"{self.url}/artifact/{artifact}/{name}"
        nothing = {"uploadMultipartUrls": None, "uploadHeaders": []}
        return {"id": "f", "storagePath": name, "uploadUrl": url, "artifact": {"id": artifact}, **nothing}

    def manifest(self, artifact):
        return {"artifactManifest": {"id": artifact, "file": self.artifact_file(artifact, "manifest.json")}}

    def commands(self, variables):
        """What an agent is to do next: the next trial, if it has nothing to do."""
        if json.loads(variables["runState"]) or not self.trials:
            return []
        run, values = self.trials.popitem()
        program = next(line.partition(": ")[2] for line in self.sweeps[-1].splitlines() if line.startswith("program:"))
        args = {name: {"value": value} for name, value in values.items()}
        return [{"type": "run", "run_id": run, "program": program, "args": args}]

    def upsert(self, variables):
        name = variables.get("name") or variables.get("id")
        inserted = name not in self.runs
        run = self.runs.setdefault(name, StoredRun(variables.get("project") or ""))
        run.display_name = variables.get("displayName") or run.display_name
        run.group = variables.get("groupName") or run.group
        run.job_type = variables.get("jobType") or run.job_type
        run.tags = variables.get("tags") or run.tags
        run.config = json.loads(variables.get("config") or "null") or run.config
        return {"bucket": self.bucket(name), "inserted": inserted}

    def bucket(self, name):
        run = self.runs[name]
        return {
            **{"id": name, "name": name, "displayName": run.display_name, "description": "", "sweepName": None},
            **{"config": json.dumps(run.config), "summaryMetrics": json.dumps(run.summary), "stopped": False},
            **{"historyLineCount": len(run.history), "wandbConfig": json.dumps({"t": {}}), "tags": run.tags},
            "project": {"id": "p", "name": run.project, "entity": ENTITY},
        }

    def resumable(self, name):
        if name not in self.runs:
            return None
        last = json.dumps([json.dumps(row) for row in self.runs[name].rows[-1:]])
        nothing = {"eventsLineCount": 0, "logLineCount": 0, "eventsTail": "[]", "events": "[]"}
        return {**self.bucket(name), "historyTail": last, **nothing}

    def stream(self, name, message):
        run = self.runs[name]
        for file, chunk in (message.get("files") or {}).items():
            for index, line in enumerate(chunk.get("content", [])):
                if file.endswith("history.jsonl"):
                    run.history[chunk.get("offset", 0) + index] = json.loads(line)
                elif file.endswith("summary.json"):
                    run.summary = json.loads(line)
        run.preempting = run.preempting or bool(message.get("preempting"))
        if message.get("complete"):
            run.exit_code = message.get("exitcode")
        return {"limits": {}}


ENTITY = {"id": "e", "name": "us"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Be quiet."""

    def body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def reply(self, content, code=200):
        raw = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        self.reply({})

    def do_PUT(self):
        _, kind, owner, name = self.path.split("/", 3)
        files = self.server.artifacts[owner] if kind == "artifact" else self.server.runs[owner].files
        files[name] = self.body()
        self.reply({})

    def do_POST(self):
        body = self.body()
        with self.server.lock:
            if self.path.endswith("/file_stream"):
                return self.reply(self.server.stream(self.path.split("/")[-2], json.loads(body)))
            if self.path != "/graphql":
                return self.reply({}, 404)
            query = json.loads(body)
            operation = query.get("operationName") or query["query"].split("(")[0].split("{")[0].split()[1]
            data = self.server.answer(operation, query.get("variables") or {})
            if data is not None:
                return self.reply({"data": data})
            self.server.unknown.append(operation)
            return self.reply({"errors": [{"message": f"unknown operation {operation}"}]}, 400)


@contextmanager
def serving():
    """A server that runs until the block is left."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
