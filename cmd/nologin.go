package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// onlyLoginFails tells a run to which nothing but a Teleport login is missing.
func onlyLoginFails(results []checks.Result) bool {
	failed := slices.Collect(func(yield func(checks.Result) bool) {
		for _, result := range results {
			if result.Finding.Status == checks.Fail && !yield(result) {
				return
			}
		}
	})
	return len(failed) == 1 && failed[0].Check.ID == checks.TeleportLogin && teleport.Is(failed[0].Finding.Err, teleport.NotLoggedIn)
}

// withoutLogin goes as far as one gets without a login: everything is looked up and rendered, the Teleport side is left in a file
// for whoever may make it, and nothing is applied on either side.
func (r *initRun) withoutLogin(ctx context.Context, cause error) error {
	resolved, err := r.resolve(ctx, r.refresh)
	r.result.Setup, r.result.Choice, r.result.Public = r.setup, resolved.choice, resolved.public
	if err != nil {
		return errors.Join(cause, err)
	}
	if err := r.sayAsked(ctx, resolved.choice); err != nil {
		return errors.Join(cause, err)
	}
	set, err := manifests.Render(r.setup)
	if err != nil {
		return errors.Join(cause, err)
	}
	again := "Or log in and repeat this command, which then does the whole"
	var failed *teleport.Error
	if errors.As(cause, &failed) && failed.Fix != "" {
		return r.leave(set, "without a Teleport login nothing was applied, on neither side", cause, again+":", failed.Fix)
	}
	return r.leave(set, "without a Teleport login nothing was applied, on neither side", cause, again+", with --identity FILE.", "")
}

// leave writes the Teleport side of the set to a file for whoever may make it, and returns the error that says how to go on: by
// whom it is made, and what then. then is a command, or empty.
func (r *initRun) leave(set manifests.Set, why string, cause error, further, then string) error {
	left := &findingError{causes: []error{cause}}
	path, err := leaveFile(fmt.Sprintf("tbotctl-%s-%s", r.setup.Name, r.setup.Resolved.ClusterID), set)
	if err != nil {
		left.text = fmt.Sprintf("%s; and the file for the Teleport side could not be written: %v", why, err)
		left.causes = append(left.causes, err)
		return left
	}
	n := r.setup.Names()
	command, what := "tctl create -f "+path, fmt.Sprintf("bot %s and token %s are", n.Bot, n.Token)
	if r.setup.IsAgent() {
		what = fmt.Sprintf("token %s is", n.Token)
	}
	lines := []string{
		fmt.Sprintf("%s; %s left in %s.", why, what, path),
		"Somebody who may make them on the cluster runs:", "  " + command, further,
	}
	r.result.Next = []string{command}
	if then != "" {
		lines = append(lines, "  "+then)
		r.result.Next = append(r.result.Next, then)
	}
	left.text = strings.Join(lines, "\n")
	return left
}

// leaveFile writes the Teleport side below folder, which only its owner can enter, in the working directory. A file that is there
// and holds the same is as good; one that differs is somebody's and stays. The path begins with ./, so that it can be copied.
func leaveFile(folder string, set manifests.Set) (path string, err error) {
	var all []files.File
	for _, file := range set.Side(spec.SideTeleport).Files() {
		all = append(all, files.File{Path: folder + "/" + file.Path, Data: file.Data})
	}
	if len(all) != 1 {
		return "", fmt.Errorf("the Teleport side has %d files, not one", len(all))
	}
	done, err := files.Write(".", all, files.Options{Private: true})
	var inTheWay *files.InTheWay
	if errors.As(err, &inTheWay) {
		return "", fmt.Errorf("%w; it was not overwritten, move it away", err)
	}
	if err != nil {
		return "", err
	}
	return pasted(done[0].Path), nil
}
