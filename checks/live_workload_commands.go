package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// kubectl is a command in the workload's namespace.
func (w Workload) kubectl(words ...string) string {
	return kubectlIn(w.Deployment.Namespace, words...)
}

func kubectlIn(namespace string, words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = spec.ShellWord(word)
	}
	return "kubectl --namespace " + spec.ShellWord(namespace) + " " + strings.Join(quoted, " ")
}

// change is one step of a JSON patch (RFC 6902).
type change struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patch is the command that changes the Deployment.
func (w Workload) patch(changes ...change) string {
	return w.kubectl("patch", "deployment", w.Deployment.Name, "--type", "json", "--patch", compact(changes))
}

// merge is the command that merges a part into the Deployment's pod template.
func (w Workload) merge(podSpec any) string {
	whole := map[string]any{"spec": map[string]any{"template": map[string]any{"spec": podSpec}}}
	return w.kubectl("patch", "deployment", w.Deployment.Name, "--patch", compact(whole))
}

// inContainer is the JSON pointer of a field of tbot's container.
func (w Workload) inContainer(field string) string {
	return fmt.Sprintf("/spec/template/spec/containers/%d/%s", w.Container, field)
}

// withEnv gives the container a variable, in the place of one of that name.
func (w Workload) withEnv(variable corev1.EnvVar) change {
	for i, e := range w.container().Env {
		if e.Name == variable.Name {
			return change{"replace", w.inContainer(fmt.Sprintf("env/%d", i)), variable}
		}
	}
	if len(w.container().Env) == 0 {
		return change{"add", w.inContainer("env"), []corev1.EnvVar{variable}}
	}
	return change{"add", w.inContainer("env/-"), variable}
}

// rewrite is the command that puts one text of tbot.yaml in the place of another and starts tbot anew. It goes by the JSON that
// kubectl prints, in which the file is one string.
func (w Workload) rewrite(old, instead string) string {
	edit := w.kubectl("edit", "configmap", w.ConfigMap) + " && " + w.restart()
	if old == "" || w.ConfigMap == "" || strings.Count(w.Text, old) != 1 {
		return edit
	}
	from, to := inJSON(old), inJSON(instead)
	if strings.ContainsAny(from+to, "#\n") {
		return edit
	}
	pattern := sedSpecial.ReplaceAllString(from, `\$0`)
	to = strings.NewReplacer(`\`, `\\`, "&", `\&`).Replace(to)
	return w.kubectl("get", "configmap", w.ConfigMap, "--output", "json") + " | sed " + spec.ShellWord("s#"+pattern+"#"+to+"#") +
		" | kubectl replace --filename - && " + w.restart()
}

// sedSpecial are the characters of a basic regular expression (POSIX 9.3).
var sedSpecial = regexp.MustCompile(`[\\.*^$\[\]]`)

func (w Workload) restart() string {
	return w.kubectl("rollout", "restart", "deployment", w.Deployment.Name)
}

// inJSON is a text as it stands within a JSON string.
func inJSON(text string) string {
	whole := compact(text)
	return whole[1 : len(whole)-1]
}

// marshalled is JSON as json.Marshal writes it, of what cannot fail to be JSON.
func marshalled(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%q", err)
	}
	return string(text)
}

// compact is JSON for a command line, with < and & as they are. What goes in here cannot fail to be JSON.
func compact(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%q", err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
