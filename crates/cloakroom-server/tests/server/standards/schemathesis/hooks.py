"""Who asks: every request of a person comes with a session of its own, so that those that end it leave the next ones signed in."""

import json
import os
import urllib.request

import schemathesis

ADDRESS, SERVICE_TOKEN, SUBJECT = (os.environ[name] for name in ("ADDRESS", "SERVICE_TOKEN", "SUBJECT"))


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/v1/service/")
class Application:
    def get(self, case, context):
        return f"Bearer {SERVICE_TOKEN}"

    def set(self, case, data, context):
        case.headers["Authorization"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/v1/").skip_for(path_regex="^/api/v1/(service/|login$)")
class Person:
    def get(self, case, context):
        headers = {"authorization": f"Bearer {SERVICE_TOKEN}", "content-type": "application/json"}
        body = json.dumps({"subject": SUBJECT}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{ADDRESS}/api/v1/service/sessions", body, headers)) as answer:
            return json.load(answer)["token"]

    def set(self, case, data, context):
        case.cookies["__Host-cloakroom"] = data
