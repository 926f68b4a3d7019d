{{- define "names.full" -}}
{{- .Values.fullnameOverride | default (contains "tbot" .Release.Name | ternary .Release.Name (printf "%s-tbot" .Release.Name)) | trunc 63 -}}
{{- end -}}
{{- define "names.account" -}}
{{- .Values.serviceAccount.name | default (include "names.full" .) -}}
{{- end -}}
{{- define "names.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: tbot
{{- end -}}
{{- define "config" -}}
version: v2
proxy_server: {{ required "teleportProxyAddress" .Values.teleportProxyAddress }}
onboarding:
  join_method: {{ .Values.joinMethod }}
  token: {{ required "token" .Values.token }}
storage:
{{- if eq .Values.persistence "disabled" }}
  type: memory
{{- else }}
  type: kubernetes_secret
  name: {{ include "names.full" . }}
{{- end }}
outputs:
{{- if .Values.defaultOutput.enabled }}
  - type: identity
    destination: {type: kubernetes_secret, name: {{ include "names.full" . }}-out}
{{- end }}
{{- with .Values.outputs }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}
