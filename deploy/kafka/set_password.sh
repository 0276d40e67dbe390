#!/bin/sh
# Sets the password of a user at the running brokers to the one in the volume secrets-kafka:
#   docker compose exec kafka sh /deploy/kafka/set_password.sh board
set -eu
umask 077
kafka=/opt/kafka/bin
secrets=/secrets
work=/tmp
user=${1:?"usage: set_password.sh registration|aggregator|notifier|board"}
# The broker has most of the container's memory.
export KAFKA_HEAP_OPTS=-Xmx128m
trap 'rm -f "$work/new_password"' EXIT
# In a file the value has no brackets, unlike in Kafka's option --add-config.
printf 'SCRAM-SHA-512=password=%s\n' "$(cat "$secrets/kafka_${user}_password")" > "$work/new_password"
"$kafka/kafka-configs.sh" --bootstrap-server kafka:9092 --command-config "$work/admin.properties" \
  --alter --entity-type users --entity-name "$user" --add-config-file "$work/new_password"
