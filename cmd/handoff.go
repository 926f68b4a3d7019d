package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
)

// asking says whom the checks before ask.
func (r *initRun) asking() string {
	switch r.setup.Side {
	case spec.SideKubernetes:
		return "asking the Kubernetes cluster, and the proxy what it tells everybody"
	case spec.SideTeleport:
		return "asking Teleport"
	case spec.SideBoth:
	}
	return "asking both clusters"
}

// sayAsked tells the join type and why it is that one; who does the Teleport side is shown what the other side asks for.
func (r *initRun) sayAsked(ctx context.Context, choice issuer.Choice) error {
	if r.setup.Side.HasKubernetes() {
		r.sayChoice(choice)
		return nil
	}
	r.sayRequest()
	return r.issuerAgrees(ctx)
}

// agree asks a person at a terminal for a yes to the other side's request; what one wants for oneself is asked by the wizard.
func (r *initRun) agree(ctx context.Context) error {
	if r.setup.Side.HasKubernetes() || !r.terminal() || !r.result.Plan.Changed() {
		return nil
	}
	return r.confirm(ctx, "Grant this?", "applied")
}

// refusedJoin tells a join that Teleport has turned down.
func refusedJoin(err error) bool {
	var refused *tbot.Refused
	return errors.As(err, &refused)
}

// askOther says, where Teleport did not let the Kubernetes side in, what the other side has to do for it.
func (r *initRun) askOther(ctx context.Context, err error) error {
	if r.setup.Side != spec.SideKubernetes || !refusedJoin(err) || ctx.Err() != nil {
		return err
	}
	if unwritten := r.putRequest(ctx, true); unwritten != nil {
		return errors.Join(err, unwritten)
	}
	grant := r.grantLine()
	r.result.Next = []string{grant}
	return &findingError{causes: []error{err}, text: strings.Join([]string{
		fmt.Sprintf("%v; nothing that joins was deployed.", err),
		fmt.Sprintf("What the Teleport side has to grant is in %s. Whoever may, there, runs:", r.result.Request.Path),
		"  " + grant,
		"Then repeat this command, which goes on from there; --wait-teleport 10m waits for it. Where it was granted already, the cause above says what is wrong.",
	}, "\n")}
}

// waiting says what is waited for, and how to have it done, before the first look.
func (r *initRun) waiting(ctx context.Context) error {
	if r.waitTeleport == 0 {
		return nil
	}
	if err := r.putRequest(ctx, true); err != nil {
		return err
	}
	r.progress.Say(fmt.Sprintf("Waiting up to %s for the Teleport side, where somebody runs:", r.waitTeleport))
	r.progress.Command(r.grantLine())
	r.waitUntil = r.factory.Now().Add(r.waitTeleport)
	return nil
}

// waitsFor tells how long a refusal may still be for want of the other side; zero where nobody waits for it.
func (r *initRun) waitsFor(err error) time.Duration {
	if !refusedJoin(err) || r.waitUntil.IsZero() {
		return 0
	}
	return max(r.waitUntil.Sub(r.factory.Now()), 0)
}

// proveWaiting repeats a proof whose token has been presented for long enough, until the other side is done or the wait is over.
func (r *initRun) proveWaiting(ctx context.Context, prove func(context.Context) (proof.Result, error)) (proof.Result, error) {
	for {
		proven, err := prove(ctx)
		if err == nil || ctx.Err() != nil || r.waitsFor(err) == 0 {
			return proven, err
		}
	}
}

// about is a span of time that a log is not filled with: it changes once a minute.
func about(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
