#!/bin/sh
# Restarts the replicas of a service of docker-compose.yml one after another, each when the one before it is ready:
#   deploy/rolling_restart.sh registration-api
# ENGINE selects the container engine: docker (the default) or podman. COMPOSE_PROJECT_NAME is needed if it was set
# for docker compose up.
set -eu
service=${1:?"usage: deploy/rolling_restart.sh SERVICE"}
engine=${ENGINE:-docker}
project=${COMPOSE_PROJECT_NAME:-$(basename "$(cd "$(dirname "$0")/.." && pwd)")}
containers=$("$engine" ps --quiet --filter "label=com.docker.compose.project=$project" \
  --filter "label=com.docker.compose.service=$service")
[ -n "$containers" ] || { echo "no container of $service runs" >&2; exit 1; }
for container in $containers; do
  "$engine" stop --time 40 "$container" >/dev/null
  "$engine" start "$container" >/dev/null
  tries=0
  until "$engine" exec "$container" python /app/healthy.py 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "$container is not ready" >&2; exit 1; }
    sleep 0.5
  done
  # The proxy sends requests to it after two successful checks, half a second apart.
  sleep 3
  echo "$container restarted"
done
