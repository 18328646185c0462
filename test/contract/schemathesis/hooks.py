"""Tells schemathesis how to authenticate, and which requests the OpenAPI document cannot rule out."""

import requests
import schemathesis


@schemathesis.auth(refresh_interval=None)
class NewSession:
    """Gives each request its own session, so that no request depends on an earlier one."""

    def get(self, case, context):
        url = f"{case.operation.base_url.rstrip('/')}/api/chat/init"
        response = requests.post(url, json={"api_key": "key"}, timeout=10)
        return response.json()["session_token"]

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def filter_case(context, case):
    """Leaves out conversations that the document cannot rule out. JSON Schema cannot describe the last element."""
    messages = case.body.get("messages") if isinstance(case.body, dict) else None
    if not isinstance(messages, list) or not messages:
        return True
    roles = [message.get("role") for message in messages if isinstance(message, dict)]
    return len(roles) < len(messages) or (roles[-1] == "user" and "system" not in roles)
