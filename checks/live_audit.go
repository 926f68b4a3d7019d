package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// The checks of what Teleport itself has written down.
const (
	LastJoin       ID = "TBC901"
	InstanceRecent ID = "TBC902"
)

func auditChecks() []Check {
	return []Check{{
		ID: LastJoin, Category: CategoryAudit, Stage: Diagnosis, Symptom: true, Title: "Teleport let the last join in",
		Problems: []string{"P01", "P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "P11", "P12", "P13", "P16", "P17", "P18", "P37", "P42"},
		Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
			joins, lacking := fetched(ctx, l.Joins, withoutLogin)
			if lacking != nil {
				return byInstance(ctx, l, *lacking)
			}
			event, found := newestJoin(joins, l.Workload.account())
			known := Known{}
			if found && !event.Success {
				known = l.known(ctx, f)
			}
			finding := judgeLastJoin(l.Workload, joins, known, l.serverNow(ctx))
			if finding.Status == Pass && f.Proxy != nil {
				if proxy, err := f.Proxy(ctx); err == nil && semver.Compare("v"+proxy.Version, "v17.0.0-0") < 0 {
					finding.Observed += "; Teleport " + proxy.Version + " logs no join that it refused"
				}
			}
			return finding
		}),
	}, {
		ID: InstanceRecent, Category: CategoryAudit, Stage: Diagnosis, Needs: []ID{ConfigReads}, Symptom: true, Title: "Teleport let the bot instance of this service account in lately",
		Run: configured(runInstanceRecent),
	}}
}

// newestJoin is the newest event of the service account, or of one that the event does not name: somebody else's attempts with the
// same join token say nothing of this one.
func newestJoin(joins []JoinEvent, account string) (JoinEvent, bool) {
	own := strings.Replace(account, ":", "/", 1)
	var newest JoinEvent
	found := false
	for _, event := range joins {
		if event.ServiceAccount != "" && event.ServiceAccount != own {
			continue
		}
		if !found || event.Time.After(newest.Time) {
			newest, found = event, true
		}
	}
	return newest, found
}

// judgeLastJoin quotes Teleport's own reason, which it may have hidden from who joined (field-notes 0 item 3).
func judgeLastJoin(w Workload, joins []JoinEvent, known Known, now time.Time) Finding {
	event, found := newestJoin(joins, w.account())
	switch {
	case !found && len(joins) > 0:
		return skipped(fmt.Sprintf("the audit log holds no join of service account %s, and %d of others by the same join token or bot", w.account(), len(joins)))
	case !found:
		return skipped("the audit log holds no join by this join token or bot")
	case !event.Success:
		who := w.account()
		if event.ServiceAccount != "" {
			who = strings.Replace(event.ServiceAccount, "/", ":", 1)
		}
		return tell(forLive(w, JudgeRefusal(event.Error, known), known), fmt.Sprintf("Teleport says of service account %s at %s", who, stamp(event.Time)))
	}
	return judgeSeen(w, "joined as "+spec.Quote(event.Bot), event.Time, now)
}

// judgeSeen warns of a join that is too long ago for a tbot which joins again at each renewal (teleport-facts 2.9).
func judgeSeen(w Workload, what string, at, now time.Time) Finding {
	observed := fmt.Sprintf("%s at %s", what, stamp(at))
	interval := w.Config.RenewalInterval
	if interval <= 0 {
		interval = tbotconfig.DefaultRenewalInterval
	}
	if ago := now.Sub(at); ago > 2*interval+time.Minute {
		return Finding{
			Status: Warn, Observed: fmt.Sprintf("%s, %s ago", observed, ago.Truncate(time.Minute)), Expected: "a join every " + interval.String(),
			Fix: w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name),
		}
	}
	return passed(observed)
}

// byInstance asks the bot instance where the audit log may not be read.
func byInstance(ctx context.Context, l *Live, lacking Finding) Finding {
	if l.Instance == nil {
		return lacking
	}
	instance, err := l.Instance(ctx)
	if err != nil || instance == nil {
		return lacking
	}
	return judgeSeen(l.Workload, "bot instance "+instance.GetSpec().GetInstanceId()+" joined", lastSeen(instance), l.serverNow(ctx))
}

// lastSeen is the last time that an instance was let in.
func lastSeen(instance *machineidv1.BotInstance) time.Time {
	last := instance.GetStatus().GetInitialAuthentication().GetAuthenticatedAt().AsTime()
	for _, one := range instance.GetStatus().GetLatestAuthentications() {
		if at := one.GetAuthenticatedAt().AsTime(); at.After(last) {
			last = at
		}
	}
	return last
}
