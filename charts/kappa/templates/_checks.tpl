{{/* What the schema cannot say in words: a list of problems, each with the value, what it is and what it must be. */}}

{{- define "kappa.problems" -}}
{{- $isDevKafka := include "kappa.isDev" (dict "root" . "part" "kafka") -}}
{{- $isDevRedis := include "kappa.isDev" (dict "root" . "part" "redis") -}}
{{- $isDevStore := include "kappa.isDev" (dict "root" . "part" "objectStore") -}}
{{- with .Values.kafka }}
{{- if and (not $isDevKafka) (not .brokers) }}
- kafka.brokers is empty; it must name your brokers as host:port (or dev.enabled=true brings one for a try-out).
{{- end }}
{{- if and $isDevKafka (or .brokers .tls.enabled .sasl.mechanism) }}
- kafka is set, but dev brings a Kafka of its own; set dev.kafka.enabled=false.
{{- end }}
{{- if and .tls.existingSecret (not .tls.enabled) }}
- kafka.tls.existingSecret is set, but kafka.tls.enabled is false.
{{- end }}
{{- if and .tls.enabled (or .tls.caKey .tls.certificateKey .tls.privateKeyKey) (not .tls.existingSecret) }}
- kafka.tls.existingSecret is not set; it must be the Secret that has the keys of kafka.tls.
{{- end }}
{{- if ne (empty .tls.certificateKey) (empty .tls.privateKeyKey) }}
- kafka.tls.certificateKey and kafka.tls.privateKeyKey belong together; one of them is not set.
{{- end }}
{{- with .sasl }}
{{- if and .mechanism (not .existingSecret) }}
- kafka.sasl.existingSecret is not set; it must be the Secret with the password or client secret of kafka.sasl.
{{- end }}
{{- if eq .mechanism "oauthbearer" }}
{{- if not (and .oauth.tokenUrl .oauth.clientId) }}
- kafka.sasl.oauth.tokenUrl and kafka.sasl.oauth.clientId must be set for oauthbearer.
{{- end }}
{{- else if and .mechanism (not .username) }}
- kafka.sasl.username is not set; {{ .mechanism }} needs one.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.redis }}
{{- if and (not $isDevRedis) (not .url) }}
- redis.url is not set; it must be redis://host:port or rediss://host:port (or dev.enabled=true brings one for a try-out).
{{- end }}
{{- if and $isDevRedis (or .url .jobs.url) }}
- redis is set, but dev brings a Redis of its own; set dev.redis.enabled=false.
{{- end }}
{{- if and .cluster (not .jobs.url) }}
- redis.jobs.url is not set; the job queue needs a Redis that is no cluster.
{{- end }}
{{- if and .jobs.existingSecret (not .jobs.url) }}
- redis.jobs.existingSecret is set without redis.jobs.url.
{{- end }}
{{- range $name, $url := dict "redis.url" .url "redis.jobs.url" .jobs.url }}
{{- if contains "@" $url }}
- {{ $name }} has credentials in it; put the password into a Secret and name that in existingSecret.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.objectStore }}
{{- if and (not $isDevStore) (not .endpoint) }}
- objectStore.endpoint is not set; it must be the URL of an S3 API (or dev.enabled=true brings one for a try-out).
{{- end }}
{{- if and (not $isDevStore) (not .existingSecret) }}
- objectStore.existingSecret is not set; it must be a Secret whose key {{ .credentialsKey }} holds {"accessKeyId": "…", "secretAccessKey": "…"}.
{{- end }}
{{- if and $isDevStore .endpoint }}
- objectStore.endpoint is set, but dev brings an object store of its own; set dev.objectStore.enabled=false.
{{- end }}
{{- end }}
{{- if and .Values.namespacePerApplication.enabled (not .Values.applications) }}
- applications is empty; with namespacePerApplication.enabled it must name those that get a namespace.
{{- end }}
{{- with .Values.priorityClasses }}
{{- if and (not .create) (ne (empty .live.name) (empty .replay.name)) }}
- priorityClasses.live.name and priorityClasses.replay.name belong together; one of them is not set.
{{- end }}
{{- if le (int64 .live.value) (int64 .replay.value) }}
- priorityClasses.live.value is not above priorityClasses.replay.value.
{{- end }}
{{- end }}
{{- range $component := list "ingest" "results" }}
{{- with (get $.Values $component).autoscaling }}
{{- if and .enabled (gt (int64 .minReplicas) (int64 .maxReplicas)) }}
- {{ $component }}.autoscaling.minReplicas is above maxReplicas.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.tracing }}
{{- if and .existingSecret (not .endpoint) }}
- tracing.existingSecret is set without tracing.endpoint.
{{- end }}
{{- end }}
{{- with .Values.ingress }}
{{- if and .enabled (not (or .hosts.ingest .hosts.results .hosts.replay)) }}
- ingress.hosts names no host; what has none is not exposed.
{{- end }}
{{- if and .enabled .tls.enabled (not .tls.existingSecret) }}
- ingress.tls.existingSecret is not set; it must be a Secret of type kubernetes.io/tls.
{{- end }}
{{- end }}
{{- with .Values.gateway }}
{{- if and .enabled (not (or .hosts.ingest .hosts.results .hosts.replay)) }}
- gateway.hosts names no host; what has none is not exposed.
{{- end }}
{{- if and .enabled (not .parentRefs) }}
- gateway.parentRefs is empty; it must name your Gateway and its TLS listener.
{{- end }}
{{- end }}
{{- end -}}
