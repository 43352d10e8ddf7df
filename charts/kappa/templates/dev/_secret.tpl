{{/*
Generated once and read again at each upgrade. Without a cluster to ask (helm template, GitOps) they
would be others each time: `dev` is for a try-out with `helm install`.
*/}}
{{- define "kappa.dev.secrets" -}}
{{- $old := (lookup "v1" "Secret" .Release.Namespace (include "kappa.devSecret" .) | default dict).data | default dict -}}
{{- range tuple "kafka-password" "redis-password" }}
{{ . }}: {{ get $old . | b64dec | default (randAlphaNum 40) | quote }}
{{- end }}
{{- $s3 := get $old "s3-credentials.json" | b64dec | default "{}" | fromJson }}
accessKeyId: {{ $s3.accessKeyId | default (randAlphaNum 20 | upper) | quote }}
secretAccessKey: {{ $s3.secretAccessKey | default (randAlphaNum 40) | quote }}
{{- end -}}

{{/* @param root, password */}}
{{- define "kappa.dev.kafkaProperties" -}}
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
controller.listener.names=CONTROLLER
# Only clients come from elsewhere; a broker speaks to itself over the loopback.
listeners=CLIENT://:9092,INTERNAL://127.0.0.1:9094,CONTROLLER://127.0.0.1:9093
advertised.listeners=CLIENT://{{ include "kappa.serviceHost" (dict "root" .root "component" "kafka") }}:9092,INTERNAL://127.0.0.1:9094
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.client.sasl.enabled.mechanisms=PLAIN
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_kappa="{{ .password }}";
log.dirs=/var/lib/kafka/data/log
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=268435456
log.index.size.max.bytes=2097152
message.max.bytes=2097152
{{- end -}}

{{- define "kappa.dev.kafkaLogConfiguration" -}}
status=error
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
logger.server.name=kafka.server
logger.server.level=info
{{- end -}}

{{/* @param root, password */}}
{{- define "kappa.dev.valkeyConfiguration" -}}
bind * -::*
port 6379
requirepass {{ .password }}
daemonize no
dir /data
save ""
appendonly no
maxmemory {{ .root.Values.dev.redis.memoryMbMax }}mb
maxmemory-policy noeviction
databases 32
{{- end -}}
