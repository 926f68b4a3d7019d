package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// judgeFiles finds out before anything is asked of a cluster where a file cannot be written.
func (o *initOptions) judgeFiles() error {
	var wrong *files.NoFolder
	if o.save != "" && o.save != "-" && errors.As(files.Replaceable(o.save), &wrong) {
		return usagef("--save: %w", wrong)
	}
	switch {
	case o.outDirGiven && o.outDir == "":
		return usagef("--out-dir: no folder is named")
	case o.outDir == "" && !o.setup.Files.Plain() && !o.guides(): // a person may still choose files
		return usagef("--kube-format and --teleport-format are shapes of files and go with --out-dir: what init applies is in none")
	case o.outDir == "" && o.overwrite && !o.setup.IsAgent():
		return usagef("--overwrite goes with --out-dir: what init applies is not in files")
	case o.outDir != "" && errors.As(files.Folder(o.outDir), &wrong):
		return usagef("--out-dir: %w", wrong)
	}
	return nil
}

// filesOnly tells that this run writes files and applies nothing.
func (o *initOptions) filesOnly() bool { return o.outDir != "" }

// withoutWrites makes the checks those of a run that writes to neither cluster: it takes no rights, and a Teleport login only helps
// to compare.
func (r *initRun) withoutWrites(ctx context.Context, selected []checks.Check, facts *checks.Facts) {
	facts.KubernetesNeeds, facts.TeleportNeeds = nil, nil
	_, err := r.clusters.admin(ctx)
	if !teleport.Is(err, teleport.NotLoggedIn) {
		return
	}
	for i := range selected {
		if selected[i].ID == checks.TeleportLogin {
			selected[i].Run = func(context.Context, *checks.Facts) checks.Finding {
				return checks.Finding{Status: checks.Skip, Observed: "files can be written without one: " + err.Error()}
			}
		}
	}
}

// writeFiles goes on where init would ask and apply: it compares as far as it may look, and writes the files.
func (r *initRun) writeFiles(ctx context.Context) error {
	set, err := manifests.Render(r.setup)
	if err != nil {
		return err
	}
	if r.result.Plan, err = r.compareForFiles(ctx, set); err != nil {
		return err
	}
	r.sayPlan(ctx, r.result.Plan)
	if err := errors.Join(conflicts(r.foreign(r.result.Plan)), r.refused(r.result.Plan)); err != nil {
		return err
	}
	r.progress.Head("Files")
	if err := r.putFiles(ctx, set); err != nil {
		return err
	}
	r.sayFiles()
	r.sayManagers(r.result.Plan)
	return nil
}

// putFiles writes the set to the folder, whole or not at all.
func (r *initRun) putFiles(ctx context.Context, set manifests.Set) error {
	shaped, err := set.Of(r.setup.Side).Format(r.setup)
	if err != nil {
		return err
	}
	if r.result.Files, err = putFiles(r.outDir, shaped, r.overwrite); err != nil {
		return err
	}
	r.result.Next = r.commands().all(r.result.Files)
	return r.putRequest(ctx, false)
}

// sayFiles says what was written, and who applies it how.
func (r *initRun) sayFiles() {
	for _, file := range r.result.Files {
		if file.Action == files.Same {
			r.progress.Say(file.Path + " held the same already and was left alone.")
		}
	}
	r.progress.Say(fmt.Sprintf("%d files are in %s, and nothing was applied. These commands do:", len(r.result.Files), r.outDir))
	for _, command := range r.result.Next {
		r.progress.Command(command)
	}
	sayShortfalls(r.progress, r.setup)
}

func wayOut(inTheWay *files.InTheWay) string {
	if len(inTheWay.Differ) > 0 {
		return "; --overwrite replaces files that differ"
	}
	return ""
}

// compareForFiles compares with what is there, each cluster as far as the logins allow it: the files need neither.
func (r *initRun) compareForFiles(ctx context.Context, set manifests.Set) (plan.Plan, error) {
	r.progress.Looking("comparing with what is there")
	r.looks = true
	var planned plan.Plan
	var unseen []plan.Item
	for _, side := range []spec.Side{spec.SideKubernetes, spec.SideTeleport} {
		if r.setup.Side != spec.SideBoth && r.setup.Side != side {
			continue
		}
		part, err := r.compareSide(ctx, set, side)
		if cannotLook(err) {
			r.progress.Warn(fmt.Sprintf("the files for %s are not compared with what is there: %v", side, err))
			for _, resource := range set.Side(side) {
				unseen = append(unseen, plan.Item{Resource: resource, Action: plan.Unseen, Owner: "not looked at"})
			}
			continue
		}
		if err != nil {
			return planned, err
		}
		planned.Items = append(planned.Items, part.Items...)
	}
	planned = r.judgeUnseen(planned).Allow(r.takeOver, r.forceConflicts)
	planned.Items = append(planned.Items, unseen...)
	compared, err := r.withTargets(ctx, set, planned)
	if cannotLook(err) {
		r.progress.Warn(fmt.Sprintf("the files for the clusters of --target-context are not compared with what is there: %v", err))
		return planned, nil
	}
	return compared, err
}

func (r *initRun) compareSide(ctx context.Context, set manifests.Set, side spec.Side) (planned plan.Plan, err error) {
	var reader plan.Teleport
	if side.HasTeleport() {
		if reader, err = r.reader(ctx); err != nil {
			return planned, err
		}
	}
	return plan.Compute(ctx, set.Side(side), r.setup.InstallID(), r.compared(r.clusters.kube), reader)
}

// cannotLook tells a login that is missing or too weak, or that an admission policy stands before, from trouble.
func cannotLook(err error) bool {
	return kube.Is(err, kube.Forbidden) || kube.Is(err, kube.Refused) || teleport.Is(err, teleport.NotLoggedIn) || teleport.Is(err, teleport.Denied)
}

// foreign says of fields that another manager holds, and leaves the rest of the conflicts: whoever applies the files may be that
// manager.
func (r *initRun) foreign(planned plan.Plan) plan.Plan {
	var rest plan.Plan
	for _, item := range planned.Items {
		if item.Action == plan.Conflict && item.Reason == plan.HeldFields {
			r.progress.Warn(fmt.Sprintf("%s: %s; whoever else applies the file needs --force-conflicts", item.Resource.ID(), item.Owner))
			continue
		}
		rest.Items = append(rest.Items, item)
	}
	return rest
}

// commands are those of this run's clusters.
func (o *initOptions) commands() fileCommands {
	c := fileCommands{setup: o.setup, kubeconfig: o.kubeconfig}
	if !o.inPod() {
		c.context = o.setup.Kubernetes.Context
	}
	return c
}

// pasted makes a path one that no command takes for a flag.
func pasted(path string) string {
	here := "." + string(filepath.Separator)
	if filepath.IsAbs(path) || strings.HasPrefix(path, "."+here) {
		return path
	}
	return here + path
}

// saveAnswers keeps the answers where --save asks for it. That they are not kept undoes nothing.
func (r *initRun) saveAnswers() error {
	if r.save == "" || r.setup.Resolved == nil {
		return nil
	}
	var text strings.Builder
	if err := spec.Save(&text, r.setup); err != nil {
		return err
	}
	if r.save == "-" {
		_, err := r.factory.Streams.Out.Write([]byte(text.String()))
		return err
	}
	err := files.Replace(r.save, []byte(text.String()))
	if err == nil {
		return nil
	}
	if len(r.result.Written) > 0 {
		return fmt.Errorf("--save: %w; the answers are not kept, what was applied stands", err)
	}
	return fmt.Errorf("--save: %w; the answers are not kept", err)
}
