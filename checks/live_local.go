package checks

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ClocksAgree is the check of the clocks.
const ClocksAgree ID = "TBC001"

// Whose clocks take part.
const (
	clockKubernetes = "API server"
	clockTeleport   = "Teleport proxy"
	clockIssuer     = "issuer"
)

func localChecks() []Check {
	return []Check{{
		ID: ClocksAgree, Category: CategoryLocal, Stage: Diagnosis, Problems: []string{"P37"}, Title: "the clocks of both clusters agree",
		Run: lived(func(ctx context.Context, _ *Facts, l *Live) Finding {
			clocks, lacking := fetched(ctx, l.Clocks, "this run cannot ask for the time")
			if lacking != nil {
				return *lacking
			}
			return judgeClocks(clocks)
		}),
	}}
}

// How far apart the clocks may be. Teleport forgives a token from the future ten seconds (field-notes P37); a kubelet renews a token of ten
// minutes when two are left. A Date header tells time to a second.
const (
	leeway     = 10 * time.Second
	lastOfLife = 2 * time.Minute
	ownLeeway  = time.Minute
)

// judgeClocks looks at the two clocks that a join hangs on. That of this machine bears upon what is judged here, and upon nothing that
// the pod does.
func judgeClocks(clocks []Clock) Finding {
	known, errs := map[string]time.Duration{}, map[string]error{}
	for _, clock := range clocks {
		if clock.Err != nil {
			errs[clock.Whose] = clock.Err
			continue
		}
		known[clock.Whose] = clock.Ahead
	}
	for _, whose := range []string{clockKubernetes, clockTeleport} {
		if _, seen := known[whose]; seen {
			continue
		}
		finding := Finding{Status: Unknown, Observed: "the clock of the " + whose + " could not be read", Err: errs[whose]}
		if errs[whose] != nil {
			finding.Observed += ": " + errs[whose].Error()
		}
		return finding
	}
	kubernetes, teleport := known[clockKubernetes], known[clockTeleport]
	apart := kubernetes - teleport
	finding := Finding{
		Observed: "the API server's clock is " + aheadOf(apart) + " the Teleport proxy's",
		Expected: "at most " + leeway.String() + " apart", Fix: mendClock(kubernetes, teleport),
	}
	third := ""
	if issuer, seen := known[clockIssuer]; seen {
		third = witness(issuer, kubernetes, teleport)
	}
	switch {
	case apart > leeway:
		finding.Status = Fail
		finding.Observed += ", so Teleport takes fresh tokens for tokens from the future"
	case apart < -lastOfLife:
		finding.Status = Fail
		finding.Observed += ", so Teleport takes tokens for expired that are not"
	case apart < -leeway:
		finding.Status = Warn
	case min(kubernetes.Abs(), teleport.Abs()) > ownLeeway:
		return Finding{
			Status: Warn, Observed: "both clusters agree, and this machine's clock is " + aheadOf(-teleport) + " theirs", Expected: "the same time",
			Fix: "timedatectl set-ntp true",
		}
	default:
		return passed("API server and Teleport proxy are " + roundly(apart.Abs()) + " apart")
	}
	finding.Observed += third
	return finding
}

// witness says with whom the issuer's clock agrees. No join hangs on it, but it tells which of the two others is wrong.
func witness(issuer, kubernetes, teleport time.Duration) string {
	withKubernetes, withTeleport := (issuer-kubernetes).Abs() <= leeway, (issuer-teleport).Abs() <= leeway
	switch {
	case withKubernetes && !withTeleport:
		return "; the issuer's clock agrees with the API server's"
	case withTeleport && !withKubernetes:
		return "; the issuer's clock agrees with the Teleport proxy's"
	}
	return ""
}

// mendClock says where to look: at the clock that this machine, too, does not agree with.
func mendClock(kubernetes, teleport time.Duration) string {
	const command = "timedatectl set-ntp true, on the hosts of the "
	switch {
	case teleport.Abs() <= leeway:
		return command + "API server; then new pods get new tokens: kubectl rollout restart of the Deployment"
	case kubernetes.Abs() <= leeway:
		return command + "Teleport Auth Service and Proxy Service"
	}
	return command + "API server and of Teleport"
}

func aheadOf(ahead time.Duration) string {
	if ahead < 0 {
		return roundly(-ahead) + " behind"
	}
	return roundly(ahead) + " ahead of"
}

// roundly is a duration for people, to the second: "1h5m", "2m10s".
func roundly(d time.Duration) string {
	text := d.Round(time.Second).String()
	if d >= time.Minute {
		text = strings.TrimSuffix(text, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(text, "m0s")]
	}
	if d >= time.Hour && strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if d >= 72*time.Hour {
		text = fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return text
}
