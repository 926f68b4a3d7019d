package teleport_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/profile"
	"github.com/gravitational/teleport/api/utils/keypaths"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestProfiles holds the list to a folder with a login in every state.
func TestProfiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hosts := map[string]string{}
	for host, ttl := range map[string]time.Duration{
		"ended.example.com": -time.Hour, "good.example.com": 90 * time.Minute, "onkey.example.com": time.Hour,
		"out.example.com": time.Hour, "torn.example.com": time.Hour, "leaf.example.com": time.Hour, "mixed.example.com": time.Hour,
	} {
		c := teleporttest.New(t, teleporttest.Options{PublicName: host, ClusterName: "root." + host})
		if err := c.WriteProfile(dir, "admin", ttl); err != nil {
			t.Fatal(err)
		}
		held, err := profile.FromDir(dir, host)
		if err != nil {
			t.Fatal(err)
		}
		hosts[host] = held.WebProxyAddr
	}
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(keypaths.UserTLSKeyPath(dir, "onkey.example.com", "admin"), string(pem.EncodeToMemory(&pem.Block{Type: "PIV YUBIKEY PRIVATE KEY", Bytes: []byte(`{}`)})))
	// "tsh logout" leaves the profile and takes the keys.
	if err := os.RemoveAll(filepath.Join(dir, "keys", "out.example.com")); err != nil {
		t.Fatal(err)
	}
	put(keypaths.TLSCertPath(dir, "torn.example.com", "admin"), "nothing")
	put(keypaths.UserTLSKeyPath(dir, "mixed.example.com", "admin"), "nothing")
	put(filepath.Join(dir, "bad.example.com.yaml"), "\tno yaml")
	put(filepath.Join(dir, "notes.txt"), "not of tsh")
	if err := os.Mkdir(filepath.Join(dir, "folder.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	leaf, err := profile.FromDir(dir, "leaf.example.com")
	if err != nil {
		t.Fatal(err)
	}
	leaf.SiteName = "leaf-cluster"
	if err := leaf.SaveToDir(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := profile.SetCurrentProfileName(dir, "good.example.com"); err != nil {
		t.Fatal(err)
	}

	now := time.Now()
	got, err := teleport.Profiles(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	wanted := []struct {
		host              string
		current, expired  bool
		hardware, unknown bool
		err               string
	}{
		{host: "good.example.com", current: true},
		{host: "bad.example.com", unknown: true, err: "bad.example.com.yaml cannot be read"},
		{host: "ended.example.com", expired: true},
		{host: "leaf.example.com"},
		{host: "mixed.example.com", err: "reading the tsh profile for mixed.example.com"},
		{host: "onkey.example.com", hardware: true},
		{host: "out.example.com", unknown: true, err: "nobody is logged in"},
		{host: "torn.example.com", unknown: true, err: "holds no certificate"},
	}
	if len(got) != len(wanted) {
		t.Fatalf("%d profiles, want %d: %+v", len(got), len(wanted), got)
	}
	for i, want := range wanted {
		p := got[i]
		proxy := hosts[want.host]
		if proxy == "" {
			proxy = want.host
		}
		if p.Proxy != proxy || p.Current != want.current || p.Expired != want.expired || p.Hardware != want.hardware || p.Expires.IsZero() != want.unknown {
			t.Errorf("%+v, want %+v at %s", p, want, proxy)
		}
		if p.Fix != "tsh login --proxy="+proxy {
			t.Errorf("%s: the fix is %q", want.host, p.Fix)
		}
		if !want.unknown && (p.Cluster != "root."+want.host || p.User != "admin") {
			t.Errorf("%s: user %q of cluster %q", want.host, p.User, p.Cluster)
		}
		if want.err == "" && p.Err != nil {
			t.Errorf("%s: %v", want.host, p.Err)
		}
		if want.err != "" {
			wantError(t, p.Err, teleport.NotLoggedIn, want.err)
		}
	}
	if left := got[0].Expires.Sub(now); left < 80*time.Minute || left > 91*time.Minute {
		t.Errorf("the login ends in %v, want an hour and a half", left)
	}

	// Time alone makes a login expire.
	if got, err := teleport.Profiles(dir, now.Add(2*time.Hour)); err != nil || !got[0].Expired {
		t.Errorf("two hours later: %+v, %v; want one that has expired", got[0], err)
	}
}

func TestProfilesOfNobody(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"empty": t.TempDir(), "missing": filepath.Join(t.TempDir(), "nowhere")} {
		if got, err := teleport.Profiles(dir, time.Now()); err != nil || len(got) > 0 {
			t.Errorf("%s: %v, %v; want no profiles and no error", name, got, err)
		}
	}
	file := write(t, []byte("hello"))
	_, err := teleport.Profiles(file, time.Now())
	wantError(t, err, teleport.Other, "reading the tsh profiles", file)
}

// TestProfilesAgreeWithConnect holds that a profile which the list takes for good is one that Connect takes, and the other way.
func TestProfilesAgreeWithConnect(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	for name, row := range map[string]struct {
		ttl   time.Duration
		spoil func(dir string) error
		good  bool
	}{
		"good":       {time.Hour, func(string) error { return nil }, true},
		"expired":    {-time.Minute, func(string) error { return nil }, false},
		"logged out": {time.Hour, func(dir string) error { return os.RemoveAll(filepath.Join(dir, "keys")) }, false},
		"no key": {time.Hour, func(dir string) error {
			return os.Remove(keypaths.UserTLSKeyPath(dir, "localhost", "admin"))
		}, false},
		"no authority": {time.Hour, func(dir string) error {
			return os.WriteFile(keypaths.TLSCAsPathCluster(dir, "localhost", clusterName), []byte("nothing"), 0o600)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := c.WriteProfile(dir, "admin", row.ttl); err != nil {
				t.Fatal(err)
			}
			if err := row.spoil(dir); err != nil {
				t.Fatal(err)
			}
			got, err := teleport.Profiles(dir, time.Now())
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %v; want one profile", got, err)
			}
			if good := got[0].Err == nil && !got[0].Expired; good != row.good {
				t.Errorf("%+v, want good: %v", got[0], row.good)
			}
			client, err := teleport.Connect(t.Context(), targetOf(c), find(t, c), teleport.Login{ProfileDir: dir}, time.Now())
			if (err == nil) != row.good {
				t.Errorf("connecting: %v, want good: %v", err, row.good)
			}
			if err == nil {
				closeLater(t, client)
			} else if !strings.Contains(err.Error(), got[0].Fix) {
				t.Errorf("connecting advises otherwise than %q: %v", got[0].Fix, err)
			}
		})
	}
}
