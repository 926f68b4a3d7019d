package teleport_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestConnectByIdentityFile(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.7"} {
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		until := time.Now().Add(time.Hour)
		client := clientAs(t, c, "admin")
		wantUser(t, client, "admin", until)
		if client.ClusterName() != clusterName {
			t.Errorf("%s: cluster name %q", version, client.ClusterName())
		}
	}
}

func TestConnectByProfile(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	dir := t.TempDir()
	if got := teleport.CurrentProxy(dir); got != "" {
		t.Errorf("the current proxy of an empty directory is %q", got)
	}
	until := time.Now().Add(30 * time.Minute)
	if err := c.WriteProfile(dir, "plain", 30*time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := teleport.CurrentProxy(dir); got != c.Addr() {
		t.Errorf("the current proxy is %q, want %q", got, c.Addr())
	}
	client, err := teleport.Connect(t.Context(), targetOf(c), find(t, c), teleport.Login{ProfileDir: dir}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, client)
	wantUser(t, client, "plain", until)
}

// wantUser allows a certificate's end whole seconds and the time that the test takes.
func wantUser(t *testing.T, client *teleport.Client, name string, until time.Time) {
	t.Helper()
	user, expires := client.User()
	if user != name {
		t.Errorf("user %q, want %q", user, name)
	}
	if off := expires.Sub(until).Abs(); off > time.Minute {
		t.Errorf("the login ends at %v, want %v", expires, until)
	}
}

func TestNoUsableLogin(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	good, err := c.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "nothing-here")
	directory := t.TempDir()
	expired, broken := t.TempDir(), t.TempDir()
	for _, dir := range []string{expired, broken} {
		if err := c.WriteProfile(dir, "admin", -time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(broken, "localhost.yaml"), []byte("\tno yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := "tsh login --proxy=" + c.Addr()

	for name, row := range map[string]struct {
		login teleport.Login
		parts []string
	}{
		"identity expired": {identityFile(t, c, "admin", -time.Minute), []string{"--identity", "ended at 20"}},
		"identity missing": {teleport.Login{IdentityFile: missing}, []string{"--identity " + missing + ": the file does not exist"}},
		"identity is a directory": {
			teleport.Login{IdentityFile: directory}, []string{"--identity", directory, "is a directory"},
		},
		"identity is garbage": {teleport.Login{IdentityFile: write(t, []byte("hello\n"))}, []string{"--identity"}},
		"identity is empty":   {teleport.Login{IdentityFile: write(t, nil)}, []string{"--identity"}},
		"identity cut in the key": {
			teleport.Login{IdentityFile: write(t, good[:bytes.Index(good, []byte("-----END"))])}, []string{"--identity"},
		},
		"identity is a key alone": {
			teleport.Login{IdentityFile: write(t, good[:bytes.Index(good, []byte("\n-----END"))+1+len("-----END PRIVATE KEY-----\n")])},
			[]string{"--identity"},
		},
		"identity of two logins": {teleport.Login{IdentityFile: write(t, mixed(t, good, other))}, []string{"--identity"}},
		"no profile": {
			teleport.Login{ProfileDir: directory}, []string{"no tsh profile for localhost in " + directory, "; run: " + login},
		},
		"profile directory missing": {teleport.Login{ProfileDir: missing}, []string{"no tsh profile for localhost in " + missing, "; run: " + login}},
		"profile expired":           {teleport.Login{ProfileDir: expired}, []string{"the tsh login ended at 20", "; run: " + login}},
		"profile broken":            {teleport.Login{ProfileDir: broken}, []string{"cannot be used", "; run: " + login}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A login is judged before any server is asked.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			client, err := teleport.Connect(ctx, targetOf(c), teleport.Server{ClusterName: clusterName, TLSRouting: true}, row.login, time.Now())
			if client != nil {
				t.Error("a client without a login")
			}
			wantError(t, err, teleport.NotLoggedIn, row.parts...)
		})
	}
}

// mixed is the key of one identity file with the certificates of another.
func mixed(t *testing.T, key, rest []byte) []byte {
	t.Helper()
	end := []byte("-----END PRIVATE KEY-----\n")
	head, _, found := bytes.Cut(key, end)
	_, tail, alsoFound := bytes.Cut(rest, end)
	if !found || !alsoFound {
		t.Fatal("no key in the identity file")
	}
	return bytes.Join([][]byte{head, end, tail}, nil)
}

// profileOf is a tsh profile of the user admin.
func profileOf(t *testing.T, c *teleporttest.Cluster, ttl time.Duration) teleport.Login {
	t.Helper()
	dir := t.TempDir()
	if err := c.WriteProfile(dir, "admin", ttl); err != nil {
		t.Fatal(err)
	}
	return teleport.Login{ProfileDir: dir}
}

// The server decides in the end: a login that this machine takes for good may have ended there, belong elsewhere, or be of
// somebody who is gone. A tsh login is renewed by one command; who keeps an identity file fresh is not known here.
func TestLoginThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	c.AddUser("bot-leaver", "access")
	leaver := identityFile(t, c, "bot-leaver", time.Hour)
	c.DeleteBot("leaver")
	other := teleporttest.New(t, teleporttest.Options{ClusterName: "other.example.com"})
	anew := teleporttest.New(t, teleporttest.Options{})

	for name, row := range map[string]struct {
		login teleport.Login
		parts []string
	}{
		"ended, profile":                 {profileOf(t, c, -time.Minute), []string{"the login is refused", "expired certificate"}},
		"ended, identity":                {identityFile(t, c, "admin", -time.Minute), []string{"the login is refused", "expired certificate"}},
		"user is gone, identity":         {leaver, []string{"the login is refused: access denied"}},
		"another cluster, profile":       {profileOf(t, other, time.Hour), []string{"other.example.com", clusterName}},
		"another cluster, identity":      {identityFile(t, other, "admin", time.Hour), []string{"other.example.com", clusterName}},
		"cluster was made anew, profile": {profileOf(t, anew, time.Hour), []string{"does not fit this cluster's authority", "unknown authority"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := find(t, c)
			started := time.Now()
			client, err := teleport.Connect(t.Context(), targetOf(c), server, row.login, started.Add(-time.Hour))
			if client != nil {
				t.Error("a client with a login that the server refuses")
			}
			wantError(t, err, teleport.NotLoggedIn, row.parts...)
			run := "; run: tsh login --proxy=" + c.Addr()
			if said := strings.HasSuffix(err.Error(), run); said != (row.login.ProfileDir != "") {
				t.Errorf("%q said: %v; %v", run, said, err)
			}
			soon(t, started)
		})
	}
}

// soon is well below the 15 seconds that a connection may take.
func soon(t *testing.T, started time.Time) {
	t.Helper()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

// Teleport refuses clients that are more than one major version behind; that is nothing that a login mends.
func TestConnectToNewerServer(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Version: "21.0.0", RejectOldClients: true})
	_, err := teleport.Connect(t.Context(), targetOf(c), find(t, c), identityFile(t, c, "admin", time.Hour), time.Now())
	wantError(t, err, teleport.Other, "version 21.0.0 takes clients from 20.0.0 on", "client version is unsupported")
	if strings.Contains(err.Error(), "tsh login") {
		t.Errorf("a login does not mend it: %v", err)
	}
	near := teleporttest.New(t, teleporttest.Options{Version: "20.0.0", RejectOldClients: true})
	wantUser(t, clientAs(t, near, "admin"), "admin", time.Now().Add(time.Hour))
}

func TestConnectToNobody(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	login := identityFile(t, c, "admin", time.Hour)
	server := find(t, c)
	closed := routetest.ClosedPort(t)
	started := time.Now()
	_, err := teleport.Connect(t.Context(), teleport.Target{Proxy: closed}, server, login, started)
	wantError(t, err, teleport.Unreachable, closed, "connection refused")
	soon(t, started)

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started = time.Now()
	_, err = teleport.Connect(ctx, teleport.Target{Proxy: routetest.Port(t, routetest.Silent)}, server, login, started)
	wantError(t, err, teleport.Unreachable)
	soon(t, started)
}
