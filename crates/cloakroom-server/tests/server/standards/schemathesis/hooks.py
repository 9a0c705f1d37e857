"""Who asks: every request of a person comes with a session of its own, so that those that end it leave the next ones signed in. And what a
network is, which no standard format says."""

import ipaddress
import json
import os
import urllib.request

import schemathesis
from hypothesis import strategies as st

ADDRESS, SERVICE_TOKEN, SUBJECT = (os.environ[name] for name in ("ADDRESS", "SERVICE_TOKEN", "SUBJECT"))


def network(address, kept):
    return str(ipaddress.ip_network((address, min(kept, address.max_prefixlen)), strict=False))


def is_mapped(text):
    network = ipaddress.ip_network(text)
    return network.version == 6 and network.network_address.ipv4_mapped is not None


addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
networks = st.builds(network, addresses, st.integers(0, 128)) | addresses.map(str)
schemathesis.openapi.format("network", networks.filter(lambda text: not is_mapped(text)))


FILTER = {"subject", "network", "browser", "auth_method", "created_before", "older_than"}


@schemathesis.hook.apply_to(operation_id="endMatchingSessions")
def map_query(context, query):
    """At least one parameter of the filter has to be there, which no schema can say."""
    query = query or {}
    return query if FILTER & query.keys() else {**query, "subject": "nobody"}


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
