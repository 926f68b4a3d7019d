package cmd

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// fileCommands make of files the commands that apply them. kubeconfig and context are what a command has to say of the cluster that tbot
// runs in; empty leaves it to what is current.
type fileCommands struct {
	setup               spec.Setup
	kubeconfig, context string
}

// all are the commands in their order: Teleport first, so that what starts in Kubernetes can join at once; manifests before the release
// that needs them; other clusters last.
func (c fileCommands) all(done []files.Done) []string {
	var commands, charts, elsewhere []string
	tctl, kubectl, kustomized := "", "", ""
	for _, file := range done {
		path, folder := file.Path, filepath.Dir(file.Path)
		switch {
		case hasPath(path, manifests.ResourcesFile):
			tctl = "tctl create -f " + spec.ShellWord(pasted(path))
		case hasPath(path, manifests.OperatorFile):
			// Which cluster the operator runs in is not among the answers.
			commands = append(commands, "kubectl --context OPERATOR-CLUSTER apply --server-side -f "+spec.ShellWord(pasted(path)))
		case hasPath(path, manifests.TerraformFile):
			in := "terraform -chdir=" + spec.ShellWord(folder)
			commands = append(commands, `eval "$(tctl terraform env)"`, in+" init", in+" apply")
		case hasPath(path, manifests.ValuesFile):
			charts = append(charts, c.helm(manifests.TbotChart, c.setup.Name, path))
		case hasPath(path, manifests.AgentValuesFile):
			charts = append(charts, c.helm(spec.AgentChart, c.setup.Release(), path))
		case filepath.Base(folder) == manifests.TargetFolder:
			elsewhere = c.targets(folder)
		case hasPath(path, manifests.KustomizationFile):
			kustomized = c.kubectl() + " apply --server-side -k " + spec.ShellWord(pasted(folder))
		default:
			kubectl += " -f " + spec.ShellWord(pasted(path))
		}
	}
	if tctl != "" {
		commands = append(commands, tctl)
	}
	switch {
	case kustomized != "":
		commands = append(commands, kustomized)
	case kubectl != "":
		commands = append(commands, c.kubectl()+" apply --server-side"+kubectl)
	}
	return append(append(commands, charts...), elsewhere...)
}

func hasPath(path, end string) bool { return strings.HasSuffix(path, filepath.FromSlash(end)) }

func (c fileCommands) kubectl() string {
	kubectl := "kubectl"
	if c.kubeconfig != "" {
		kubectl += " --kubeconfig " + spec.ShellWord(c.kubeconfig)
	}
	if c.context != "" {
		kubectl += " --context " + spec.ShellWord(c.context)
	}
	return kubectl
}

// helm installs or upgrades a release with the values of a file.
func (c fileCommands) helm(chart, release, values string) string {
	words := []string{
		"helm upgrade --install", spec.ShellWord(release), chart, "--repo", manifests.ChartRepository, "--version", c.setup.Resolved.ImageVersion(),
	}
	if c.kubeconfig != "" {
		words = append(words, "--kubeconfig", spec.ShellWord(c.kubeconfig))
	}
	if c.context != "" {
		words = append(words, "--kube-context", spec.ShellWord(c.context))
	}
	return strings.Join(append(words, "--namespace", spec.ShellWord(c.setup.Kubernetes.Namespace), "--values", spec.ShellWord(pasted(values))), " ")
}

// targets apply the kustomization of a folder, for each context or with a placeholder for it.
func (c fileCommands) targets(folder string) []string {
	contexts := c.setup.Reach.Contexts
	if len(contexts) == 0 {
		contexts = []string{"CLUSTER"}
	}
	var commands []string
	for _, name := range contexts {
		commands = append(commands, fileCommands{kubeconfig: c.kubeconfig, context: name}.kubectl()+" apply --server-side -k "+spec.ShellWord(pasted(folder)))
	}
	return commands
}

// putFiles writes files to a folder, whole or not at all.
func putFiles(dir string, shaped []manifests.File, overwrite bool) ([]files.Done, error) {
	var all []files.File
	for _, file := range shaped {
		all = append(all, files.File(file))
	}
	done, err := files.Write(dir, all, files.Options{Overwrite: overwrite})
	var inTheWay *files.InTheWay
	if errors.As(err, &inTheWay) {
		return nil, &findingError{text: fmt.Sprintf("--out-dir: %s; nothing was written%s", inTheWay, wayOut(inTheWay)), causes: []error{err}}
	}
	if err != nil {
		return nil, fmt.Errorf("--out-dir: %w; no file was written, and nothing was applied", err)
	}
	return done, nil
}

// sayShortfalls says what the formats give less than the plain ones.
func sayShortfalls(progress *report.Progress, setup spec.Setup) {
	sides := map[string]bool{string(setup.Files.Kube): setup.Side.HasKubernetes() && !setup.IsAgent(), string(setup.Files.Teleport): setup.Side.HasTeleport()}
	for _, format := range manifests.Formats() {
		if !sides[format] {
			continue
		}
		for _, sentence := range manifests.Shortfalls(format) {
			progress.Say(format + ": " + sentence)
		}
	}
}
