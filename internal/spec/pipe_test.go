//go:build unix

package spec_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestFilesMayBePipes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte(`{"keys":[]}`), 0o600) }()
	var setup spec.Setup
	if err := field(t, "jwks-file").Set(&setup, path); err != nil || setup.Join.JWKS != `{"keys":[]}` {
		t.Errorf("read %q, %v", setup.Join.JWKS, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
