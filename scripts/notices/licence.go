package main

import (
	"slices"
	"strings"
)

// marks are phrases that stand in one licence only, in running text with single
// spaces and in lower case. A file may hold several licences.
var marks = []struct{ spdx, phrase string }{
	{"Apache-2.0", "apache license version 2.0, january 2004"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD-3-Clause", "to endorse or promote products derived from"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"MPL-2.0", "mozilla public license, version 2.0"},
	{"Zlib", "this software is provided 'as-is', without any express or implied"},
	{"Unlicense", "this is free and unencumbered software released into the public domain"},
	{"CC0-1.0", "cc0 1.0 universal"},
	{"BSL-1.0", "boost software license - version 1.0"},
	{"GPL", "gnu general public license version"},
	{"LGPL", "gnu lesser general public license version"},
	{"AGPL", "gnu affero general public license version"},
}

// copyleft licences reach beyond their own files.
var copyleft = []string{"GPL", "LGPL", "AGPL"}

// detect names the licences in a text, sorted. NOTICE files have none.
func detect(text string) []string {
	running := strings.ToLower(strings.Join(strings.Fields(text), " "))
	var found []string
	for _, m := range marks {
		if strings.Contains(running, m.phrase) {
			found = append(found, m.spdx)
		}
	}
	// BSD-2-Clause is BSD-3-Clause less one sentence, so its mark is the lack of it.
	if strings.Contains(running, "redistributions in binary form must reproduce") && !slices.Contains(found, "BSD-3-Clause") &&
		!slices.Contains(found, "Apache-2.0") {
		found = append(found, "BSD-2-Clause")
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// tidy makes texts that differ only in line ends and outer blanks the same.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}
