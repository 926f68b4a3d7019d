package cmd

import (
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// judge holds the flags that say where the result goes to each other, and finds out where a file cannot be written.
func (o *renderOptions) judge() error {
	var wrong *files.NoFolder
	switch {
	case o.outDirGiven && o.outDir == "":
		return usagef("--out-dir: no folder is named")
	case o.outDir == "" && o.overwrite:
		return usagef("--overwrite goes with --out-dir: what is printed is in no file")
	case o.outDir != "" && o.values:
		return usagef("--values prints the values alone; --out-dir writes them too")
	case o.outDir != "" && errors.As(files.Folder(o.outDir), &wrong):
		return usagef("--out-dir: %w", wrong)
	}
	return nil
}

// writeFiles puts the set into the folder in the formats of the answers, and says what applies it.
func (o *renderOptions) writeFiles(progress *report.Progress, setup spec.Setup, set manifests.Set) error {
	shaped, err := set.Format(setup)
	if err != nil {
		return err
	}
	done, err := putFiles(o.outDir, shaped, o.overwrite)
	if err != nil {
		return err
	}
	result := report.Init{Files: done}
	commands := fileCommands{setup: setup, context: setup.Kubernetes.Context}.all(done)
	progress.Say(fmt.Sprintf("%d files are in %s. These commands apply them:", len(done), o.outDir))
	for _, command := range commands {
		progress.Command(command)
	}
	sayShortfalls(progress, setup)
	return result.FileTable(o.factory.Streams.Out)
}

// stream is what goes to stdout: the sides that are asked for as one YAML stream, which not every format can be part of.
func stream(setup spec.Setup, set manifests.Set) ([]byte, error) {
	format := setup.Files
	switch {
	case setup.Side.HasKubernetes() && format.Kube == spec.KubeKustomize:
		return nil, usagef("--kube-format kustomize stands beside the files that it lists; --out-dir DIR writes all of them")
	case setup.Side.HasKubernetes() && format.Kube == spec.KubeHelm:
		return nil, usagef("--kube-format helm is manifests and the values of a chart; --out-dir DIR writes both, and --values prints the values alone")
	case setup.Side.HasKubernetes() && format.Teleport == spec.TeleportTerraform && setup.Side.HasTeleport():
		return nil, usagef("--teleport-format terraform is no YAML; --side teleport prints it alone, and --out-dir DIR writes both sides")
	}
	if format.Teleport != spec.TeleportOperator && format.Teleport != spec.TeleportTerraform {
		return set.Side(setup.Side).Stream(), nil // in the order to apply, which goes from one system to the other and back
	}
	var text []byte
	if setup.Side.HasKubernetes() {
		text = set.Side(spec.SideKubernetes).Stream()
	}
	if !setup.Side.HasTeleport() {
		return text, nil
	}
	setup.Side = spec.SideTeleport
	shaped, err := set.Format(setup)
	if err != nil {
		return nil, err
	}
	for _, file := range shaped {
		if len(text) > 0 {
			text = append(text, "---\n"...)
		}
		text = append(text, file.Data...)
	}
	return text, nil
}

// valuesOf are the values of the chart that the answers leave something to.
func valuesOf(setup spec.Setup, set manifests.Set) ([]byte, error) {
	if setup.IsAgent() {
		return set.Values(), nil
	}
	setup.Side = spec.SideKubernetes
	shaped, err := set.Format(setup)
	if err != nil {
		return nil, err
	}
	for _, file := range shaped {
		if file.Path == manifests.ValuesFile {
			return file.Data, nil
		}
	}
	return nil, fmt.Errorf("there are no values in %s", setup.Files.Kube)
}
