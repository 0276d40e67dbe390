#!/bin/sh
# Starts a broker of docker-compose.yml. Every client connects by TLS and logs in as a user, who has only the access
# that deploy/topics.py grants.
#
# NODE is the number of this broker, BROKERS the number of all brokers. The volume at /secrets has a file with the
# password of each user, the broker's key and certificate, and the certificate of the authority. The users are
# created while the data folder is formatted.
set -eu
umask 077
kafka=/opt/kafka/bin
data=/var/lib/kafka/data
secrets=/secrets
work=/tmp
settings=$work/server.properties
users="registration aggregator notifier board"

refuse() {
  echo "kafka-$NODE does not start: $*" >&2
  exit 1
}

[ "$NODE" -le "$BROKERS" ] || refuse "it is more than KAFKA_BROKERS=$BROKERS. Set KAFKA_BROKERS=3 for the profile cluster."
if [ -e "$data/meta.properties" ]; then
  [ -e "$data/brokers" ] || refuse "its data is of a version without users. docs/deployment.md says how to upgrade."
  [ "$(cat "$data/brokers")" = "$BROKERS" ] ||
    refuse "its data is of an installation with $(cat "$data/brokers") brokers. Set KAFKA_BROKERS to that number."
fi

password() { cat "$secrets/kafka_$1_password"; }

others=$((BROKERS > 1 ? BROKERS - 1 : 1))
voters=1@kafka-1:9093
node=2
while [ "$node" -le "$BROKERS" ]; do
  voters=$voters,$node@kafka-$node:9093
  node=$((node + 1))
done

admin="username=\"admin\" password=\"$(password admin)\""
scram="org.apache.kafka.common.security.scram.ScramLoginModule required $admin;"
plain="org.apache.kafka.common.security.plain.PlainLoginModule required $admin user_admin=\"$(password admin)\";"
cat > "$settings" <<END
process.roles=broker,controller
node.id=$NODE
log.dirs=$data
listeners=SASL_SSL://:9092,CONTROLLER://:9093
advertised.listeners=SASL_SSL://kafka-$NODE:9092
inter.broker.listener.name=SASL_SSL
controller.listener.names=CONTROLLER
controller.quorum.voters=$voters
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=$secrets/kafka_server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/authority.pem
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$scram
# The users are stored in the controllers' log, so the controllers themselves log in without that log.
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$plain
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# An acknowledged record is on all brokers but one.
default.replication.factor=$BROKERS
min.insync.replicas=$others
offsets.topic.replication.factor=$BROKERS
transaction.state.log.replication.factor=$BROKERS
transaction.state.log.min.isr=$others
END
# For set_password.sh and for Kafka's own commands inside the container: --command-config /tmp/admin.properties
cat > "$work/admin.properties" <<END
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/authority.pem
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=$scram
END

if [ ! -e "$data/meta.properties" ]; then
  # The arguments are a file, because every user of the machine can read those of a process.
  for user in admin $users; do
    printf '%s\n' --add-scram "SCRAM-SHA-512=[name=$user,password=$(password "$user")]"
  done > "$work/users"
  # Written before the folder is formatted, because a formatted folder without this file is refused.
  echo "$BROKERS" > "$data/brokers"
  # Its output has the users' stored keys.
  "$kafka/kafka-storage.sh" format --cluster-id "$CLUSTER_ID" --config "$settings" "@$work/users" > /dev/null
  rm "$work/users"
fi
exec "$kafka/kafka-server-start.sh" "$settings"
