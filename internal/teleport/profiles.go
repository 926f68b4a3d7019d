package teleport

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/profile"
)

// Profile is one login that tsh keeps. Names in it are foreign text.
type Profile struct {
	// Proxy is host:port; the host alone where the profile is broken.
	Proxy string
	// Cluster is the one that the login is to, which is the proxy's own, whatever tsh has selected.
	Cluster string
	User    string
	// Expires is when the login ends; zero where no certificate says so.
	Expires time.Time
	// Expired tells that it has ended.
	Expired bool
	// Current tells that tsh uses it where no other is named.
	Current bool
	// Hardware tells that its key lies on a hardware token (PIV), which this build cannot use.
	Hardware bool
	// Err is why the profile is of no use, of kind NotLoggedIn; nil for one that works, and for one that has merely expired or lies
	// on a token.
	Err error
	// Fix is the command that renews the login.
	Fix string
}

// Profiles lists what tsh keeps in dir, which is TELEPORT_HOME; empty means ~/.tsh. The current one comes first, then by proxy.
// Where tsh was never used there are none. Files are read and nothing is asked; a profile that is broken is listed with its error
// (teleport-facts 4.4).
func Profiles(dir string, now time.Time) ([]Profile, error) {
	dir = profile.FullProfilePath(dir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &Error{Kind: Other, Doing: "reading the tsh profiles", Err: err}
	}
	// Without one, or one that cannot be read, none is current.
	current, _ := profile.GetCurrentProfileName(dir)
	var all []Profile
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), ".yaml")
		if !found || entry.IsDir() {
			continue
		}
		one := readProfile(dir, name, now)
		one.Current = name == current
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Profile) int {
		switch {
		case a.Current:
			return -1
		case b.Current:
			return 1
		}
		return cmp.Compare(a.Proxy, b.Proxy)
	})
	return all, nil
}

func readProfile(dir, name string, now time.Time) Profile {
	held, err := profile.FromDir(dir, name)
	if err != nil {
		return Profile{Proxy: name, Err: profileError(name, fmt.Errorf("the file %s.yaml cannot be read: %w", name, err)), Fix: Login{}.fix(name)}
	}
	p := Profile{Proxy: held.WebProxyAddr, Cluster: held.SiteName, User: held.Username, Fix: Login{}.fix(held.WebProxyAddr)}
	certificate, err := readCertificate(held.TLSCertPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.Err = profileError(name, errors.New("nobody is logged in"))
		return p
	case err != nil:
		p.Err = profileError(name, err)
		return p
	}
	p.Expires, p.Expired = certificate.NotAfter, now.After(certificate.NotAfter)
	if issuer := certificate.Issuer.Organization; len(issuer) > 0 {
		p.Cluster = issuer[0]
	}
	if p.Hardware = hardwareBacked(dir, name); p.Hardware {
		return p
	}
	if _, err := held.TLSConfig(); err != nil {
		p.Err = profileError(name, err)
	}
	return p
}

func profileError(name string, err error) error {
	return &Error{Kind: NotLoggedIn, Doing: "reading the tsh profile for " + name, Err: err}
}

func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the user's own profile
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return x509.ParseCertificate(block.Bytes)
}
