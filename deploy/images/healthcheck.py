"""The container's health check.

It exits with 0 if the process on the TCP port HEALTH_PORT is ready, or if HEALTH_PORT is not set.
"""

import os
import sys
import urllib.error
import urllib.request

port = os.environ.get("HEALTH_PORT")
if port:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{int(port)}/health/ready", timeout=2).close()
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"not ready: {error}")
