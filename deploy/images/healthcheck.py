"""The container's health check: exits with 0 if the process on HEALTH_PORT is ready, or none is set."""

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
