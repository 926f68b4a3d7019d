package teleport_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestLockOn(t *testing.T) {
	t.Parallel()
	cluster := teleporttest.New(t, teleporttest.Options{})
	admin := clientAs(t, cluster, "admin")
	cluster.Lock("another")
	if name, err := admin.LockOn(t.Context(), "example", "example-token"); err != nil || name != "" {
		t.Errorf("lock %q, %v; want none", name, err)
	}
	lock := cluster.Lock("example")
	if name, err := admin.LockOn(t.Context(), "example", "example-token"); err != nil || name != lock {
		t.Errorf("lock %q, %v; want %q", name, err, lock)
	}
	cluster.Unlock(lock)
	if name, err := admin.LockOn(t.Context(), "example", "example-token"); err != nil || name != "" {
		t.Errorf("lock %q, %v; want none after it was removed", name, err)
	}
}

func TestLockOnWithoutTheRight(t *testing.T) {
	t.Parallel()
	cluster := teleporttest.New(t, teleporttest.Options{})
	_, err := clientAs(t, cluster, "plain").LockOn(t.Context(), "example", "example-token")
	wantError(t, err, teleport.Denied, "reading locks")
}
