{{- define "demarc.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "demarc.selector" -}}
app.kubernetes.io/name: demarc
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "demarc.labels" -}}
{{ include "demarc.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "demarc.scheme" -}}
{{ if .Values.secrets.tls }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}
