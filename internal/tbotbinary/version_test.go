//go:build unix

package tbotbinary_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbotbinary"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, want, wrong string }{
		"community":      {body: `echo 'Teleport v18.2.0 git:v18.2.0-0-g1a2b3c4 go1.24.6'`, want: "18.2.0"},
		"enterprise":     {body: `echo 'Teleport Enterprise v17.7.1 git:v17.7.1-0-g1a2b3c4 go1.23.4'`, want: "17.7.1"},
		"development":    {body: `echo 'Teleport v19.0.0-dev git: go1.25'`, want: "19.0.0-dev"},
		"after a word":   {body: `echo 'A new version is available.'; echo 'Teleport v16.4.0 git:x go1'`, want: "16.4.0"},
		"something else": {body: `echo 'tbot the trading bot 2.0'`, wrong: `its ` + "`version`" + ` says "tbot the trading bot 2.0"`},
		"silent":         {body: `:`, wrong: `says ""`},
		"broken":         {body: `echo 'cannot execute: required file not found' >&2; exit 127`, wrong: "exit status 127: cannot execute"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tbot, record := stub(t, row.body)
			got, err := tbot.Version(t.Context())
			switch {
			case row.wrong == "" && (err != nil || got != row.want):
				t.Errorf("%q, error %v; want %s", got, err, row.want)
			case row.wrong != "" && (err == nil || !strings.Contains(err.Error(), row.wrong)):
				t.Errorf("error %v, want %s", err, row.wrong)
			}
			if args := strings.TrimSpace(read(t, record, "argv")); args != "version" {
				t.Errorf("arguments %q, want version alone", args)
			}
		})
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ tbot, server, want string }{
		{"18.2.0", "18.0.0", ""},
		{"17.7.1", "18.2.0", ""},
		{"18.9.0-dev.1", "18.2.0", ""},
		{"19.0.0", "18.2.0", "tbot 19.0.0 is newer than Teleport 18.2.0; use a tbot of 18"},
		{"16.5.0", "18.2.0", "tbot 16.5.0 is too old for Teleport 18.2.0, which takes tbots of 17 and 18"},
		{"", "18.2.0", `tbot "" cannot be held against Teleport "18.2.0"`},
		{"18.2.0", "new", `against Teleport "new"`},
	} {
		switch err := tbotbinary.Fits(row.tbot, row.server); {
		case row.want == "" && err != nil:
			t.Errorf("%s and %s: %v", row.tbot, row.server, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s and %s: %v, want %s", row.tbot, row.server, err, row.want)
		}
	}
}

func TestLook(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	if _, err := tbotbinary.Look(""); err == nil || !strings.Contains(err.Error(), "looking for tbot on PATH") || !strings.Contains(err.Error(), "--runtime") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	path := filepath.Join(folder, "tbot")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{"", path} {
		if found, err := tbotbinary.Look(asked); err != nil || found.Path != path {
			t.Errorf("%q: %s, error %v; want %s", asked, found.Path, err, path)
		}
	}
	if _, err := tbotbinary.Look(filepath.Join(folder, "other")); err == nil {
		t.Error("what is not there was found")
	}
}
