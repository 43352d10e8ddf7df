{{/*
What ingest, results and replay have in common. Each template takes the same dict:
  root, component
  port          of its HTTP API
  connections   names of kappa.<name>.settings and kappa.<name>.secrets
  settings      YAML of more variables (optional)
  env, volumes, volumeMounts   YAML lists of more of them (optional)
  selects       YAML of more labels that the Service selects (optional)
  files         YAML whose change starts the pods anew (optional)
*/}}

{{/* Variables, with the user's on top. Numbers of values are floats in Helm: 1000000 would be 1e+06. */}}
{{- define "kappa.service.settings" -}}
{{- $values := get .root.Values .component -}}
{{- $settings := dict
  "KAPPA_HTTP_HOST" "0.0.0.0"
  "KAPPA_HTTP_PORT" .port
  "KAPPA_LOG_LEVEL" .root.Values.logLevel
  "KAPPA_NAMESPACE" .root.Values.prefix
  "KAPPA_STOP_DELAY_MS" $values.stopDelayMs
  "KAPPA_STOP_TIMEOUT_MS" $values.stopTimeoutMs -}}
{{- range .connections -}}
{{- $settings = merge $settings (include (printf "kappa.%s.settings" .) $.root | fromYaml) -}}
{{- end -}}
{{- $settings = merge $settings (.settings | default "{}" | fromYaml) -}}
{{- if .root.Values.definitions.schemasVolume -}}
{{- $settings = set $settings "KAPPA_SCHEMAS_FOLDER" "/etc/kappa/schemas" -}}
{{- end -}}
{{- if and .root.Values.definitions.applicationsVolume (eq .component "replay") -}}
{{- $settings = set $settings "KAPPA_APPLICATIONS_FOLDER" "/etc/kappa/applications" -}}
{{- end -}}
{{- /* merge would take false and 0 for nothing. */ -}}
{{- range list .root.Values.settings $values.settings -}}
{{- range $name, $value := . -}}
{{- $settings = set $settings $name $value -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $settings }}
{{ $name }}: {{ ternary ($value | int64) $value (kindIs "float64" $value) | toString | quote }}
{{- end }}
{{- end -}}

{{- define "kappa.service.secrets" -}}
{{- range .connections }}
{{- include (printf "kappa.%s.secrets" .) $.root }}
{{- end }}
{{- end -}}

{{/* Versions of the user's Secrets as far as they can be seen: a change of them is taken at the next upgrade. */}}
{{- define "kappa.service.secretVersions" -}}
{{- range include "kappa.service.secrets" . | fromYamlArray }}
{{- $name := .secret.name }}
{{- if and $name (ne $name (include "kappa.devSecret" $.root)) }}
{{ $name }}: {{ dig "metadata" "resourceVersion" "" (lookup "v1" "Secret" $.root.Release.Namespace $name | default dict) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.service.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "kappa.metadata" (dict "root" .root "component" .component "annotations" (get .root.Values .component).serviceAccountAnnotations) | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{- define "kappa.service.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
data:
  {{- include "kappa.service.settings" . | trim | nindent 2 }}
{{- end -}}

{{- define "kappa.service.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "kappa.metadata" (dict "root" .root "component" .component "annotations" (get .root.Values .component).serviceAnnotations) | nindent 2 }}
spec:
  type: ClusterIP
  {{- if .selects }}
  # Its API is needed most when a release has failed, which is when it is not ready.
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "kappa.selector" . | nindent 4 }}
    {{- with .selects }}
    {{- . | nindent 4 }}
    {{- end }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      appProtocol: http
{{- end -}}

{{- define "kappa.service.disruptionBudget" -}}
{{- $values := get .root.Values .component -}}
{{- if $values.disruptionBudget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ $values.disruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "kappa.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "kappa.service.autoscaler" -}}
{{- $values := (get .root.Values .component).autoscaling -}}
{{- if $values.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "kappa.fullname" .root }}-{{ .component }}
  minReplicas: {{ $values.minReplicas }}
  maxReplicas: {{ $values.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: AverageValue
          averageValue: {{ $values.targetCpu }}
    {{- with $values.metrics }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "kappa.service.topologySpread" -}}
{{- $values := get .root.Values .component -}}
{{- if $values.topologySpreadConstraints -}}
{{ toYaml $values.topologySpreadConstraints }}
{{- else -}}
{{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "kappa.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
{{- end -}}

{{- define "kappa.service.deployment" -}}
{{- $values := get .root.Values .component -}}
{{- $definitions := .root.Values.definitions -}}
{{- $secrets := include "kappa.service.secrets" . -}}
{{- $applications := and $definitions.applicationsVolume (eq .component "replay") -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $values) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  # The new one is up before the old one goes.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "kappa.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "kappa.podLabels" (dict "root" .root "component" .component "labels" $values.labels) | nindent 8 }}
      annotations:
        checksum/settings: {{ printf "%s%s" (include "kappa.service.settings" .) (.files | default "") | sha256sum }}
        checksum/secrets: {{ include "kappa.service.secretVersions" . | sha256sum }}
        {{- with $values.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "kappa.pod" . | nindent 6 }}
      serviceAccountName: {{ include "kappa.fullname" .root }}-{{ .component }}
      automountServiceAccountToken: {{ .needsApi | default false }}
      # A service ends by itself after 60 s at the latest.
      terminationGracePeriodSeconds: 75
      topologySpreadConstraints:
        {{- include "kappa.service.topologySpread" . | trim | nindent 8 }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "kappa.image" (dict "image" .root.Values.image "version" .root.Chart.AppVersion) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [services/{{ .component }}/main.ts]
          envFrom:
            - configMapRef:
                name: {{ include "kappa.fullname" .root }}-{{ .component }}
          {{- if or .env $values.env }}
          env:
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with $values.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- end }}
          ports:
            - name: http
              containerPort: {{ .port }}
          # Longer than a service waits for Kafka before it gives up.
          startupProbe:
            httpGet:
              path: /health/live
              port: http
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 60
          readinessProbe:
            httpGet:
              path: /health/ready
              port: http
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 2
          livenessProbe:
            httpGet:
              path: /health/live
              port: http
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          {{- with $values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- include "kappa.containerSecurity" . | nindent 10 }}
          volumeMounts:
            - name: temporary
              mountPath: /tmp
            {{- if $secrets }}
            - name: secrets
              mountPath: {{ include "kappa.secretsFolder" .root }}
              readOnly: true
            {{- end }}
            {{- if $definitions.schemasVolume }}
            - name: schemas
              mountPath: /etc/kappa/schemas
              readOnly: true
            {{- end }}
            {{- if $applications }}
            - name: applications
              mountPath: /etc/kappa/applications
              readOnly: true
            {{- end }}
            {{- with .volumeMounts }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with $values.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: temporary
          emptyDir:
            sizeLimit: {{ $values.scratchSizeLimit }}
        {{- if $secrets }}
        - name: secrets
          projected:
            defaultMode: 0440
            sources:
              {{- $secrets | trim | nindent 14 }}
        {{- end }}
        {{- with $definitions.schemasVolume }}
        - name: schemas
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- if $applications }}
        - name: applications
          {{- toYaml $definitions.applicationsVolume | nindent 10 }}
        {{- end }}
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with $values.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}

{{- define "kappa.service.all" -}}
{{- range tuple "account" "configMap" "service" "deployment" "disruptionBudget" }}
{{- with include (printf "kappa.service.%s" .) $ }}
---
{{ . }}
{{- end }}
{{- end }}
{{- end -}}
