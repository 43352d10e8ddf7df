{{/* What every pod and every container has: Pod Security "restricted" and a read-only root. */}}

{{/* The beginning of a pod's spec. @param root */}}
{{- define "kappa.pod" -}}
{{- /* Variables for each Service of the namespace would be taken for settings: their names begin with KAPPA_. */ -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .root.Values.runAs }}
  {{- with .user }}
  runAsUser: {{ . | int64 }}
  {{- end }}
  {{- with .group }}
  runAsGroup: {{ . | int64 }}
  fsGroup: {{ . | int64 }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "kappa.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
{{- end -}}
