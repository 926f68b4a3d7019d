package tbot_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// What tbot does at its start, tried before it starts, with nothing secret in it.
func TestRehearse(t *testing.T) {
	t.Parallel()
	elsewhere := tbotconfig.Secret("out")
	elsewhere.Namespace, elsewhere.Labels = "other", map[string]string{"team": "a"}
	forbidden := errors.New("forbidden")
	for name, row := range map[string]struct {
		to      tbotconfig.Destination
		d       tbot.Destinations
		want    []tbot.Rehearsal
		written string
	}{
		"memory":         {to: tbotconfig.Memory()},
		"a directory":    {to: tbotconfig.Directory("/opt/out"), want: []tbot.Rehearsal{{Place: "directory /opt/out", Untested: "a directory in the pod: not tested from here"}}},
		"a Secret":       {to: tbotconfig.Secret("out"), d: tbot.Destinations{Secrets: &secrets{version: "7"}, Namespace: "ci"}, want: []tbot.Rehearsal{{Place: "Secret ci/out"}}, written: "ci/out@7"},
		"of a namespace": {to: elsewhere, d: tbot.Destinations{Secrets: &secrets{}, Namespace: "ci"}, want: []tbot.Rehearsal{{Place: "Secret other/out"}}, written: "other/out@"},
		"not readable":   {to: elsewhere, d: tbot.Destinations{Secrets: &secrets{readErr: forbidden}}, want: []tbot.Rehearsal{{Place: "Secret other/out", Err: forbidden}}},
		"a conflict":     {to: elsewhere, d: tbot.Destinations{Secrets: &secrets{version: "stale"}}, want: []tbot.Rehearsal{{Place: "Secret other/out", Err: errConflict}}},
		"no cluster":     {to: elsewhere, want: []tbot.Rehearsal{{Place: "Secret other/out", Untested: "no Kubernetes cluster was asked"}}},
	} {
		got := row.d.Rehearse(t.Context(), tbot.OutputResult{Destination: row.to})
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
		store, _ := row.d.Secrets.(*secrets)
		if row.written == "" {
			continue
		}
		if keys := slices.Collect(maps.Keys(store.data)); store.written != row.written || !slices.Equal(keys, []string{".write-test"}) || len(store.data[".write-test"]) > 0 {
			t.Errorf("%s: wrote %v to %s", name, keys, store.written)
		}
	}
	got := tbot.Destinations{}.Rehearse(t.Context(), tbot.OutputResult{Destination: tbotconfig.Secret("out")})
	if len(got) != 1 || got[0].Err == nil || got[0].Err.Error() != "unable to detect namespace from POD_NAMESPACE environment variable" {
		t.Errorf("without a namespace: %v", got)
	}
}

func TestRehearseArgoCD(t *testing.T) {
	t.Parallel()
	l := newKubeLab(t, teleporttest.Options{})
	run := l.runs(t, argoCD(named("alpha"), named("beta")))
	run.Destinations = tbot.Destinations{Namespace: "argocd", Nowhere: true}
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	forbidden := errors.New("forbidden")
	store := &secrets{refuse: map[string]error{"beta": forbidden}}
	got := tbot.Destinations{Secrets: store}.Rehearse(t.Context(), result.Outputs[0])
	if len(got) != 2 || got[0].Err != nil || !errors.Is(got[1].Err, forbidden) || got[0].Place != result.Outputs[0].Secrets[0].String() {
		t.Errorf("rehearsed %v", got)
	}
	if len(store.put) != 1 || string(store.put[0].Data["config"]) != "{}" || len(store.put[0].Data["server"]) == 0 {
		t.Errorf("put %d Secrets", len(store.put))
	}
	if kept := result.Outputs[0].Secrets[0].Object(); string(kept.Data["config"]) == "{}" {
		t.Error("the rehearsal changed the result")
	}
	for _, tried := range (tbot.Destinations{}).Rehearse(t.Context(), result.Outputs[0]) {
		if tried.Untested == "" || tried.Err != nil {
			t.Errorf("without a store: %v", tried)
		}
	}
}
