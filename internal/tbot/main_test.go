package tbot_test

import (
	"os"
	"testing"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }
