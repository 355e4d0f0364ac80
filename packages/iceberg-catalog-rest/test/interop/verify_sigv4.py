"""Signs requests again as botocore does, from what arrived at a server. For sigv4.interop.test.ts.

Reads a JSON list of {method, url, headers, body (base64), region, service, key, secret} and prints for each the
signature that AWS's own client library gives it. Needs botocore.
"""

import base64
import hashlib
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def sign(seen):
    headers = seen["headers"]
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    body = base64.b64decode(seen["body"])
    request = AWSRequest(
        method=seen["method"],
        url=seen["url"],
        headers={name: headers[name] for name in signed if name != "x-amz-content-sha256"},
        data=body,
    )
    # Of the body that arrived, whatever the header says.
    request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(seen["key"], seen["secret"]), seen["service"], seen["region"])
    auth.credentials.token = headers.get("x-amz-security-token")
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    return auth.signature(to_sign, request)


print(json.dumps([sign(seen) for seen in json.load(sys.stdin)]))
