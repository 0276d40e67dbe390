#!/bin/sh
# Runs one of Kafka's programs, by the name of the script that the image has for it.
case $0 in
  */kafka-storage.sh) main=kafka.tools.StorageTool ;;
  */kafka-configs.sh) main=kafka.admin.ConfigCommand ;;
  */kafka-server-start.sh) main=kafka.Kafka ;;
esac
# shellcheck disable=SC2086  # several options in one variable, as in the image
exec /opt/java/bin/java ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp '/opt/kafka/libs/*' "$main" "$@"
