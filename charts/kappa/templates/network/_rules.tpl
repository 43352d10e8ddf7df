{{/*
Nothing but what is needed, in both directions. Who may be reached outside of the chart (Kafka, Redis,
the object store, the API server) is known by its port; by values it is narrowed down to addresses.
*/}}

{{/* @param url, ports (of values), default */}}
{{- define "kappa.network.ports" -}}
{{- $ports := .ports | default list -}}
{{- range .urls -}}
{{- $url := ternary . (printf "tcp://%s" .) (contains "://" .) | urlParse -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
{{- $ports = append $ports ($port | default (get (dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379") $url.scheme) | default "9092") -}}
{{- end -}}
{{- range $ports | uniq }}
- port: {{ . | int64 }}
  protocol: TCP
{{- end }}
{{- end -}}

{{/* A rule of egress. @param to, ports, urls */}}
{{- define "kappa.network.egress" -}}
- ports:
    {{- include "kappa.network.ports" . | trim | nindent 4 }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* @param root, part, component, port, urls */}}
{{- define "kappa.network.egressToPart" -}}
{{- if include "kappa.isDev" (dict "root" .root "part" .part) }}
- ports:
    - port: {{ .port }}
      protocol: TCP
  to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .root.Release.Namespace }}
      podSelector:
        matchLabels:
          {{- include "kappa.selector" (dict "root" .root "component" .component) | nindent 10 }}
{{- else }}
{{ include "kappa.network.egress" (merge (dict "urls" .urls) (get .root.Values.networkPolicy .part)) }}
{{- end }}
{{- end -}}

{{- define "kappa.network.kafka" -}}
{{ include "kappa.network.egressToPart" (dict "root" . "part" "kafka" "component" "kafka" "port" 9092 "urls" .Values.kafka.brokers) }}
{{- $sasl := .Values.kafka.sasl }}
{{- if and (eq $sasl.mechanism "oauthbearer") (not (include "kappa.isDev" (dict "root" . "part" "kafka"))) }}
{{ include "kappa.network.egress" (dict "urls" (list $sasl.oauth.tokenUrl)) }}
{{- end }}
{{- end -}}

{{- define "kappa.network.redis" -}}
{{ include "kappa.network.egressToPart" (dict "root" . "part" "redis" "component" "redis" "port" 6379 "urls" (compact (list .Values.redis.url .Values.redis.jobs.url))) }}
{{- end -}}

{{- define "kappa.network.objectStore" -}}
{{ include "kappa.network.egressToPart" (dict "root" . "part" "objectStore" "component" "object-store" "port" 8333 "urls" (list .Values.objectStore.endpoint)) }}
{{- end -}}

{{- define "kappa.network.tracing" -}}
{{- with .Values.tracing.endpoint }}
{{ include "kappa.network.egress" (dict "urls" (list .)) }}
{{- end }}
{{- end -}}

{{- define "kappa.network.dns" -}}
- ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .Values.networkPolicy.dns.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "kappa.network.apiServer" -}}
{{ include "kappa.network.egress" .Values.networkPolicy.apiServer }}
{{- end -}}

{{/* Pods of Spark in the namespaces of releases, as peers. @param root, components */}}
{{- define "kappa.network.sparkPeers" -}}
{{- range (include "kappa.releaseNamespaces" .root | fromYaml).namespaces }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . }}
  podSelector:
    {{- include "kappa.network.sparkPods" $.components | nindent 4 }}
{{- end }}
{{- end -}}

{{/* @param a list of components */}}
{{- define "kappa.network.sparkPods" -}}
matchLabels:
  app.kubernetes.io/part-of: kappa
matchExpressions:
  - key: app.kubernetes.io/component
    operator: In
    values: {{ toJson . }}
{{- end -}}

{{/* @param root, component, port, peers, egress (names of kappa.network.<name>) */}}
{{- define "kappa.network.service" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "kappa.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - port: {{ .port }}
          protocol: TCP
      from:
        {{- toYaml (concat .peers .root.Values.networkPolicy.metricsFrom) | nindent 8 }}
  egress:
    {{- range .egress }}
    {{- with include (printf "kappa.network.%s" .) $.root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- with .root.Values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "kappa.network.toDrivers" -}}
- ports:
    - port: 15002
      protocol: TCP
    - port: 4040
      protocol: TCP
  to:
    {{- include "kappa.network.sparkPeers" (dict "root" . "components" (list "spark-driver")) | trim | nindent 4 }}
{{- end -}}

{{/* Between driver and executors: scheduling and blocks. */}}
{{- define "kappa.network.sparkPorts" -}}
{{- range tuple 7078 7079 }}
- port: {{ . }}
  protocol: TCP
{{- end }}
{{- end -}}
