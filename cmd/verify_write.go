package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// mayWrite refuses a folder that already holds something: nothing of anybody's is written over, and nothing is mixed with it.
func (r *verifyRun) mayWrite() error {
	if err := files.Folder(r.write); err != nil {
		return usagef("--write: %w", err)
	}
	switch held, err := os.ReadDir(r.write); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usagef("--write: %w", err)
	case len(held) > 0:
		return usagef("--write: folder %s is not empty; name a new one", spec.Quote(r.write))
	}
	return nil
}

// configured is the tbot.yaml of this run: the pod's, or, with --write, one that puts each output into a folder of its own, with
// kubeconfigs that need no tbot.
func (r *verifyRun) configured() tbotconfig.Config {
	config := r.workload.Config
	if r.write == "" {
		return config
	}
	outputs := config.Outputs
	config.Outputs = make([]tbotconfig.Output, len(outputs))
	for i, output := range outputs {
		to := tbotconfig.Directory(r.folder(i))
		switch o := output.(type) {
		case *tbotconfig.Identity:
			written := *o
			written.Destination, output = to, &written
		case *tbotconfig.Kubernetes:
			written := *o
			written.Destination, written.DisableExecPlugin, output = to, true, &written
		case *tbotconfig.KubernetesV2:
			written := *o
			written.Destination, written.DisableExecPlugin, output = to, true, &written
		}
		config.Outputs[i] = output
	}
	return config
}

// folder is where an output goes with --write.
func (r *verifyRun) folder(output int) string {
	return filepath.Join(r.write, strings.ReplaceAll(r.workload.Config.NameOf(output), "/", "-"))
}

// meant gives the outputs back the destinations that the pod's tbot.yaml says.
func (r *verifyRun) meant(joined tbot.Result) tbot.Result {
	joined.Outputs = slices.Clone(joined.Outputs)
	for i := range joined.Outputs {
		joined.Outputs[i].Destination, _ = tbotconfig.DestinationOf(r.workload.Config.Outputs[i])
	}
	return joined
}

// writeOut writes, with --write, what came of the outputs, and tells which is in which folder and till when it is good. Argo CD's
// Secrets are for a cluster and are written nowhere.
func (r *verifyRun) writeOut(ctx context.Context, joined tbot.Result) error {
	if r.write == "" {
		return nil
	}
	r.result.Written = map[string]string{}
	for i, output := range joined.Outputs {
		if output.Artifacts == nil {
			continue
		}
		if err := (tbot.Destinations{}).Write(ctx, output); err != nil {
			return fmt.Errorf("--write: output %s: %w", output.Name, err)
		}
		r.result.Written[output.Name] = r.folder(i)
		if ends := output.Identity.NotAfter; r.result.Until.IsZero() || ends.Before(r.result.Until) {
			r.result.Until = ends
		}
	}
	return nil
}
