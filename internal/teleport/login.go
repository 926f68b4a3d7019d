package teleport

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/profile"
)

// Login says where the credentials for the admin calls come from: an identity file where one is named, else the tsh profile.
type Login struct {
	IdentityFile string
	// ProfileDir is TELEPORT_HOME; empty means ~/.tsh.
	ProfileDir string
}

// credentials loads and judges the login without asking any server. Every failure is of kind NotLoggedIn; for a tsh
// profile it carries the command that mends it.
func (l Login) credentials(proxy string, now time.Time) (client.Credentials, error) {
	if l.IdentityFile != "" {
		return l.identity(now)
	}
	host, _, err := net.SplitHostPort(proxy)
	if err != nil {
		host = proxy
	}
	fix := l.fix(proxy)
	if hardwareBacked(l.ProfileDir, host) {
		return nil, hardwareError(host)
	}
	loaded := client.LoadProfile(l.ProfileDir, host)
	if _, err := loaded.TLSConfig(); err != nil {
		cause := fmt.Errorf("no tsh profile for %s in %s", host, l.profileDir())
		if _, statErr := os.Stat(filepath.Join(l.profileDir(), host+".yaml")); statErr == nil {
			cause = fmt.Errorf("the tsh profile for %s cannot be used: %w", host, err)
		}
		return nil, &Error{Kind: NotLoggedIn, Doing: "logging in to Teleport", Err: cause, Fix: fix}
	}
	if expiry, known := loaded.Expiry(); known && now.After(expiry) {
		return nil, &Error{Kind: NotLoggedIn, Doing: "logging in to Teleport", Err: fmt.Errorf("the tsh login ended at %s", expiry.Format(time.RFC3339)), Fix: fix}
	}
	return loaded, nil
}

// AtHand tells whether there is a login for the proxy that looks usable, without asking any server; the error is of kind NotLoggedIn.
func (l Login) AtHand(proxy string, now time.Time) error {
	_, err := l.credentials(proxy, now)
	return err
}

// fix is the command that renews the login; empty for an identity file, which somebody else may keep fresh.
func (l Login) fix(proxy string) string {
	if l.IdentityFile != "" {
		return ""
	}
	return "tsh login --proxy=" + proxy
}

func (l Login) identity(now time.Time) (client.Credentials, error) {
	fail := func(err error) error {
		return &Error{Kind: NotLoggedIn, Doing: "reading --identity " + l.IdentityFile, Err: err}
	}
	loaded := client.LoadIdentityFile(l.IdentityFile)
	if _, err := loaded.TLSConfig(); err != nil {
		if _, statErr := os.Stat(l.IdentityFile); errors.Is(statErr, fs.ErrNotExist) {
			err = errors.New("the file does not exist")
		}
		return nil, fail(err)
	}
	if expiry, known := loaded.Expiry(); known && now.After(expiry) {
		return nil, fail(fmt.Errorf("the identity ended at %s", expiry.Format(time.RFC3339)))
	}
	return loaded, nil
}

func (l Login) profileDir() string {
	if l.ProfileDir != "" {
		return l.ProfileDir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "~/.tsh"
	}
	return filepath.Join(home, ".tsh")
}

// CurrentProxy is the proxy of the tsh profile in use, empty where there is none.
func CurrentProxy(profileDir string) string {
	current, err := profile.FromDir(profileDir, "")
	if err != nil {
		return ""
	}
	return current.WebProxyAddr
}
