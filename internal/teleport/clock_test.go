package teleport_test

import (
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestClock(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	at, err := teleport.Clock(t.Context(), targetOf(c))
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("the proxy's clock says %v, %v", at, err)
	}
	_, err = teleport.Clock(t.Context(), teleport.Target{Proxy: c.Addr()})
	wantError(t, err, teleport.Unreachable, "certificate")
}
