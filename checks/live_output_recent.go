package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// backdated is how far Teleport lets a certificate begin in the past, for clocks that are behind.
const backdated = time.Minute

// handedOut is one Secret that an output writes, with what stands in it; found is nil where there is none.
type handedOut struct {
	where  string
	output tbotconfig.Output
	found  *Output
}

// handed reads all Secrets that outputs write, Argo CD's among them as far as selectors name the clusters. Those that could be read
// are returned beside an error too.
func (l *Live) handed(ctx context.Context, f *Facts) ([]handedOut, error) {
	var (
		seen     []handedOut
		failures []error
	)
	for _, secret := range l.Workload.OutputSecrets() {
		found, err := l.Output(ctx, secret.Namespace, secret.Name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		seen = append(seen, handedOut{"Secret " + secret.String(), secret.Output, found})
	}
	clusters, lacking := l.seenArgo(ctx, f)
	if lacking != nil && lacking.Status == Unknown {
		failures = append(failures, lacking.Err)
	}
	for _, s := range newest(clusters) {
		seen = append(seen, handedOut{"Secret " + s.namespace + "/" + s.name, s.output, s.found})
	}
	return seen, errors.Join(failures...)
}

func runOutputRecent(ctx context.Context, f *Facts, l *Live) Finding {
	switch {
	case l.MaxAge == 0:
		return skipped(withoutMaxAge)
	case l.Output == nil:
		return skipped("this run cannot look into Secrets")
	}
	seen, err := l.handed(ctx, f)
	finding, shown := judgeRecent(l.Workload, seen, l.MaxAge, l.serverNow(ctx))
	switch {
	case finding.Status == Fail:
		// What is contrary weighs more than what could not be looked at beside it.
		return finding
	case err != nil:
		return unknown(err)
	case shown:
		return finding
	}
	return withoutCertificate(finding, l.readyz(ctx))
}

// judgeRecent tells of the first Secret that is not as it should be. shown is false where no certificate could be looked at.
func judgeRecent(w Workload, seen []handedOut, maxAge time.Duration, now time.Time) (finding Finding, shown bool) {
	var made []string
	for _, s := range seen {
		if !carriesCertificate(s.output) {
			continue
		}
		if why := s.contrary(maxAge, now); why != "" {
			return w.notRecent(s, why, maxAge), true
		}
		made = append(made, fmt.Sprintf("%s: made %s ago", s.where, roundly(s.age(now))))
	}
	observed := strings.Join(append(made, w.unseen(seen)...), "; ")
	if len(made) == 0 {
		return skipped(observed), false
	}
	return passed(observed), true
}

// contrary is what keeps a Secret from showing that tbot works; empty where nothing does.
func (s handedOut) contrary(maxAge time.Duration, now time.Time) string {
	switch {
	case s.found == nil:
		return "does not exist"
	case s.found.Certificate == nil:
		return "holds no certificate that can be read: " + s.found.Problem
	case now.After(s.found.Certificate.NotAfter):
		return "holds a certificate that ended " + roundly(now.Sub(s.found.Certificate.NotAfter)) + " ago"
	case s.found.Certificate.NotBefore.After(now.Add(backdated)):
		return "holds a certificate that begins in " + roundly(s.found.Certificate.NotBefore.Sub(now)) + ": a clock is wrong"
	case s.age(now) > maxAge:
		return "holds a certificate that was made " + roundly(s.age(now)) + " ago"
	}
	return ""
}

// age is that of the certificate alone: managed fields also move when tbot writes a label.
func (s handedOut) age(now time.Time) time.Duration {
	return max(now.Sub(s.found.Certificate.NotBefore)-backdated, 0)
}

// notRecent also tells of a bound that tbot cannot keep by its own configuration.
func (w Workload) notRecent(s handedOut, why string, maxAge time.Duration) Finding {
	finding := Finding{
		Status: Fail, Observed: s.where + " " + why, Expected: "a certificate made at most " + roundly(maxAge) + " ago by " + describe(s.output),
		Fix: w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name),
	}
	if interval := w.interval(s.output); interval >= maxAge {
		finding.Expected += fmt.Sprintf("; it is renewed every %s only, so --max-age should be more than that", roundly(interval))
	}
	return finding
}

// unseen are the outputs that go where nobody but the pod can look, in words.
func (w Workload) unseen(seen []handedOut) []string {
	if len(w.Config.Outputs) == 0 {
		return []string{"tbot.yaml has no output"}
	}
	var words []string
	for _, output := range w.Config.Outputs {
		destination, held := tbotconfig.DestinationOf(output)
		switch {
		case !carriesCertificate(output):
			words = append(words, describe(output)+" is not read here")
		case held && destination.Type != tbotconfig.DestinationSecret:
			words = append(words, fmt.Sprintf("%s goes to %s, which is not seen from here", describe(output), spec.Quote(destination.Type)))
		case !held && len(w.argoOutputs()) > 0:
			_, is := output.(*tbotconfig.ArgoCD)
			if is && !slices.ContainsFunc(seen, func(s handedOut) bool { return s.output == output }) {
				words = append(words, describe(output)+" selects by labels, so its Secrets are not known here")
			}
		}
	}
	return words
}

// withoutCertificate is for a setup whose outputs are not seen from here: then /readyz has to show the join, or nothing does.
func withoutCertificate(finding Finding, ready readiness) Finding {
	if ready.joined {
		return finding
	}
	finding.Status, finding.Err = Unknown, ready.finding.Err
	finding.Observed += "; and /readyz does not show a join: " + ready.finding.Observed
	finding.Expected = "a certificate in a Secret, or a /readyz of tbot 17.5 or newer"
	return finding
}
