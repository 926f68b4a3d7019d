package tbotlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

// The lines have the shapes of tbot 16 (logrus), of 17 and newer (slog, text and JSON), and of what it prints last (teleport-facts 7).
const (
	described = "ci, id=0a1b-2c | valid: after=2026-01-02T03:00:00Z, before=2026-01-02T04:01:00Z, duration=1h1m0s | kind=tls, renewable=false, disallow-reissue=false, roles=[bot-ci], principals=[-teleport-internal-join], generation=1"
	joined    = "2026-01-02T03:01:00.000Z INFO [TBOT:IDEN] Fetched new bot identity identity:" + described + " tbot/service_bot_identity.go:224"
	joinedOld = "2024-02-20T10:00:01Z INFO [TBOT:IDENTITY] Fetched new bot identity. identity:" + "valid: after=2026-01-02T03:00:00Z, before=2026-01-02T04:01:00Z, duration=1h1m0s | kind=tls, renewable=false, disallow-reissue=false, roles=[bot-ci], principals=[], generation=0 tbot/renew.go:9"
)

func joinedAs() tbotlog.Account {
	return tbotlog.Account{Joined: true, Bot: "ci", Instance: "0a1b-2c", Roles: []string{"bot-ci"}, NotAfter: time.Date(2026, 1, 2, 4, 1, 0, 0, time.UTC)}
}

func with(a tbotlog.Account, change func(*tbotlog.Account)) tbotlog.Account {
	change(&a)
	return a
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		log  string
		want tbotlog.Account
	}{
		"silence":           {},
		"only starting":     {log: "INFO [TBOT] Created directory \"/opt\". tbot.go:1\nDEBU [TBOT] Loading config. x.go:2"},
		"text":              {log: joined, want: joinedAs()},
		"text, on a screen": {log: strings.Replace(joined, "INFO", "\x1b[36mINFO\x1b[0m", 1), want: joinedAs()},
		"16": {
			log:  joinedOld,
			want: with(joinedAs(), func(a *tbotlog.Account) { a.Instance = "" }),
		},
		"JSON": {
			log:  `{"timestamp":"2026-01-02T03:01:00Z","level":"info","caller":"x.go:1","message":"Fetched new bot identity","component":"tbot:identity","identity":"` + described + `"}`,
			want: joinedAs(),
		},
		"registered": {log: "INFO [AUTH] Successfully registered via proxy server. auth/register.go:1", want: tbotlog.Account{Joined: true}},
		"one shot, JSON, done": {
			log: `{"level":"info","message":"Fetched new bot identity","identity":"` + described + `"}
{"level":"info","message":"Generating output","component":"tbot:svc:identity-output (memory)"}
{"level":"info","message":"Service finished","service":"heartbeat"}
{"level":"info","message":"Service finished","service":"identity-output (memory)"}
{"level":"info","message":"Service finished","service":"my-clusters"}`,
			want: with(joinedAs(), func(a *tbotlog.Account) {
				a.Outputs = []tbotlog.Output{{Name: "identity-output (memory)", Done: true}, {Name: "my-clusters", Done: true}}
			}),
		},
		"one shot, text, one fails and breaks the other off": {
			log: joined + `
2026-01-02T03:01:01.000Z INFO [TBOT] Running service in oneshot mode service:one tbot/bot.go:1
2026-01-02T03:01:01.000Z INFO [TBOT] Running service in oneshot mode service:"kubernetes-output (memory)" tbot/bot.go:1
2026-01-02T03:01:01.000Z ERRO [TBOT] Service exited with error service:"kubernetes-output (memory)" error:[generating identity
	kubernetes cluster "x" not found] tbot/bot.go:2
2026-01-02T03:01:01.000Z ERRO [TBOT] Service exited with error service:one error:[context canceled] tbot/bot.go:2
ERROR: service(kubernetes-output (memory))
	generating identity
		kubernetes cluster "x" not found`,
			want: with(joinedAs(), func(a *tbotlog.Account) {
				a.Outputs = []tbotlog.Output{
					{Name: "one", Err: "context canceled"}, {Name: "kubernetes-output (memory)", Err: `generating identity: kubernetes cluster "x" not found`},
				}
			}),
		},
		"16 fails an output": {
			log: joinedOld + "\nWARN [TBOT:OUTPUTS] Failed to render output error:[at least one role request is required] output:identity (memory) x.go:2",
			want: with(joinedAs(), func(a *tbotlog.Account) {
				a.Instance = ""
				a.Outputs = []tbotlog.Output{{Name: "identity (memory)", Err: "at least one role request is required"}}
			}),
		},
		"refused, over several lines": {
			log:  "2026-01-02T03:00:00.000Z INFO [TBOT] Fetching bot identity using token x.go:1\nERROR: reviewing kubernetes token with static_jwks\n\tvalidating jwt claims\n\t\tinvalid audience claim (aud)",
			want: tbotlog.Account{JoinErr: "reviewing kubernetes token with static_jwks: validating jwt claims: invalid audience claim (aud)"},
		},
		"refused, JSON": {
			log:  `{"level":"warning","message":"Task failed. Backing off and retrying","error":{"message":"access denied"}}`,
			want: tbotlog.Account{JoinErr: "access denied"},
		},
		"refused, slog's own text": {
			log:  `time=2026-01-02T03:00:00.000Z level=ERROR msg="Failed to fetch bot identity" error="kubernetes token did not match any allow rules"`,
			want: tbotlog.Account{JoinErr: "kubernetes token did not match any allow rules"},
		},
		"the report of --debug": {
			log:  "ERROR: \nERROR REPORT:\nOriginal Error: *trace.AccessDeniedError access denied\nStack Trace:\n\t/go/lib/auth/join.go:100 auth.join\nUser Message: access denied",
			want: tbotlog.Account{JoinErr: "access denied"},
		},
		"refused, then let in": {
			log:  "WARN [TBOT] Task failed. error:[access denied] x.go:1\n" + joined,
			want: joinedAs(),
		},
		"a warning that says nothing of a failure": {log: "WARN [TBOT] Certificate TTL is shorter than the renewal interval x.go:1"},
		"a failure of neither": {
			log:  joined + "\nERROR: unable to communicate with auth server",
			want: with(joinedAs(), func(a *tbotlog.Account) { a.Err = "unable to communicate with auth server" }),
		},
		"no log at all": {log: "exec /usr/local/bin/tbot: exec format error"},
		"broken JSON":   {log: `{"level": "info", "message": `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(row.want, tbotlog.Read(strings.Split(row.log, "\n"))); diff != "" {
				t.Errorf("the account differs (-want +got):\n%s", diff)
			}
		})
	}
}

// A log is read as it comes: what was said so far counts, and what comes later is added.
func TestReaderAsItComes(t *testing.T) {
	t.Parallel()
	var r tbotlog.Reader
	r.Line("ERROR: reviewing kubernetes token")
	r.Line("\tparsing jwt")
	first := r.Account()
	r.Line(joined)
	if second := r.Account(); first.JoinErr != "reviewing kubernetes token: parsing jwt" || !second.Joined || second.JoinErr != "" {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// Whatever a container writes is an account, and no panic.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		joined, joinedOld, "ERROR: service(a (b)): c", `{"level":"error","error":{"message":"x"},"service":"y"}`, "\tfirst", "error:[", `error="\x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		account := tbotlog.Read(strings.Split(log, "\n"))
		for _, output := range account.Outputs {
			if strings.Contains(output.Err, "\n") {
				t.Errorf("an error on more than one line: %q", output.Err)
			}
		}
		if account.Joined && account.JoinErr != "" {
			t.Errorf("joined, and refused: %+v", account)
		}
	})
}
