{{/* Names, labels and images of everything that the chart makes. */}}

{{- define "kappa.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Names of objects begin with it; 40 characters leave room for what they are. */}}
{{- define "kappa.fullname" -}}
{{- $name := include "kappa.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* @param root, component */}}
{{- define "kappa.selector" -}}
app.kubernetes.io/name: {{ include "kappa.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Of pods: without what changes with each version of the chart, which would start them anew. @param root, component, labels */}}
{{- define "kappa.podLabels" -}}
{{ include "kappa.selector" . }}
app.kubernetes.io/part-of: kappa
{{- range $name, $value := merge dict (.labels | default dict) .root.Values.commonLabels }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* @param root, component, labels */}}
{{- define "kappa.labels" -}}
{{ include "kappa.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* @param root, component, labels, annotations, name (left out: of the component), namespace (left out: of the release) */}}
{{- define "kappa.metadata" -}}
name: {{ .name | default (printf "%s-%s" (include "kappa.fullname" .root) .component) }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- include "kappa.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* @param image, version */}}
{{- define "kappa.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .version) -}}
{{- end -}}
{{- end -}}

{{- define "kappa.sparkAccount" -}}
{{ include "kappa.fullname" . }}-spark
{{- end -}}

{{/* The ConfigMap in each namespace of releases to which all that belongs to them belongs. */}}
{{- define "kappa.releasesOwner" -}}
{{ include "kappa.fullname" . }}-releases
{{- end -}}

{{- define "kappa.lease" -}}
{{ include "kappa.fullname" . }}-replay
{{- end -}}

{{/* @param root, application */}}
{{- define "kappa.applicationNamespace" -}}
{{ .root.Values.namespacePerApplication.prefix | default (printf "%s-" .root.Release.Namespace) }}{{ .application }}
{{- end -}}

{{/* Namespaces in which releases run, as a list under `namespaces`. */}}
{{- define "kappa.releaseNamespaces" -}}
namespaces:
{{- if .Values.namespacePerApplication.enabled }}
{{- range .Values.applications }}
  - {{ include "kappa.applicationNamespace" (dict "root" $ "application" .) }}
{{- end }}
{{- else }}
  - {{ .Release.Namespace }}
{{- end }}
{{- end -}}
