package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"Apache over two lines", "Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"},
		{"MIT wrapped", "Permission is hereby granted, free of\ncharge, to any person obtaining a copy of", "MIT"},
		{"BSD with three clauses", "Redistributions in binary form must reproduce ... to endorse or promote products derived from", "BSD-3-Clause"},
		{"BSD with two", "Redistributions in binary form must reproduce the above", "BSD-2-Clause"},
		{"two in one file", "Apache License Version 2.0, January 2004 ... Permission is hereby granted, free of charge, to any person obtaining a copy", "Apache-2.0 MIT"},
		{"copyleft", "GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3", "AGPL"},
		{"a notice", "Prometheus\nCopyright 2012", ""},
		{"Go's own", goLicence, "BSD-3-Clause"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(detect(c.text), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReadRefusesWhatAPersonMustDecide(t *testing.T) {
	for name, text := range map[string]string{
		"unknown":  "You may look but not touch.",
		"copyleft": "GNU GENERAL PUBLIC LICENSE Version 2",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "LICENSE")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read("example.org/x@v1", []string{file}); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestLicenceFilesOfPartsAreFound(t *testing.T) {
	top := t.TempDir()
	part := filepath.Join(top, "zstd", "internal")
	if err := os.MkdirAll(part, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LICENSE", "license.go", "zstd/internal/LICENCE.txt", "NOTICE"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := licenceFiles(part, top)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(part, "LICENCE.txt"), filepath.Join(top, "LICENSE"), filepath.Join(top, "NOTICE")}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRenderGivesEachTextOnce(t *testing.T) {
	var b strings.Builder
	render(&b, []module{
		{Path: "a", Version: "v1", Licences: []string{"MIT"}, Texts: []string{"one\n"}},
		{Path: "b", Version: "v2", Licences: []string{"MIT"}, Texts: []string{"one\n", "~~~two\n"}},
	})
	text := b.String()
	for _, want := range []string{
		"| a | v1 | MIT | [1](#text-1) |\n", "| b | v2 | MIT | [1](#text-1), [2](#text-2) |\n",
		"## Text 1\n\nof a, b\n\n~~~text\none\n~~~\n", "~~~~text\n~~~two\n~~~~\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Count(text, "one\n") != 1 {
		t.Error("a shared text is written more than once")
	}
}
