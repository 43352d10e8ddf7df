{{/*
One pod with one container, and its Service.
@param root, component, values, port, dataFolder, container (YAML of the rest of the container),
stopSecondsMax, files (keys of the dev Secret, mounted at /etc/kappa/dev), configuration (whose change starts it anew)
*/}}
{{- define "kappa.dev.statefulSet" -}}
{{- $name := printf "%s-%s" (include "kappa.fullname" .root) .component -}}
{{- $persistence := dig "persistence" dict .values -}}
{{- $isClaimed := and $persistence.enabled (not $persistence.existingClaim) -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "kappa.selector" . | nindent 4 }}
  ports:
    - name: client
      port: {{ .port }}
      targetPort: client
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "kappa.metadata" . | nindent 2 }}
spec:
  serviceName: {{ $name }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "kappa.selector" . | nindent 6 }}
  {{- if $isClaimed }}
  # A try-out leaves nothing behind.
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Delete
    whenScaled: Retain
  {{- end }}
  template:
    metadata:
      labels:
        {{- include "kappa.podLabels" . | nindent 8 }}
      annotations:
        checksum/configuration: {{ .configuration | sha256sum }}
    spec:
      {{- include "kappa.pod" . | nindent 6 }}
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: {{ .stopSecondsMax }}
      containers:
        - name: {{ .component }}
          image: {{ .values.image }}
          imagePullPolicy: IfNotPresent
          {{- .container | nindent 10 }}
          ports:
            - name: client
              containerPort: {{ .port }}
          {{- with .values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- include "kappa.containerSecurity" . | nindent 10 }}
          volumeMounts:
            - name: data
              mountPath: {{ .dataFolder }}
            - name: temporary
              mountPath: /tmp
            - name: configuration
              mountPath: /etc/kappa/dev
              readOnly: true
      volumes:
        - name: temporary
          emptyDir: {}
        - name: configuration
          secret:
            secretName: {{ include "kappa.devSecret" .root }}
            defaultMode: 0440
            items:
              {{- range .files }}
              - key: {{ . }}
                path: {{ . }}
              {{- end }}
        {{- if not $persistence.enabled }}
        - name: data
          emptyDir: {}
        {{- else if $persistence.existingClaim }}
        - name: data
          persistentVolumeClaim:
            claimName: {{ $persistence.existingClaim }}
        {{- end }}
  {{- if $isClaimed }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $persistence.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ $persistence.size }}
  {{- end }}
{{- end -}}
