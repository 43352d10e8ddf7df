{{/*
How services reach Kafka, Redis, the object store and a collector of traces: for each of them `….settings` (variables of the
services) and `….secrets` (files, as sources of a projected volume that is mounted at
kappa.secretsFolder). The user's own by values, or those of `dev`.
*/}}

{{- define "kappa.secretsFolder" -}}
/etc/kappa/secrets
{{- end -}}

{{/* "true" or nothing. @param root, part: kafka, redis or objectStore */}}
{{- define "kappa.isDev" -}}
{{- if and .root.Values.dev.enabled (get .root.Values.dev .part).enabled }}true{{ end -}}
{{- end -}}

{{- define "kappa.devSecret" -}}
{{ include "kappa.fullname" . }}-dev
{{- end -}}

{{/* A name that is found from every namespace, whatever the cluster's domain. @param root, component */}}
{{- define "kappa.serviceHost" -}}
{{ include "kappa.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc
{{- end -}}

{{/* @param secret, files: file name -> key of the Secret; those without a key are left out */}}
{{- define "kappa.secretSource" -}}
- secret:
    name: {{ .secret }}
    items:
    {{- range $file, $key := .files }}
    {{- if $key }}
      - key: {{ $key }}
        path: {{ $file }}
    {{- end }}
    {{- end }}
{{- end -}}

{{- define "kappa.kafka.settings" -}}
{{- $secrets := include "kappa.secretsFolder" . -}}
KAPPA_KAFKA_CLIENT: {{ .Values.kafka.client }}
{{- if include "kappa.isDev" (dict "root" . "part" "kafka") }}
KAPPA_KAFKA_BROKERS: {{ include "kappa.serviceHost" (dict "root" . "component" "kafka") }}:9092
KAPPA_REPLICATION_FACTOR: 1
KAPPA_KAFKA_SASL_MECHANISM: plain
KAPPA_KAFKA_SASL_USERNAME: kappa
KAPPA_KAFKA_SASL_PASSWORD_FILE: {{ $secrets }}/kafka-password
{{- else }}
KAPPA_KAFKA_BROKERS: {{ join "," .Values.kafka.brokers }}
KAPPA_REPLICATION_FACTOR: {{ .Values.kafka.replicationFactor }}
{{- with .Values.kafka.tls }}
{{- if .enabled }}
KAPPA_KAFKA_TLS: true
{{- if .caKey }}
KAPPA_KAFKA_TLS_CA_FILE: {{ $secrets }}/kafka-ca.pem
{{- end }}
{{- if .certificateKey }}
KAPPA_KAFKA_TLS_CERT_FILE: {{ $secrets }}/kafka-certificate.pem
KAPPA_KAFKA_TLS_KEY_FILE: {{ $secrets }}/kafka-private-key.pem
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.kafka.sasl }}
{{- if .mechanism }}
KAPPA_KAFKA_SASL_MECHANISM: {{ .mechanism }}
{{- if eq .mechanism "oauthbearer" }}
KAPPA_KAFKA_OAUTH_TOKEN_URL: {{ .oauth.tokenUrl | quote }}
KAPPA_KAFKA_OAUTH_CLIENT_ID: {{ .oauth.clientId | quote }}
KAPPA_KAFKA_OAUTH_CLIENT_SECRET_FILE: {{ $secrets }}/kafka-client-secret
{{- with .oauth.scope }}
KAPPA_KAFKA_OAUTH_SCOPE: {{ . | quote }}
{{- end }}
{{- else }}
KAPPA_KAFKA_SASL_USERNAME: {{ .username | quote }}
KAPPA_KAFKA_SASL_PASSWORD_FILE: {{ $secrets }}/kafka-password
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.kafka.secrets" -}}
{{- if include "kappa.isDev" (dict "root" . "part" "kafka") }}
{{ include "kappa.secretSource" (dict "secret" (include "kappa.devSecret" .) "files" (dict "kafka-password" "kafka-password")) }}
{{- else }}
{{- with .Values.kafka.tls }}
{{- if and .enabled (or .caKey .certificateKey) }}
{{ include "kappa.secretSource" (dict "secret" .existingSecret "files" (dict "kafka-ca.pem" .caKey "kafka-certificate.pem" .certificateKey "kafka-private-key.pem" .privateKeyKey)) }}
{{- end }}
{{- end }}
{{- with .Values.kafka.sasl }}
{{- if eq .mechanism "oauthbearer" }}
{{ include "kappa.secretSource" (dict "secret" .existingSecret "files" (dict "kafka-client-secret" .oauth.clientSecretKey)) }}
{{- else if .mechanism }}
{{ include "kappa.secretSource" (dict "secret" .existingSecret "files" (dict "kafka-password" .passwordKey)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.redis.settings" -}}
{{- $secrets := include "kappa.secretsFolder" . -}}
{{- if include "kappa.isDev" (dict "root" . "part" "redis") }}
KAPPA_REDIS_URL: redis://{{ include "kappa.serviceHost" (dict "root" . "component" "redis") }}:6379
KAPPA_REDIS_PASSWORD_FILE: {{ $secrets }}/redis-password
{{- else }}
KAPPA_REDIS_URL: {{ .Values.redis.url | quote }}
KAPPA_REDIS_CLUSTER: {{ .Values.redis.cluster }}
{{- if .Values.redis.existingSecret }}
KAPPA_REDIS_PASSWORD_FILE: {{ $secrets }}/redis-password
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.redis.secrets" -}}
{{- if include "kappa.isDev" (dict "root" . "part" "redis") }}
{{ include "kappa.secretSource" (dict "secret" (include "kappa.devSecret" .) "files" (dict "redis-password" "redis-password")) }}
{{- else if .Values.redis.existingSecret }}
{{ include "kappa.secretSource" (dict "secret" .Values.redis.existingSecret "files" (dict "redis-password" .Values.redis.passwordKey)) }}
{{- end }}
{{- end -}}

{{- define "kappa.jobsRedis.settings" -}}
{{- with .Values.redis.jobs }}
{{- if .url }}
KAPPA_JOBS_REDIS_URL: {{ .url | quote }}
{{- if .existingSecret }}
KAPPA_JOBS_REDIS_PASSWORD_FILE: {{ include "kappa.secretsFolder" $ }}/jobs-redis-password
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.jobsRedis.secrets" -}}
{{- with .Values.redis.jobs }}
{{- if and .url .existingSecret }}
{{ include "kappa.secretSource" (dict "secret" .existingSecret "files" (dict "jobs-redis-password" .passwordKey)) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.objectStore.settings" -}}
{{- if include "kappa.isDev" (dict "root" . "part" "objectStore") }}
KAPPA_S3_ENDPOINT: http://{{ include "kappa.serviceHost" (dict "root" . "component" "object-store") }}:8333
{{- else }}
KAPPA_S3_ENDPOINT: {{ .Values.objectStore.endpoint | quote }}
{{- end }}
KAPPA_S3_REGION: {{ .Values.objectStore.region }}
KAPPA_S3_BUCKET: {{ .Values.objectStore.bucket }}
KAPPA_S3_CREDENTIALS_FILE: {{ include "kappa.secretsFolder" . }}/s3-credentials.json
{{- end -}}

{{- define "kappa.objectStore.secrets" -}}
{{- if include "kappa.isDev" (dict "root" . "part" "objectStore") }}
{{ include "kappa.secretSource" (dict "secret" (include "kappa.devSecret" .) "files" (dict "s3-credentials.json" "s3-credentials.json")) }}
{{- else }}
{{ include "kappa.secretSource" (dict "secret" .Values.objectStore.existingSecret "files" (dict "s3-credentials.json" .Values.objectStore.credentialsKey)) }}
{{- end }}
{{- end -}}

{{- define "kappa.tracing.settings" -}}
{{- with .Values.tracing }}
{{- if .endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
{{- if .existingSecret }}
KAPPA_OTLP_HEADERS_FILE: {{ include "kappa.secretsFolder" $ }}/otlp-headers
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.tracing.secrets" -}}
{{- with .Values.tracing }}
{{- if and .endpoint .existingSecret }}
{{ include "kappa.secretSource" (dict "secret" .existingSecret "files" (dict "otlp-headers" .headersKey)) }}
{{- end }}
{{- end }}
{{- end -}}
