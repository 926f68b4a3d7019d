package teleport_test

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/profile"
	"github.com/gravitational/teleport/api/utils/keypaths"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestHardwareBackedProfile holds that a key on a hardware token is recognised in the files of either age, before any server is
// asked, and that the text names ways out that work.
func TestHardwareBackedProfile(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	for name, old := range map[string]bool{"since 17": false, "before 17": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := c.WriteProfile(dir, "admin", time.Hour); err != nil {
				t.Fatal(err)
			}
			held, err := profile.FromDir(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			onToken := pem.EncodeToMemory(&pem.Block{Type: "PIV YUBIKEY PRIVATE KEY", Bytes: []byte(`{"serial_number":1,"slot_key":154}`)})
			tlsKey := keypaths.UserTLSKeyPath(dir, held.Name(), "admin")
			sshKey := keypaths.UserSSHKeyPath(dir, held.Name(), "admin")
			if old {
				if err := os.Remove(tlsKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				tlsKey = sshKey
			}
			if err := os.WriteFile(tlsKey, onToken, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = teleport.Connect(t.Context(), targetOf(c), teleport.Server{ClusterName: clusterName, TLSRouting: true},
				teleport.Login{ProfileDir: dir}, time.Now())
			wantError(t, err, teleport.NotLoggedIn, "the tsh profile for localhost", "hardware token (PIV)", "this build", "--identity", "tctl auth sign", "tctl, which can use the token")
			if asked := c.Requests(); len(asked) > 0 {
				t.Errorf("the server was asked: %v", asked)
			}
		})
	}
}
