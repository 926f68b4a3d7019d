package survey

import (
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// program is what runs; parts of image names and of files are compared with it, so that a chatbot is none.
const program = "tbot"

// tbotOf gives the index of the container that runs tbot, -1 where none does.
func tbotOf(d *appsv1.Deployment) int {
	containers := d.Spec.Template.Spec.Containers
	if i := slices.IndexFunc(containers, runsTbot); i >= 0 {
		return i
	}
	// Ours and those of the chart carry the label also where a mirror has renamed the image.
	if d.Labels[spec.LabelName] != program && d.Spec.Template.Labels[spec.LabelName] != program {
		return -1
	}
	if len(containers) == 1 {
		return 0
	}
	return slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == program })
}

// runsTbot knows tbot by its image, by the program that is called, or by the name of the configuration that it is started with. Images
// of whole Teleport (teleport, teleport-ent) hold it too, but run it only where it is called.
func runsTbot(c corev1.Container) bool {
	words := words(c)
	starts := slices.Contains(words, "start")
	if i := slices.IndexFunc(words, isProgram); i >= 0 && slices.Contains(words[i:], "start") {
		return true
	}
	image, _, _ := strings.Cut(path.Base(strings.SplitN(c.Image, "@", 2)[0]), ":")
	return isNamedTbot(image) || starts && isNamedTbot(path.Base(configPath(c)))
}

func isProgram(word string) bool { return path.Base(word) == program }

// isNamedTbot tells whether tbot is one of the words of a name, as in tbot-distroless and my_tbot.yaml.
func isNamedTbot(name string) bool {
	return slices.Contains(strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("-_.", r) }), program)
}

// words are those of the command line, also where it is a script for a shell. A variable that the pod gives in plain text is
// filled in, as the kubelet does (Kubernetes: Define Dependent Environment Variables).
func words(c corev1.Container) []string {
	var all []string
	for _, argument := range slices.Concat(c.Command, c.Args) {
		for _, variable := range c.Env {
			if variable.Value != "" {
				argument = strings.ReplaceAll(argument, "$("+variable.Name+")", variable.Value)
			}
		}
		for _, word := range strings.Fields(argument) {
			all = append(all, strings.Trim(word, `"'`))
		}
	}
	return all
}

// flag reads a flag of tbot's command line in any of the forms that it takes: --long value, --long=value, -s value, -svalue. What comes
// before tbot itself is somebody else's, such as the -c of a shell.
func flag(c corev1.Container, long, short string) string {
	words := words(c)
	if i := slices.IndexFunc(words, isProgram); i > 0 {
		words = words[i:]
	}
	value := ""
	for i, word := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch given, isLong := strings.CutPrefix(word, "--"+long+"="); {
		case isLong:
			value = given
		case word == "--"+long, short != "" && word == "-"+short:
			value = next
		case short != "" && strings.HasPrefix(word, "-"+short) && !strings.HasPrefix(word, "--"):
			value = strings.TrimPrefix(word, "-"+short)
		}
	}
	return value
}

// environment is the plain value of a variable.
func environment(c corev1.Container, name string) string {
	for _, variable := range c.Env {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

// managerKubectl is a Deployment's manager that keeps nothing as it is.
const managerKubectl = "kubectl"

// managerOf tells who would undo a change that is made by hand, or else who made the Deployment. Empty where nothing tells.
func managerOf(d *appsv1.Deployment) string {
	if keeper := owner.OfObject(d); keeper.Tool == owner.Controller {
		return keeper.String()
	} else if !keeper.None() {
		return string(keeper.Tool)
	}
	if d.Labels[spec.LabelManagedBy] == spec.ManagedBy {
		return spec.ManagedBy
	}
	byHand := []string{"kubectl", "kubectl-client-side-apply", "kubectl-create"}
	for _, entry := range d.ManagedFields {
		if entry.Subresource == "" && slices.Contains(byHand, entry.Manager) {
			return managerKubectl
		}
	}
	return ""
}
