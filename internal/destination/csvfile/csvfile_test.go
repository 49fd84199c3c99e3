package csvfile

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/destination"
	"parley/internal/destination/destinationtest"
	"parley/internal/fault"
)

func open(t *testing.T, dataDir string) destination.Connector {
	t.Helper()
	c, err := Open(destination.Spec{Name: "files", CSV: &destination.CSVSpec{Folder: "out/ads"}}, destination.Env{DataDir: dataDir})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everything returns all file names below dir with their contents.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out.WriteString(rel + "\n" + string(b) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCSVConforms(t *testing.T) {
	destinationtest.Conform(t, func(t *testing.T) destinationtest.Subject {
		dir := t.TempDir()
		return destinationtest.Subject{Connector: open(t, dir), Effect: func() string { return everything(t, dir) }}
	})
}

func TestFileAndManifest(t *testing.T) {
	dir := t.TempDir()
	b := destinationtest.Batch("b1", 1)
	b.Mode = destination.Suppress
	b.Members[0].Fields = map[string]string{"phone": "+44 20 7946 0958", "note": "=2+2 \"x\",\ny", "action": "mine"}
	if _, err := open(t, dir).Deliver(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "out", "ads")
	got, err := os.ReadFile(filepath.Join(folder, "conformance__b1.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := "\"person\",\"version\",\"action\",\"mode\",\"fields.action\",\"note\",\"phone\"\r\n" +
		"\"0001\",\"1\",\"add\",\"suppress\",\"mine\",\"'=2+2 \"\"x\"\",\ny\",\"+44 20 7946 0958\"\r\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "conformance__b1.manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(got)
	if m.SHA256 != hex.EncodeToString(sum[:]) || m.Bytes != len(got) || m.Rows != 1 || len(m.Columns) != 7 || m.File != "conformance__b1.csv" {
		t.Errorf("%+v", m)
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 2 {
		t.Errorf("something else was left in the folder: %v", entries)
	}
}

func TestACrashAtAnyStepIsMendedByRepeating(t *testing.T) {
	b := destinationtest.Batch("b1", 3)
	clean := t.TempDir()
	if _, err := open(t, clean).Deliver(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	const csvName, manifest = "out/ads/conformance__b1.csv", "out/ads/conformance__b1.manifest.json"
	for name, undo := range map[string]func(dir string) error{
		"manifest not yet there": func(dir string) error { return os.Remove(filepath.Join(dir, manifest)) },
		"file half written": func(dir string) error {
			_ = os.Remove(filepath.Join(dir, manifest))
			_ = os.Remove(filepath.Join(dir, csvName))
			return os.WriteFile(filepath.Join(dir, "out/ads/.conformance__b1.csv.tmp"), []byte("half a li"+strings.Repeat("x", 5000)), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := open(t, dir)
			_, err := c.Deliver(context.Background(), b)
			if err == nil {
				err = undo(dir)
			}
			if err == nil {
				_, err = c.Deliver(context.Background(), b)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := everything(t, dir), everything(t, clean); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestTheSameIdWithOtherContentIsAConflict(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	b := destinationtest.Batch("b1", 1)
	if _, err := c.Deliver(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	before := everything(t, dir)
	b.Members[0].Version = 7
	if _, err := c.Deliver(context.Background(), b); fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v", err)
	}
	if everything(t, dir) != before {
		t.Error("the first file was changed")
	}
}

func TestNothingIsWrittenOutsideTheDataDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Deliver(context.Background(), destinationtest.Batch("b1", 1)); err == nil {
		t.Error("a symbolic link led outside")
	}
	if everything(t, outside) != "" {
		t.Error("a file was written outside")
	}
	for _, id := range []string{"../b", "", "a/b", ".hidden"} {
		if _, err := open(t, t.TempDir()).Deliver(context.Background(), destinationtest.Batch(id, 1)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("batch id %q: %v", id, err)
		}
	}
}

func TestGuardedCells(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Ada": "Ada", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "+44 (20) 7946-0958": "+44 (20) 7946-0958",
		"-12.50": "-12.50", "+1|calc": "'+1|calc", "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0", "'=x": "''=x",
		"'quoted'": "'quoted'", "＝1": "'＝1", "a=b": "a=b",
	} {
		if got := guard(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCellsComeBackAsTheyWere(t *testing.T) {
	cell := rapid.StringMatching(`['=@+\-0-9 a,"\t]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(cell, 1, 4).Draw(t, "row")
		var out strings.Builder
		appendRow(&out, row)
		got, err := csv.NewReader(strings.NewReader(out.String())).Read()
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range got {
			if strings.HasPrefix(c, "=") || strings.HasPrefix(c, "@") {
				t.Fatalf("cell %q is a formula", c)
			}
			got[i] = Unguard(c)
		}
		if !slices.Equal(got, row) {
			t.Fatalf("got %q, want %q", got, row)
		}
	})
}

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"", "=", "''+x", "+44", "-", "\xff=", "＝"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if got := Unguard(guard(v)); got != v {
			t.Fatalf("%q came back as %q", v, got)
		}
	})
}
