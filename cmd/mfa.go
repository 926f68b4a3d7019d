package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tctl"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// errTouch is the cause where a touch is wanted that nobody here can be asked for; exit code 3, as for a right that is missing.
var errTouch = &teleport.Error{
	Kind: teleport.MFARequired, Doing: "writing to Teleport",
	Err: errors.New("this cluster wants admin actions confirmed by a touch of a hardware key"),
}

// reader is the Teleport cluster as a plan reads it: never so that somebody has to touch a key for a look.
func (s *session) reader(ctx context.Context) (plan.Teleport, error) {
	admin, err := s.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	// Where neither preference nor proxy says, the first read that is refused for want of a touch does.
	wanted, err := admin.AdminMFA(ctx, s.clusters.target)
	s.touch = err == nil && wanted
	return &touchless{Teleport: admin, touch: &s.touch}, ctx.Err()
}

// errUntouched says what it would take to read a token.
var errUntouched = fmt.Errorf("%w without a touch", plan.ErrUnseen)

// touchless leaves tokens unread where reading one takes a touch (teleport-facts 5.4, field-notes P34).
type touchless struct {
	plan.Teleport
	touch *bool
}

func (t *touchless) Token(ctx context.Context, name string) (*types.ProvisionTokenV2, error) {
	if *t.touch {
		return nil, errUntouched
	}
	token, err := t.Teleport.Token(ctx, name)
	if teleport.Is(err, teleport.MFARequired) {
		*t.touch = true
		return nil, errUntouched
	}
	return token, err
}

// judgeUnseen takes a token that was not read for somebody else's, unless it is known to be ours: by its name, which was derived
// from this cluster, or by a bot of ours beside it.
func (s *session) judgeUnseen(planned plan.Plan) plan.Plan {
	derived := s.setup.Teleport.TokenName == s.setup.Name+"-"+s.setup.Resolved.ClusterID
	ours := slices.ContainsFunc(planned.Items, func(item plan.Item) bool {
		return item.Resource.Bot != nil && (item.Action == plan.Same || item.Action == plan.Update)
	})
	if derived || ours {
		return planned
	}
	return planned.Settle(plan.Conflict, "somebody else's, perhaps: "+errUntouched.Error(), plan.Foreign)
}

// planTouch decides, before anything is written, how the Teleport side is written where that takes a touch: by the tctl on PATH
// with its user at the terminal, or from a file by somebody else. A setup that works as it is needs neither.
func (r *initRun) planTouch(ctx context.Context, set manifests.Set) error {
	why, err := r.settleTouch(ctx)
	if why == "" || err != nil {
		return err
	}
	return r.leave(set, why+": nothing was applied, on neither side", errTouch, "Then repeat this command, which goes on from there.", "")
}

// settleTouch is planTouch without the file; why says why nothing can be written from here.
func (r *initRun) settleTouch(ctx context.Context) (why string, err error) {
	if !r.touch {
		return "", ctx.Err()
	}
	leaveToken := func(why string) (string, error) {
		r.result.Plan = r.result.Plan.Settle(plan.Same, "", "")
		r.progress.Say(why)
		return "", ctx.Err()
	}
	if r.prove == proveAuto && r.result.Plan.Only(plan.Unseen) && !r.setup.IsAgent() {
		if _, err := r.evidence(ctx); err == nil {
			return leaveToken("The token was not looked at, which would take a touch: it works.")
		}
	}
	if len(toWrite(r.result.Plan)) == 0 {
		return "", ctx.Err()
	}
	path, why := r.lookForTctl()
	botStands := !slices.ContainsFunc(toWrite(r.result.Plan), func(resource manifests.Resource) bool { return resource.Token == nil })
	switch {
	case why == "":
		r.tctl = path
		r.progress.Say("This cluster wants admin actions confirmed with a hardware key: bot and token are written by " + path +
			", which will ask for one touch.")
		return "", ctx.Err()
	case r.setup.IsAgent() && r.prove != proveNever && r.setup.Side.HasKubernetes():
		return leaveToken(fmt.Sprintf("This cluster wants admin actions confirmed with a hardware key, and %s. "+
			"The token is left as it is: the proof shows whether it admits this service account.", why))
	case botStands && r.prove != proveNever && r.setup.Side.HasKubernetes():
		return leaveToken(fmt.Sprintf("This cluster wants admin actions confirmed with a hardware key, and %s. "+
			"The bot is there, so the token is left as it is: the proof shows whether it admits this service account.", why))
	}
	return "this cluster wants admin actions confirmed with a hardware key, and " + why, ctx.Err()
}

// lookForTctl finds who can ask for a touch; why says why nobody can.
func (r *initRun) lookForTctl() (path, why string) {
	if !r.terminal() {
		return "", "without a terminal nobody can be asked for it"
	}
	path, err := r.factory.Tctl()
	if err != nil {
		return "", "there is no tctl on PATH that could ask for it"
	}
	return path, ""
}

// toWrite are the Teleport resources that a plan writes.
func toWrite(planned plan.Plan) manifests.Set {
	var set manifests.Set
	for _, item := range planned.Items {
		if item.Resource.System == manifests.Teleport && item.Action != plan.Same {
			set = append(set, item.Resource)
		}
	}
	return set
}

// teleportWriter is who writes to Teleport. The run's own context bounds tctl, not that of a single write: a person looks for
// the key, and Ctrl-C has to end it.
func (r *initRun) teleportWriter(ctx context.Context, admin apply.Teleport) apply.Teleport {
	if r.tctl == "" {
		return admin
	}
	login := r.clusters.login
	hand := tctl.Tctl{
		Path: r.tctl, Proxy: r.setup.Teleport.Proxy, IdentityFile: login.IdentityFile, ProfileDir: login.ProfileDir,
		ProxyCA: r.setup.Teleport.ProxyCA, Insecure: r.insecure, In: r.factory.Streams.In, Out: r.factory.Streams.Err,
	}
	replace := slices.ContainsFunc(r.result.Plan.Items, func(item plan.Item) bool {
		return item.Resource.Token == nil && item.Resource.System == manifests.Teleport && item.Action == plan.Update
	})
	return &tctl.Writer{All: func() error {
		r.progress.Say("tctl says:")
		err := r.outside(func() error { return hand.Create(ctx, toWrite(r.result.Plan), replace) })
		var failed *tctl.Failed
		if errors.As(err, &failed) {
			return &findingError{text: err.Error(), causes: []error{failed}}
		}
		return err
	}}
}

// touchAfterAll leaves the Teleport side in a file where only the write itself showed that a touch is wanted.
func (r *initRun) touchAfterAll(set manifests.Set, err error) error {
	var refused *tbot.Refused
	if r.touch && r.tctl == "" && r.setup.IsAgent() && errors.As(err, &refused) {
		// There is no bot that tells of an earlier run, so only the proof shows that the token has still to be written.
		return r.leave(set, "this cluster wants admin actions confirmed with a hardware key, and Teleport does not let the agent in by the token as it is", err,
			"Then repeat this command, which goes on from there.", "")
	}
	if !teleport.Is(err, teleport.MFARequired) {
		return err
	}
	return r.leave(set, err.Error(), err, "Then repeat this command, which goes on from there.", "")
}
