package tokenfile

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"parley/internal/auth"
	"parley/internal/fault"
)

func TestTokensAreMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadOrCreate(filepath.Join(dir, AdminFile))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := Tokens(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if role, ok := tokens.Role(first); !ok || role != auth.Admin {
		t.Errorf("the file's token has role %q, %v", role, ok)
	}
	for _, name := range []string{AdminFile, AskFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left, want 2 (%v)", len(left), err)
	}
}

func TestEnvironmentTakesThePlaceOfTheFile(t *testing.T) {
	dir := t.TempDir()
	given := "given-by-the-environment"
	tokens, err := Tokens(dir, given)
	if err != nil {
		t.Fatal(err)
	}
	if role, ok := tokens.Role(given); !ok || role != auth.Admin {
		t.Errorf("the given token has role %q, %v", role, ok)
	}
	if _, err := os.Stat(filepath.Join(dir, AdminFile)); err == nil {
		t.Error("an admin file was made that opens nothing")
	}
}

func TestStartingTogetherGivesOneToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), AdminFile)
	got := make([]string, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], _ = LoadOrCreate(path) })
	}
	wg.Wait()
	for _, token := range got {
		if token != got[0] || len(token) != 64 {
			t.Errorf("two starts got different tokens, or one of %d characters", len(token))
		}
	}
}

func TestEmptyFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), AdminFile)
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(path); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("got %v, want an invalid error", err)
	}
}
